"""The processor's balance at the fake biller: what its bills, disputes and payouts come to.

It charges the fee of a payment when it pays it out, as the payout tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.dispute import Dispute
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.payout import MovementKind, MovementSums, Payout
from dealthread.domain.processor import Converted, ProcessorBalance, added, settled_on

Moved = tuple[date, MovementKind, Money, Money]
"""Day, kind, amount, fee."""


def balances_of(
    account: str,
    bills: Sequence[Bill],
    disputes: Sequence[Dispute],
    payouts: Sequence[Payout],
    month: tuple[date, date],
    paid_out: Mapping[str, Sequence[PaidOutPayment]] | None = None,
) -> tuple[ProcessorBalance, ...]:
    """By currency, at the end of the month. `paid_out` says what was converted."""
    start, end = month
    converted = _converted(bills, paid_out or {})
    mine = [one for one in payouts if one.ref.account == account]
    moved = [
        *(
            one
            for bill in bills
            if bill.ref.account == account
            for one in _of_bill(bill, converted)
        ),
        *(one for each in disputes if each.ref.account == account for one in _of_dispute(each)),
        *(one for each in mine for one in _fees(each)),
    ]
    found = []
    for currency in sorted({one[2].currency for one in moved} | {p.amount.currency for p in mine}):
        before = after = MovementSums()
        balance = Money.zero(currency)
        for day, kind, amount, fee in moved:
            if amount.currency != currency or day >= end:
                continue
            balance = balance + amount - fee
            if day < start:
                before = before.plus(kind, amount, fee, kind)
            else:
                after = after.plus(kind, amount, fee, kind)
        paid = [one for one in mine if one.amount.currency == currency and settled_on(one) < end]
        for one in paid:
            balance = balance - one.amount
            if one.returned_on is not None and one.returned_on < end:
                balance = balance + one.amount
        found.append(
            ProcessorBalance(
                billing_account=account,
                currency=currency,
                balance=balance,
                before=before.all(),
                month=after.all(),
                converted_before=added(_of(converted, currency, date.min, start)),
                converted_month=added(_of(converted, currency, start, end)),
                payouts=tuple(one for one in paid if _is_of(one, start)),
            )
        )
    return tuple(found)


def _is_of(payout: Payout, start: date) -> bool:
    back = payout.returned_on
    return settled_on(payout) >= start or (back is not None and back >= start)


_Conversions = Mapping[str, tuple[date, Converted]]
"""Payment → its day, and what became of it."""


def _converted(
    bills: Sequence[Bill], paid_out: Mapping[str, Sequence[PaidOutPayment]]
) -> _Conversions:
    days = {one.processor_id: one.paid_on for bill in bills for one in bill.payments}
    return {
        one.payment: (days[one.payment], Converted(original=one.original, amount=one.amount))
        for payments in paid_out.values()
        for one in payments
        if one.payment in days and one.original.currency != one.amount.currency
    }


def _of(conversions: _Conversions, currency: str, start: date, end: date) -> Iterator[Converted]:
    for day, one in conversions.values():
        if one.amount.currency == currency and start <= day < end:
            yield one


def _of_bill(bill: Bill, converted: _Conversions) -> Iterator[Moved]:
    nought = Money.zero(bill.currency)
    for one in bill.payments:
        if one.way is not PaymentWay.PROCESSOR:
            continue
        known = converted.get(one.processor_id)
        amount = one.amount if known is None else known[1].amount
        yield one.paid_on, MovementKind.CHARGE, amount, Money.zero(amount.currency)
    for memo in bill.credit_memos:
        back = memo.forms.get(CreditForm.REFUND, nought)
        if back and memo.issue_date is not None:
            yield memo.issue_date, MovementKind.REFUND, -back, nought


def _of_dispute(one: Dispute) -> Iterator[Moved]:
    if one.withdrawn or one.fee:
        yield one.opened_on, MovementKind.DISPUTE, -one.withdrawn, one.fee
    if one.reinstated or one.fee_returned:
        day = one.reinstated_on or one.opened_on
        yield day, MovementKind.DISPUTE, one.reinstated, -one.fee_returned


def _fees(payout: Payout) -> Iterator[Moved]:
    """With the payout: the amounts are those of the bills and disputes."""
    for one in payout.movements:
        if one.kind is MovementKind.DISPUTE:
            continue
        amount = one.amount if one.kind in (MovementKind.FEE, MovementKind.ADJUSTMENT) else None
        nought = Money.zero(payout.amount.currency)
        yield settled_on(payout), one.kind, amount or nought, one.fee
