"""DM-10: a contract is the same in every system; what a person changes in one of them is listed.

Through the whole stack with the real ledger, by the command line.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from dealthread.cli.main import app
from dealthread.sandbox.books import BillingBooks, Entitlements
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.stripe_catalogue import billing_clients
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import d2
from dealthread.stack.info import StackInfo
from tests.bridge.caller import signed
from tests.e2e.conftest import until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(900),
]


class Person:
    """Somebody who works in the systems themselves."""

    def __init__(self, stack: StackInfo, refs: dict[str, str], contract_key: str) -> None:
        self._stack = stack
        self._refs = refs
        self._key = contract_key
        self._sent = 0

    def in_crm(self, value: str) -> None:
        """Another status on the contract's record."""
        org = SalesforceOrg(self._stack)
        try:
            org.update("Contract", self._refs["contract"], {"Dealthread_Status__c": value})
        finally:
            org.close()

    def at_biller(self, cancel_at: int | str) -> None:
        """Another end of the subscription."""
        with billing_clients(self._stack) as clients:
            (agreement,) = BillingBooks(clients).of(self._key)
            clients[agreement.account].v1.subscriptions.update(
                agreement.subscription_id, {"cancel_at": cancel_at, "proration_behavior": "none"}
            )

    def in_ledger(self, reference: str) -> None:
        """Another reference on the order."""
        with TrytonReader(self._stack) as tryton:
            order = int(self._refs["booking"])
            (row,) = tryton.search_read("sale.sale", [["id", "=", order]], ["company"])
            arguments = [[order], {"reference": reference}, {"company": row["company"]}]
            tryton._call("model.sale.sale.write", arguments)

    def at_service(self, grants: list[dict[str, Any]], customer_key: str) -> None:
        """Other rights: told by somebody who has the service's secret."""
        self._sent += 1
        message = f"by-hand-{self._key}-{self._sent}"
        data = {"contract_key": self._key, "customer_key": customer_key, "grants": grants}
        body = json.dumps(
            {
                "specversion": "1.0",
                "id": message,
                "source": "by-hand",
                "type": "dealthread.entitlement.grant.v1",
                "subject": self._key,
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self._sent)),
                "data": data,
            }
        ).encode()
        headers = signed(
            body,
            self._stack.credentials.entitlement_secret,
            message_id=message,
            at=time.time(),
        )
        answer = httpx.post(
            f"{self._stack.urls.entitlement_direct}/events",
            content=body,
            headers={"content-type": "application/json"} | headers,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("office")
def test_nothing_differs_until_somebody_changes_a_system_by_hand(
    stack: StackInfo,
    sales: SalesDesk,
    operator: ProcessApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D2, then a field in each of the CRM, the biller, the ledger and the entitlement service:
    exactly those four are listed, and nothing once they are put back."""
    deal = sales.sell(d2(InventedCustomers(2100).german(1)))
    operator.wait_until(deal.deal_id, lambda seen: seen.outcome == "completed", "the end", 90)
    refs = {row["kind"]: row["native_id"] for row in operator.refs(deal.deal_id)}
    key = deal.contract_key
    monkeypatch.setenv("DEALTHREAD_BRIDGE_URL", stack.urls.bridge)
    monkeypatch.setenv("DEALTHREAD_TOKEN", stack.credentials.operator_token)

    def checked() -> tuple[int, dict[str, Any]]:
        ran = CliRunner().invoke(app, ["contracts", "check", key, "--json"])
        (found,) = json.loads(ran.stdout)["contracts"]
        assert found["unread"] == [], found["unread"]
        return ran.exit_code, found

    def agrees() -> bool:
        code, found = checked()
        return code == 0 and found["differences"] == []

    # Customer success hears of the contract a moment after the run has ended.
    until(agrees, 60, "every system says the same")

    with ExitStack() as held:
        entitlements = held.enter_context(Entitlements(stack))
        entitled = entitlements.of(key)
        clients = held.enter_context(billing_clients(stack))
        (agreement,) = BillingBooks(clients).of(key)
        subscription = clients[agreement.account].v1.subscriptions.retrieve(
            agreement.subscription_id
        )
    assert entitled is not None
    ends = int(subscription["cancel_at"])
    (grant,) = entitled["grants"]
    person = Person(stack, refs, key)
    person.in_crm("ended")
    person.at_biller(ends + 31 * 86_400)
    person.in_ledger("keyed by hand")
    person.at_service([grant | {"quantity": "45"}], deal.customer_key)

    code, found = checked()
    assert code == 1
    listed = {(one["system"], one["field"]): one for one in found["differences"]}
    assert sorted(listed) == [
        ("billing", "end date"),
        ("crm", "state"),
        ("entitlement", f"quantity of {grant['line_key']} from {grant['access_from']}"),
        ("erp", "document key"),
    ]
    assert (listed["crm", "state"]["found"], listed["crm", "state"]["wanted"]) == (
        "ended",
        "active",
    )
    seats = listed["entitlement", f"quantity of {grant['line_key']} from {grant['access_from']}"]
    assert (seats["found"], seats["wanted"]) == ("45", "40")
    assert listed["erp", "document key"]["found"] == "keyed by hand"
    assert listed["erp", "document key"]["record"] == refs["booking"]
    assert {one["cause"] for one in found["differences"]} == {"changed_by_hand"}

    person.in_crm("active")
    person.at_biller(ends)
    person.in_ledger(refs["booking_key"])
    person.at_service([grant], deal.customer_key)
    code, found = checked()
    assert (code, found["differences"]) == (0, [])
