"""What payments and credits do to a bill at the fake biller."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import AT_BILLER, Bill, BillPayment, PaymentWay
from dealthread.domain.credit_order import CreditedLine, refusals
from dealthread.domain.credit_sharing import shared_out
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.outcome import Rejected
from dealthread.ports.billing import CreditInvoice, RecordPayment


def paid(bill: Bill, amount: Money, day: date, way: PaymentWay) -> Bill:
    """The bill after a payment; more than is left is a mistake of the test."""
    number = len(bill.payments) + 1
    payment = BillPayment(
        ref=_ref(bill, "payment", f"pay_{bill.ref.native_id}_{number}"),
        amount=amount,
        paid_on=day,
        way=way,
        processor_id=f"pi_{bill.ref.native_id}_{number}" if way is PaymentWay.PROCESSOR else "",
    )
    less = _less(bill, amount)
    return less.model_copy(update={"payments": (*bill.payments, payment)})


def recorded(bill: Bill, command: RecordPayment, day: date) -> Bill | Rejected:
    """The bill after all that is left, or a part of it, was paid to the bank."""
    if any(one.receipt == command.receipt for one in bill.payments):
        return bill
    if bill.status not in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE):
        return Rejected("cash.over_under", f"invoice_is_{bill.status}", "invoice")
    is_part = command.amount < bill.remaining and bill.takes_part and command.value_date
    if bill.remaining != command.amount and not is_part:
        return Rejected("cash.over_under", "another_amount_is_left", "amount")
    after = paid(bill, command.amount, day, PaymentWay.BANK)
    *before, last = after.payments
    marked = last.model_copy(update={"receipt": command.receipt})
    return after.model_copy(update={"payments": (*before, marked)})


def credited(
    bill: Bill, net: Money, tax: Money, day: date, form: CreditForm, line_key: str = ""
) -> Bill:
    """The bill after a credit memo in one form, on one line (its first unless told)."""
    number = len(bill.credit_memos) + 1
    gross = net + tax
    memo = CreditMemo(
        ref=_ref(bill, "credit_note", f"cn_{bill.ref.native_id}_{number}"),
        number=f"{bill.number}-CN-{number}",
        corrects=bill.ref,
        lines=(CreditMemoLine(line_key=line_key or bill.lines[0].line_key, net=net, tax=tax),),
        net=net,
        tax=tax,
        gross=gross,
        forms={form: gross},
        issue_date=day,
    )
    less = _less(bill, gross) if form is CreditForm.OPEN_INVOICE else bill
    return less.model_copy(update={"credit_memos": (*bill.credit_memos, memo)})


def credited_in_words(
    bill: Bill, net: Money, day: date, form: CreditForm, tax: Money | None = None
) -> Bill:
    """The bill after somebody credited an amount in words of his own, in the biller's pages: it
    names no line. With `tax`, at the rate of the invoice's first line."""
    number, given = len(bill.credit_memos) + 1, tax or Money.zero(bill.currency)
    rate = bill.lines[0].tax_rate if tax else ""
    own = CreditMemoLine(line_key="", net=net, tax=given, wording="Courtesy", tax_rate=rate)
    memo = CreditMemo(
        ref=_ref(bill, "credit_note", f"cn_{bill.ref.native_id}_{number}"),
        number=f"{bill.number}-CN-{number}",
        corrects=bill.ref,
        lines=(own,),
        net=net,
        tax=given,
        gross=net + given,
        forms={form: net + given},
        issue_date=day,
    )
    return with_credit(bill, shared_out(bill.lines, memo, bill.credit_memos), AT_BILLER)


def credit_of(bill: Bill, command: CreditInvoice, day: date) -> CreditMemo | Rejected:
    """The credit memo of a command: the open part first, then the balance or back. Tax as each
    line was taxed; more than a line has left is refused."""
    refused = refusals(bill, command.currency, command.lines)
    if refused:
        return Rejected("billing.rejected", refused[0].code, refused[0].field)
    lines = tuple(_credit_line(bill, line) for line in command.lines)
    net = Money.total((line.net for line in lines), bill.currency)
    tax = Money.total((line.tax for line in lines), bill.currency)
    number, gross = len(bill.credit_memos) + 1, net + tax
    unpaid = min(gross, bill.remaining)
    after = CreditForm.REFUND if command.refund else CreditForm.BALANCE
    forms = {CreditForm.OPEN_INVOICE: unpaid, after: gross - unpaid}
    return CreditMemo(
        ref=_ref(bill, "credit_note", f"cn_{bill.ref.native_id}_{number}"),
        number=f"{bill.number}-CN-{number}",
        corrects=bill.ref,
        lines=lines,
        net=net,
        tax=tax,
        gross=gross,
        forms={form: part for form, part in forms.items() if part},
        issue_date=day,
    )


def with_credit(bill: Bill, memo: CreditMemo, cause: str) -> Bill:
    """The bill after it."""
    unpaid = memo.forms.get(CreditForm.OPEN_INVOICE)
    less = _less(bill, unpaid) if unpaid else bill
    assert memo.ref is not None
    return less.model_copy(
        update={
            "credit_memos": (*bill.credit_memos, memo),
            "credit_reasons": {**bill.credit_reasons, memo.ref.native_id: cause},
        }
    )


def _credit_line(bill: Bill, wanted: CreditedLine) -> CreditMemoLine:
    billed = next(line for line in bill.lines if line.line_key == wanted.line_key)
    tax = Money.rounded(wanted.net.amount * billed.tax.amount / billed.net.amount, bill.currency)
    return CreditMemoLine(line_key=wanted.line_key, net=wanted.net, tax=tax)


def _less(bill: Bill, amount: Money) -> Bill:
    remaining = bill.remaining - amount
    assert remaining.amount >= 0, "more than is left to pay"
    status = bill.status if remaining.amount else InvoiceStatus.PAID
    return bill.model_copy(update={"remaining": remaining, "status": status})


def _ref(bill: Bill, kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account=bill.ref.account, kind=kind, native_id=native_id)
