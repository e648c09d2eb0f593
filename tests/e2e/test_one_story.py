"""One deal read back from every system by its own interface: they tell one story (DM-05, DM-10,
ER-01), and our own write-back is no news to us (DM-03)."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack

import httpx
import pytest

from dealthread.sandbox.books import BillingBooks, CustomerSuccess, Entitlements
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg, quoted
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


@pytest.mark.usefixtures("office")
def test_every_system_tells_the_same_story_and_knows_the_others(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi
) -> None:
    """Total, tax, customer, parent, currency and context of Tryton's order equal the deal's; its
    first invoice is the same at the biller, in the ledger, the CRM and at customer success (PF-07);
    each native id finds the deal."""
    customer = InventedCustomers(2000).german(1)
    deal = sales.sell(d2(customer))
    operator.wait_until(deal.deal_id, lambda seen: seen.outcome == "completed", "the end", 90)
    refs = {row["kind"]: row["native_id"] for row in operator.refs(deal.deal_id)}

    with ExitStack() as held:
        erp = held.enter_context(TrytonReader(stack))
        order = next(row for row in erp.sales([["party.code", "=", deal.customer_key]]))
        assert str(order["id"]) == refs["booking"]
        assert order["reference"] == refs["booking_key"]
        figures = (order["untaxed_amount"], order["tax_amount"], order["total_amount"])
        assert [f"{figure:.2f}" for figure in figures] == ["17760.00", "3374.40", "21134.40"]
        assert order["party.name"] == customer.name
        assert order["currency.code"] == "EUR"
        assert customer.parent is not None
        assert erp.parents(deal.customer_key) == [customer.parent.name]
        (attached,) = erp.search_read(
            "ir.attachment", [["resource", "=", f"sale.sale,{order['id']}"]], ["name", "data"], 2
        )
        context = json.loads(_bytes(attached["data"]))
        assert context["contract_key"] == deal.contract_key
        for group in (
            "billing_schedule",
            "revenue_treatment",
            "tax_estimate",
            "receivable_terms",
            "term",
        ):
            assert context[group], group

        clients = held.enter_context(billing_clients(stack))
        (agreement,) = BillingBooks(clients).of(deal.contract_key)
        assert agreement.subscription_id == refs["subscription"]
        assert agreement.account == "acct_alder_de"

        entitlements = held.enter_context(Entitlements(stack))
        entitled = entitlements.of(deal.contract_key)
        assert entitled is not None
        assert entitled["id"] == refs["entitlement"]
        assert [grant["quantity"] for grant in entitled["grants"]] in (["40"], [40])

        org = SalesforceOrg(stack)
        held.callback(org.close)
        (contract,) = org.query(
            "SELECT Id, Dealthread_Subscription_Id__c, Dealthread_Booking_Id__c, "  # noqa: S608
            "Dealthread_Entitlement_Id__c, Dealthread_Status__c FROM Contract "
            f"WHERE Dealthread_Contract_Key__c = {quoted(deal.contract_key)}"
        )
        assert contract["Id"] == refs["contract"]
        assert contract["Dealthread_Subscription_Id__c"].endswith(refs["subscription"])
        assert contract["Dealthread_Booking_Id__c"].endswith(refs["booking"])
        assert contract["Dealthread_Entitlement_Id__c"] == refs["entitlement"]
        assert contract["Dealthread_Status__c"] == "active"

        invoice = BillingBooks(clients).first_invoice(agreement)
        assert invoice is not None
        assert (invoice.status, f"{invoice.total:.2f}") == ("open", "21134.40")
        success = held.enter_context(CustomerSuccess(stack))
        until(
            lambda: (
                success.of(deal.customer_key, deal.contract_key).get("invoice", {}).get("state")
                == "posted"
            ),
            60,
            "customer success hears of the invoice, which the ledger and the CRM have by then",
        )
        heard = success.of(deal.customer_key, deal.contract_key)["invoice"]
        (document,) = erp.invoices([["party.code", "=", deal.customer_key]])
        figures = tuple(document[f"{name}_amount"] for name in ("untaxed", "tax", "total"))
        assert [f"{figure:.2f}" for figure in figures] == ["17760.00", "3374.40", "21134.40"]
        assert (document["reference"], document["state"]) == (invoice.number, "posted")
        assert f"{document['amount_to_pay']:.2f}" == "21134.40"
        assert (heard["state"], heard["data"]["invoice_number"]) == ("posted", invoice.number)
        assert heard["data"]["document"] == invoice.number
        (mirrored,) = org.query(
            "SELECT Dealthread_Number__c, Dealthread_Status__c, Dealthread_Total__c, "
            "Dealthread_Amount_Due__c, Dealthread_Contract__c, Dealthread_Document_Id__c "
            "FROM Dealthread_Invoice__c WHERE Dealthread_Invoice_Id__c = "
            + quoted(f"{invoice.account}:{invoice.native_id}")
        )
        assert mirrored["Dealthread_Number__c"] == invoice.number
        assert mirrored["Dealthread_Status__c"] == "open"
        assert mirrored["Dealthread_Contract__c"] == contract["Id"]
        assert mirrored["Dealthread_Document_Id__c"] == str(document["id"])
        for amount in ("Dealthread_Total__c", "Dealthread_Amount_Due__c"):
            assert f"{mirrored[amount]:.2f}" == "21134.40"

    for row in operator.refs(deal.deal_id):
        name = f"{row['system']}:{row['account']}:{row['kind']}:{row['native_id']}"
        found = operator.standing(name)
        assert found is not None, name
        assert found.deal_id == deal.deal_id
    for unique in ("subscription", "entitlement", "contract", "booking_key", "invoice_number"):
        found = operator.standing(refs[unique])
        assert found is not None, unique
        assert found.deal_id == deal.deal_id

    # An org whose flow fires on any change of a won record also announces what we wrote back.
    assert _heard(operator, deal.deal_id) == ["salesforce accepted"]
    ended = operator.standing(deal.deal_id)
    assert ended is not None
    before = operator.writes(ended.business_key)
    news = {"object": "Opportunity", "recordId": deal.deal_id, "trigger": "won"}
    assert _announced(stack, news, "e2e-write-back-1") == (202, "accepted")
    assert _announced(stack, news, "e2e-write-back-1") == (200, "duplicate")
    until(
        lambda: _heard(operator, deal.deal_id) == ["salesforce accepted", "salesforce duplicate"],
        30,
        "the second message is known as a duplicate",
    )
    assert [row for row in operator.standings() if row.deal_id == deal.deal_id] == [ended]
    assert operator.writes(ended.business_key) == before, "nothing was written for it"


def _announced(stack: StackInfo, body: dict[str, str], message_id: str) -> tuple[int, str]:
    """Deliver one message as the org's package does: signed, with the org's own secret."""
    content = json.dumps(body).encode()
    signature = signed(
        content,
        stack.credentials.salesforce_webhook_secret,
        message_id=message_id,
        at=time.time(),
    )
    answer = httpx.post(
        f"{stack.urls.bridge}/webhooks/salesforce/{stack.salesforce_org_id}",
        content=content,
        headers={"content-type": "application/json"} | signature,
        trust_env=False,
    )
    return answer.status_code, answer.json()["status"]


def _heard(operator: ProcessApi, deal_id: str) -> list[str]:
    """What became of each message about a deal, oldest first."""
    return [row["detail"] for row in operator.trace(deal_id) if row["what"] == "message.received"]


def _bytes(data: dict[str, str]) -> bytes:
    """Tryton's JSON form of bytes."""
    return base64.b64decode(data["base64"])
