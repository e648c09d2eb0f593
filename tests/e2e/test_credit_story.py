"""A credit that a person gives on an open invoice, read back from the biller, the real ERP, the CRM
and customer success (PF-09)."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal

import httpx
import pytest

from dealthread.sandbox.books import BillingBooks, CustomerSuccess, Invoice
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg, quoted
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.stripe_catalogue import billing_clients
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import d2
from dealthread.stack.info import StackInfo
from tests.e2e.conftest import until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(900),
]
OPEN, CREDITED, LEFT = "21134.40", "476.00", "20658.40"
"""The first invoice of deal D2; 400.00 EUR with 19 % tax; the difference."""


@pytest.mark.usefixtures("office")
def test_a_credit_of_a_person_is_one_note_and_one_memo_tied_to_its_invoice(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi
) -> None:
    """Ordered twice under one id, it is given once."""
    deal = sales.sell(d2(InventedCustomers(2200).german(1)))
    operator.wait_until(deal.deal_id, lambda seen: seen.outcome == "completed", "the end", 90)
    with ExitStack() as held:
        erp = held.enter_context(TrytonReader(stack))
        clients = held.enter_context(billing_clients(stack))
        success = held.enter_context(CustomerSuccess(stack))
        org = SalesforceOrg(stack)
        held.callback(org.close)
        (agreement,) = BillingBooks(clients).of(deal.contract_key)
        invoice = BillingBooks(clients).first_invoice(agreement)
        assert invoice is not None

        def due() -> str:
            """What the CRM says is open of the invoice."""
            rows = org.query(
                "SELECT Dealthread_Amount_Due__c FROM Dealthread_Invoice__c "  # noqa: S608
                "WHERE Dealthread_Invoice_Id__c = "
                + quoted(f"{invoice.account}:{invoice.native_id}")
            )
            return f"{rows[0]['Dealthread_Amount_Due__c']:.2f}" if rows else "nothing"

        def heard() -> list[str]:
            found = success.of(deal.customer_key, deal.contract_key)
            return [str(one["state"]) for one in found.values()]

        until(lambda: due() == OPEN, 60, "the CRM has the invoice, which the ledger has by then")
        answers = [_credited(stack, invoice) for _ in range(2)]
        assert [one.json()["created"] for one in answers] == [True, False]
        until(lambda: due() == LEFT, 60, "the CRM shows what is left of the invoice")
        shown = org.query(
            "SELECT Dealthread_Number__c, Dealthread_Status__c, Dealthread_Total__c, "
            "Dealthread_Reason__c, Dealthread_Invoice__r.Dealthread_Number__c "
            "FROM Dealthread_Credit_Note__c WHERE Dealthread_Invoice__r.Dealthread_Invoice_Id__c = "
            + quoted(f"{invoice.account}:{invoice.native_id}")
        )

        (note,) = clients[invoice.account].v1.credit_notes.list({"invoice": invoice.native_id}).data
        assert (note.total, note.status, note.currency) == (47_600, "issued", "eur")
        (in_crm,) = shown
        assert in_crm["Dealthread_Invoice__r"]["Dealthread_Number__c"] == invoice.number
        assert (in_crm["Dealthread_Number__c"], in_crm["Dealthread_Status__c"]) == (
            note.number,
            "issued",
        )
        assert (f"{in_crm['Dealthread_Total__c']:.2f}", in_crm["Dealthread_Reason__c"]) == (
            CREDITED,
            "goodwill",
        )
        # A memo's amounts are negative in Tryton; its reference is the biller's number.
        rows = {
            str(row["reference"]): row
            for row in erp.invoices([["party.code", "=", deal.customer_key]])
        }
        assert set(rows) == {invoice.number, note.number}
        memo = rows[note.number]
        figures = [f"{memo[name]:.2f}" for name in ("untaxed_amount", "tax_amount", "total_amount")]
        assert figures == ["-400.00", "-76.00", f"-{CREDITED}"]
        # The memo's line pays a part of the invoice; Tryton settles the two when all of it is paid.
        assert f"{rows[invoice.number]['amount_to_pay']:.2f}" == LEFT
        # Our key begins the comment of each document.
        (corrected,), (said,) = _comment(erp, invoice.number), _comment(erp, note.number)
        assert f"Corrects: {corrected.split()[0]}" in said.splitlines()
        until(lambda: "created" in heard(), 60, f"customer success hears of the credit: {heard()}")

    unsourced = httpx.get(
        f"{stack.urls.bridge}/v1/money/unsourced", headers=_operator(stack), trust_env=False
    )
    # Of every deal that this stack has carried so far, the stopped and the undone ones too (DM-04).
    assert (unsourced.status_code, unsourced.json()) == (httpx.codes.OK, [])


def _credited(stack: StackInfo, invoice: Invoice) -> httpx.Response:
    answer = httpx.post(
        f"{stack.urls.bridge}/v1/invoices/{invoice.number}/credits",
        json={
            "amount": {"amount": str(Decimal("400.00")), "currency": "EUR"},
            "cause": "goodwill",
            "reason": "late delivery",
            "source_id": "e2e-credit-1",
        },
        headers=_operator(stack),
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return answer


def _operator(stack: StackInfo) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.credentials.operator_token}"}


def _comment(erp: TrytonReader, number: str) -> list[str]:
    rows = erp.search_read("account.invoice", [["reference", "=", number]], ["comment"], 2)
    return [str(row["comment"]) for row in rows]
