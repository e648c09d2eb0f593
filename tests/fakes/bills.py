"""What payments and credits do to a bill at the fake biller."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money


def paid(bill: Bill, amount: Money, day: date, way: PaymentWay) -> Bill:
    """The bill after a payment; more than is left is a mistake of the test."""
    number = len(bill.payments) + 1
    payment = BillPayment(
        ref=_ref(bill, "payment", f"pay_{bill.ref.native_id}_{number}"),
        amount=amount,
        paid_on=day,
        way=way,
    )
    less = _less(bill, amount)
    return less.model_copy(update={"payments": (*bill.payments, payment)})


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


def _less(bill: Bill, amount: Money) -> Bill:
    remaining = bill.remaining - amount
    assert remaining.amount >= 0, "more than is left to pay"
    status = bill.status if remaining.amount else InvoiceStatus.PAID
    return bill.model_copy(update={"remaining": remaining, "status": status})


def _ref(bill: Bill, kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account=bill.ref.account, kind=kind, native_id=native_id)
