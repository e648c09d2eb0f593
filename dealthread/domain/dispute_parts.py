"""Which invoices a disputed amount is about, and how much of each. Pure.

A payment settles the oldest invoice first (facts/domain.md §5, "Partial"). What is taken back of it
is therefore taken off the newest first: afterwards each invoice is paid as if the payment had been
smaller from the beginning (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dealthread.domain.base import Frozen
from dealthread.domain.bill import Bill, BillPayment
from dealthread.domain.money import Money


class PaidInvoice(Frozen):
    """A bill, and the disputed payment's part of it."""

    bill: Bill
    payment: BillPayment

    @property
    def age(self) -> tuple[date, str, str]:
        """Oldest first: by issue date, then by number."""
        issued = self.bill.issue_date or self.payment.paid_on
        return issued, self.bill.number, self.bill.ref.native_id


class TakenPart(Frozen):
    """What is taken back of one invoice's part of a payment."""

    paid: PaidInvoice
    taken: Money

    @property
    def left(self) -> Money:
        """What the payment goes on paying of the invoice."""
        return self.paid.payment.amount - self.taken


def taken_parts(amount: Money, paid: Sequence[PaidInvoice]) -> tuple[TakenPart, ...] | None:
    """The invoices that an amount is taken off, newest first, each by no more than the payment paid
    of it. None where the payment is less than the amount: then it is another one."""
    found, left = [], amount
    for one in sorted(paid, key=lambda each: each.age, reverse=True):
        if not left:
            break
        taken = min(left, one.payment.amount)
        found.append(TakenPart(paid=one, taken=taken))
        left = left - taken
    return None if left else tuple(found)
