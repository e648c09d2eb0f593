"""The document of an invoice that the biller voided after the ledger had it. Pure.

Stripe voids an invoice that is open or uncollectible and has no payment, open or paid
(docs.stripe.com/invoicing/partial-payments, "Invoice payment statuses"); customer balance that it
had used is the customer's again (docs.stripe.com/changelog/2019-12-03). What a note credited on it
before is in the ledger: the reversal is of what remains.
"""

from __future__ import annotations

from activities.ledger_documents import credit_memo, ledger_invoice
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.receivable import (
    CreditSettlement,
    LedgerCreditMemo,
    LedgerLine,
    voided_number,
)
from dealthread.naming import erp_document_key

INVOICE_VOID = "invoice_void"
"""Reason of a memo that reverses an invoice which the biller voided."""


def void_memo(bill: Bill, contract: Contract, tenant: str) -> LedgerCreditMemo | None:
    """The reversal on the day of the void: the invoice line by line, less what was credited on it.
    What was open is closed, what the balance had paid goes back to the balance. None where money
    came for it, which the biller does not allow: what becomes of that is a person's. None too
    where nothing remains."""
    on, balance = bill.voided_on, max(bill.balance_used, Money.zero(bill.currency))
    had_money = bill.payments or any(_gave_back(one.forms) for one in bill.credit_memos)
    if bill.status is not InvoiceStatus.VOID or on is None or had_money or bill.gross.amount <= 0:
        return None
    invoice = ledger_invoice(bill, contract, tenant)
    credits = [credit_memo(bill, one, contract, tenant) for one in bill.credit_memos]
    net, tax, gross = (
        getattr(invoice, name) - Money.total((getattr(one, name) for one in credits), bill.currency)
        for name in ("net", "tax", "gross")
    )
    if gross.amount <= 0:
        return None
    source = f"{bill.ref.account}:{bill.ref.native_id}"
    forms = {CreditForm.OPEN_INVOICE: gross - balance, CreditForm.BALANCE: balance}
    return LedgerCreditMemo(
        document_key=erp_document_key(tenant, contract.seller, "void", source, 1),
        number=voided_number(bill.number),
        billing=bill.ref,
        company=invoice.company,
        customer_key=invoice.customer_key,
        currency=invoice.currency,
        dates=invoice.dates.all_on(on),
        lines=(*invoice.lines, *(_less(line) for one in credits for line in one.lines)),
        net=net,
        tax=tax,
        gross=gross,
        contract_key=invoice.contract_key,
        business_key=invoice.business_key,
        po_number=invoice.po_number,
        corrects=invoice.document_key,
        reason=INVOICE_VOID,
        buyer=invoice.buyer,
        settlements=tuple(
            CreditSettlement(form=form, amount=amount) for form, amount in forms.items() if amount
        ),
    )


def _gave_back(forms: dict[CreditForm, Money]) -> bool:
    """Whether a credit gave back what had been paid."""
    return any(form is not CreditForm.OPEN_INVOICE for form in forms)


def _less(line: LedgerLine) -> LedgerLine:
    return line.model_copy(update={"net": -line.net, "tax": -line.tax})
