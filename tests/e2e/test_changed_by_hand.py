"""DM-10: a contract is the same in every system; what a person changes in one of them is listed.

Through the whole stack with the real ledger, by the command line.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest
from typer.testing import CliRunner

from dealthread.cli.main import app
from dealthread.sandbox.books import BillingBooks, Entitlements
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.stripe_catalogue import billing_clients
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import d2
from dealthread.stack.info import StackInfo
from tests.e2e.by_hand import Person
from tests.e2e.conftest import until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(900),
]


@pytest.mark.usefixtures("office")
def test_nothing_differs_until_somebody_changes_a_system_by_hand(
    stack: StackInfo,
    sales: SalesDesk,
    operator: ProcessApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D2, then a field in each of the CRM, the biller, the ledger, the entitlement service and
    customer success: exactly those five are listed, and nothing once they are put back."""
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
        is_read = found["subscribers"]["customer-success"] == "held"
        return code == 0 and found["differences"] == [] and is_read

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
    person.in_customer_success("churned")

    code, found = checked()
    assert code == 1
    listed = {(one["system"], one["field"]): one for one in found["differences"]}
    assert sorted(listed) == [
        ("billing", "end date"),
        ("crm", "state"),
        ("customer_success", "state"),
        ("entitlement", f"quantity of {grant['line_key']} from {grant['access_from']}"),
        ("erp", "document key"),
    ]
    assert (listed["crm", "state"]["found"], listed["crm", "state"]["wanted"]) == (
        "ended",
        "active",
    )
    success = listed["customer_success", "state"]
    assert (success["name"], success["found"], success["wanted"]) == (
        "customer-success",
        "churned",
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
    person.in_customer_success("active")
    code, found = checked()
    assert (code, found["differences"]) == (0, [])


@pytest.mark.usefixtures("office")
def test_an_amendment_and_a_credit_outside_the_flow_are_reported(
    stack: StackInfo,
    sales: SalesDesk,
    operator: ProcessApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D2, then 45 seats and a credit of 100.00 and 19.00 entered at the biller: the seats are a
    difference, the credit is a case, in the ledger and in the CRM (SN-2)."""
    deal = sales.sell(d2(InventedCustomers(2100).german(2)))
    operator.wait_until(deal.deal_id, lambda seen: seen.outcome == "completed", "the end", 90)
    key = deal.contract_key
    monkeypatch.setenv("DEALTHREAD_BRIDGE_URL", stack.urls.bridge)
    monkeypatch.setenv("DEALTHREAD_TOKEN", stack.credentials.operator_token)

    def ledger() -> dict[str, str]:
        with TrytonReader(stack) as tryton:
            rows = tryton.invoices([["party.code", "=", deal.customer_key]])
        return {str(row["reference"]): f"{row['total_amount']:.2f}" for row in rows}

    def shown(*command: str) -> Any:
        ran = CliRunner().invoke(app, [*command, "--json"])
        return json.loads(ran.stdout)

    def outside() -> list[dict[str, Any]]:
        return [one for one in shown("cases", "list") if one["contract_key"] == key]

    with billing_clients(stack) as clients:
        (agreement,) = BillingBooks(clients).of(key)
        invoice = BillingBooks(clients).first_invoice(agreement)
    assert invoice is not None
    until(lambda: set(ledger()) == {invoice.number}, 60, "the ledger has the invoice")
    person = Person(stack, {}, key)
    note = person.credits_at_biller(invoice, 10_000)
    until(lambda: ledger().get(note) == "-119.00", 60, "the ledger has the credit")
    (case,) = outside()
    assert (case["kind"], case["queue"]) == ("credit.outside", "accounting")
    assert note in case["summary"]
    person.sells_more_at_biller(45)
    (found,) = shown("contracts", "check", key)["contracts"]
    listed = [one for one in found["differences"] if one["system"] == "billing"]
    assert sorted((one["wanted"], one["found"]) for one in listed) == [
        ("17,760.00 EUR", "19,980.00 EUR"),
        ("40", "45"),
    ]
    assert {one["cause"] for one in listed} == {"changed_by_hand"}
    person.sells_more_at_biller(40)
