"""From a bill and its contract to the documents of the ledger. Pure.

Fixed charges are posted as deferred revenue, usage against what was accrued for it; the schedule
of the contract's versions takes them to revenue (facts/domain.md §9.8).
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.documents import CreditMemo
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.domain.receivable import (
    Application,
    CreditSettlement,
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerLine,
    LedgerReceipt,
    PostingDates,
)
from dealthread.errors import StepRejected
from dealthread.naming import erp_document_key, receipt_key

DEFERRED, UNBILLED = "2300", "1150"
_MONEY = {PaymentWay.PROCESSOR: "1050", PaymentWay.BANK: "1000"}
_BALANCE = "2210"


def invoice_key(tenant: str, seller: str, bill: Bill) -> str:
    """Our key on the ledger's invoice."""
    source = f"{bill.ref.account}:{bill.ref.native_id}"
    return erp_document_key(tenant, seller, "invoice", source, 1)


def ledger_invoice(bill: Bill, contract: Contract, tenant: str) -> LedgerInvoice:
    """The invoice as the ledger gets it: every amount is the biller's. Raises StepRejected for one
    that is not issued, and for a line that no contract line explains."""
    issued = bill.issue_date
    if issued is None or bill.finalised_at is None:
        raise StepRejected("invoice_not_issued", case_kind="billing.draft_stuck", field="status")
    return LedgerInvoice(
        document_key=invoice_key(tenant, contract.seller, bill),
        number=bill.number,
        billing=bill.ref,
        company=contract.erp_company,
        customer_key=contract.customer_key,
        currency=bill.currency,
        dates=PostingDates(
            finalised_at=bill.finalised_at,
            issue_date=issued,
            tax_point=issued,
            posting_date=issued,
        ),
        lines=tuple(_line(line, contract) for line in bill.lines),
        net=bill.net,
        tax=bill.tax,
        gross=bill.gross,
        contract_key=contract.key,
        business_key=f"invoice:{bill.ref.account}:{bill.ref.native_id}",
        po_number=bill.po_number or contract.po_number,
        due_date=bill.due_date or issued,
        payment_terms=contract.payment_terms,
    )


def _line(line: InvoiceLine, contract: Contract) -> LedgerLine:
    sold = _sold(line.line_key, contract)
    return LedgerLine(
        line_key=line.line_key,
        item=sold.erp_item,
        account=UNBILLED if sold.kind == "usage" else DEFERRED,
        description=line.description or sold.product_name,
        net=line.net,
        tax_code=sold.tax.code,
        tax=line.tax,
        service_start=line.period_start,
        service_end=_end(line),
    )


def _end(line: InvoiceLine) -> date | None:
    """A one-time charge has no span."""
    start, end = line.period_start, line.period_end
    return end if start is not None and end is not None and start < end else None


def _sold(line_key: str, contract: Contract) -> ContractLine:
    found = next((line for line in contract.lines if line.line_key == line_key), None)
    if found is None:
        raise StepRejected(
            "line_of_no_contract", case_kind="billing.rejected", field="lines", line=line_key
        )
    return found


def receipts(bill: Bill, contract: Contract, tenant: str) -> tuple[LedgerReceipt, ...]:
    """Balance that the invoice used up, then its payments by day: each settles this invoice."""
    found = []
    # Below nought it is an older debt that was collected along: that is the older invoice's.
    if bill.balance_used.amount > 0:
        day = bill.issue_date or date.min
        found.append(_receipt(bill, contract, tenant, "balance", bill.balance_used, day, _BALANCE))
    for payment in sorted(bill.payments, key=lambda one: (one.paid_on, one.ref.native_id)):
        found.append(_payment(bill, contract, tenant, payment))
    return tuple(found)


def _payment(bill: Bill, contract: Contract, tenant: str, payment: BillPayment) -> LedgerReceipt:
    made = _receipt(
        bill,
        contract,
        tenant,
        payment.ref.native_id,
        payment.amount,
        payment.paid_on,
        _MONEY[payment.way],
    )
    return made.model_copy(update={"source": payment.ref})


def _receipt(
    bill: Bill,
    contract: Contract,
    tenant: str,
    source: str,
    amount: Money,
    day: date,
    account: str,
) -> LedgerReceipt:
    return LedgerReceipt(
        document_key=receipt_key(
            tenant, contract.seller, bill.ref.account, bill.ref.native_id, source
        ),
        source=bill.ref,
        company=contract.erp_company,
        customer_key=contract.customer_key,
        value_date=day,
        posting_date=day,
        money_account=account,
        amount=amount,
        applications=(
            Application(document_key=invoice_key(tenant, contract.seller, bill), amount=amount),
        ),
        unapplied=Money.zero(bill.currency),
        reference=bill.number,
    )


def credit_memos(bill: Bill, contract: Contract, tenant: str) -> tuple[LedgerCreditMemo, ...]:
    """Credits of the biller that name this invoice, in the order of their numbers."""
    ordered = sorted(bill.credit_memos, key=lambda one: one.number)
    return tuple(_memo(bill, memo, contract, tenant) for memo in ordered)


def _memo(bill: Bill, memo: CreditMemo, contract: Contract, tenant: str) -> LedgerCreditMemo:
    if memo.ref is None or memo.issue_date is None or bill.finalised_at is None:
        raise StepRejected("credit_not_issued", case_kind="billing.draft_stuck", field="status")
    spans = {line.line_key: line for line in bill.lines}
    return LedgerCreditMemo(
        document_key=erp_document_key(
            tenant, contract.seller, "credit", f"{memo.ref.account}:{memo.ref.native_id}", 1
        ),
        number=memo.number,
        billing=memo.ref,
        company=contract.erp_company,
        customer_key=contract.customer_key,
        currency=bill.currency,
        dates=PostingDates(
            finalised_at=bill.finalised_at,
            issue_date=memo.issue_date,
            tax_point=memo.issue_date,
            posting_date=memo.issue_date,
        ),
        lines=tuple(
            LedgerLine(
                line_key=part.line_key,
                item=_sold(part.line_key, contract).erp_item,
                account=DEFERRED,
                description=f"Credit for {spans[part.line_key].description}"
                if part.line_key in spans
                else "Credit",
                net=part.net,
                tax_code=_sold(part.line_key, contract).tax.code,
                tax=part.tax,
            )
            for part in memo.lines
        ),
        net=memo.net,
        tax=memo.tax,
        gross=memo.gross,
        contract_key=contract.key,
        business_key=f"invoice:{bill.ref.account}:{bill.ref.native_id}",
        corrects=invoice_key(tenant, contract.seller, bill),
        reason=bill.credit_reasons.get(memo.ref.native_id, "order_change"),
        settlements=tuple(
            CreditSettlement(form=form, amount=amount) for form, amount in memo.forms.items()
        ),
    )
