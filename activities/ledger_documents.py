"""From a bill and its contract to the documents of the ledger. Pure.

Fixed charges are posted as deferred revenue, usage against what was accrued for it; the schedule
of the contract's versions takes them to revenue (facts/domain.md §9.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from dealthread.domain.base import Ref
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.cash import UNAPPLIED_CASH
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.domain.receipts import Application, LedgerReceipt
from dealthread.domain.receivable import (
    CreditSettlement,
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerLine,
    PostingDates,
    TakenBackCredit,
    taken_back_number,
)
from dealthread.domain.recognition.rows import UNBILLED_RECEIVABLES
from dealthread.errors import StepRejected
from dealthread.naming import (
    bank_receipt_key,
    erp_document_key,
    negative_invoice_key,
    receipt_key,
)
from dealthread.ports.crm import CreditMirror

DEFERRED, UNBILLED = "2300", UNBILLED_RECEIVABLES
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
        buyer=bill.buyer,
    )


def negative_invoice(bill: Bill, contract: Contract, tenant: str) -> LedgerCreditMemo:
    """An invoice below nought as the ledger gets it: a credit memo that corrects no invoice, whose
    gross is the customer's balance. Raises StepRejected as `ledger_invoice` does."""
    issued = bill.issue_date
    if issued is None or bill.finalised_at is None:
        raise StepRejected("invoice_not_issued", case_kind="billing.draft_stuck", field="status")
    lines = (_line(line, contract) for line in bill.lines)
    return LedgerCreditMemo(
        document_key=negative_invoice_key(
            tenant, contract.seller, bill.ref.account, bill.ref.native_id
        ),
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
        lines=tuple(line.model_copy(update={"net": -line.net, "tax": -line.tax}) for line in lines),
        net=-bill.net,
        tax=-bill.tax,
        gross=-bill.gross,
        contract_key=contract.key,
        business_key=f"invoice:{bill.ref.account}:{bill.ref.native_id}",
        po_number=bill.po_number or contract.po_number,
        reason="negative_invoice",
        buyer=bill.buyer,
        settlements=(CreditSettlement(form=CreditForm.BALANCE, amount=-bill.gross),),
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


def old_receipts(
    bill: Bill,
    contract: Contract,
    tenant: str,
    payments: Iterable[BillPayment],
    document: Ref,
) -> tuple[LedgerReceipt, ...]:
    """Payments of an invoice that others posted: the ledger's own id says which."""
    found = []
    for payment in payments:
        made = _payment(bill, contract, tenant, payment)
        parts = (
            part.model_copy(update={"native_id": document.native_id}) for part in made.applications
        )
        found.append(made.model_copy(update={"applications": tuple(parts)}))
    return tuple(found)


def _payment(bill: Bill, contract: Contract, tenant: str, payment: BillPayment) -> LedgerReceipt:
    made = _receipt(
        bill,
        contract,
        tenant,
        payment.ref.native_id,
        payment.amount,
        payment.paid_on,
        UNAPPLIED_CASH if payment.receipt else _MONEY[payment.way],
    )
    update: dict[str, object] = {"source": payment.ref}
    if payment.receipt:
        update["drawn_from"] = bank_receipt_key(tenant, contract.seller, payment.receipt)
    return made.model_copy(update=update)


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
    return tuple(credit_memo(bill, memo, contract, tenant) for memo in ordered)


def credits_shown(bill: Bill) -> tuple[CreditMirror, ...]:
    """What the CRM shows of them, in the order of their numbers; those taken back say so."""
    void = {one.number for one in bill.voided_credits}
    return tuple(
        CreditMirror(
            credit=memo.ref,
            number=memo.number,
            gross=memo.gross,
            reason=_reason(bill, memo.ref),
            issue_date=memo.issue_date,
            is_void=memo.number in void,
            voided_on=memo.voided_on,
        )
        for memo in sorted((*bill.credit_memos, *bill.voided_credits), key=lambda one: one.number)
        if memo.ref is not None
    )


def taken_back(bill: Bill, contract: Contract, tenant: str) -> tuple[TakenBackCredit, ...]:
    """The undo of each credit that the biller took back, whether the ledger has it or not."""
    found = []
    for voided in bill.voided_credits:
        memo = credit_memo(bill, voided, contract, tenant)
        on = voided.voided_on or memo.dates.issue_date
        source = f"{memo.billing.account}:{memo.billing.native_id}"
        found.append(
            TakenBackCredit(
                document=LedgerInvoice(
                    document_key=erp_document_key(tenant, contract.seller, "takeback", source, 1),
                    number=taken_back_number(memo.number),
                    billing=memo.billing,
                    company=memo.company,
                    customer_key=memo.customer_key,
                    currency=memo.currency,
                    dates=memo.dates.all_on(on),
                    lines=memo.lines,
                    net=memo.net,
                    tax=memo.tax,
                    gross=memo.gross,
                    contract_key=memo.contract_key,
                    business_key=memo.business_key,
                    due_date=max(bill.due_date or on, on),
                    payment_terms=contract.payment_terms,
                    buyer=memo.buyer,
                ),
                memo=memo.document_key,
                invoice=memo.corrects,
            )
        )
    return tuple(found)


def credit_memo(bill: Bill, memo: CreditMemo, contract: Contract, tenant: str) -> LedgerCreditMemo:
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
        lines=tuple(_credited(part, spans, contract) for part in memo.lines),
        net=memo.net,
        tax=memo.tax,
        gross=memo.gross,
        contract_key=contract.key,
        business_key=f"invoice:{bill.ref.account}:{bill.ref.native_id}",
        corrects=invoice_key(tenant, contract.seller, bill),
        reason=_reason(bill, memo.ref),
        buyer=bill.buyer,
        settlements=tuple(
            CreditSettlement(form=form, amount=amount) for form, amount in memo.forms.items()
        ),
    )


def _credited(
    part: CreditMemoLine, spans: Mapping[str, InvoiceLine], contract: Contract
) -> LedgerLine:
    """A credit that names no line states its own tax: where that is none, none is given back."""
    sold = _sold(part.line_key, contract)
    billed = spans[part.line_key].description if part.line_key in spans else ""
    is_untaxed = bool(part.wording and not (part.tax_rate or part.tax) and sold.tax.applied_rate)
    what = part.wording or (f"Credit for {billed}" if part.line_key in spans else "Credit")
    return LedgerLine(
        line_key=part.line_key,
        item=sold.erp_item,
        account=DEFERRED,
        description=f"{what}: {billed}" if part.wording and billed else what,
        net=part.net,
        tax_code="" if is_untaxed else sold.tax.code,
        tax=part.tax,
    )


def _reason(bill: Bill, credit: Ref) -> str:
    """A person's, where one gave it; else it came with a change of the contract."""
    return bill.credit_reasons.get(credit.native_id, "order_change")
