"""What was billed, and what of it was credited since."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator

from dealthread.domain.amendment.line import Quantity
from dealthread.domain.base import Frozen
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import BillingPeriod


class CreditForm(StrEnum):
    """What becomes of a credit. Nothing that was issued is cancelled."""

    CREDIT_MEMO = "credit_memo"
    """Reduces the invoice that it names, as far as that is unpaid."""
    BALANCE = "balance"
    """Was paid: the customer's balance."""
    REFUND = "refund"
    """Was paid: back to the customer."""
    WITHDRAWN = "withdrawn"
    """Was never issued: the pending charge goes."""


class Settlement(Frozen):
    """One part of a credit and its form."""

    form: CreditForm
    amount: Money
    """Positive."""
    invoice: str = ""


class Credited(Frozen):
    """A credit given before: the span it covers and its positive amount.

    A credit without span is one for another reason (a goodwill adjustment): it lowers what can
    still be credited, and leaves the service as it is.
    """

    amount: Money
    span: Span | None = None


class BilledItem(Frozen):
    """A line of an invoice, or a charge not yet issued. Amounts are net, without tax."""

    item_key: str
    line_key: str
    product: str
    invoice: str = ""
    is_issued: bool = True
    span: Span
    period: BillingPeriod
    """The billing period that the span lies in."""
    quantity: Quantity
    unit_price: UnitPrice
    amount: Money
    unpaid: Money
    """What of it is still open."""
    credits: tuple[Credited, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> BilledItem:
        zero = Money.zero(self.amount.currency)
        if self.unit_price.currency != self.amount.currency:
            raise ValueError("unit_price: not in the currency of the amount")
        if self.amount < zero:
            raise ValueError("amount: a billed item is not negative; credits are credits")
        if self.unpaid < zero or self.amount < self.unpaid:
            raise ValueError("unpaid: from nothing to the amount")
        if self.left < zero:
            raise ValueError("credits: more than was billed")
        return self

    @property
    def left(self) -> Money:
        """What can still be credited."""
        given = (credit.amount for credit in self.credits)
        return self.amount - Money.total(given, self.amount.currency)

    def live(self, wanted: Span) -> tuple[Span, ...]:
        """The parts of the span that are billed and not credited yet, in order."""
        inside = self.span.meet(wanted)
        parts = [] if inside is None else [inside]
        for credit in self.credits:
            if credit.span is not None:
                parts = [rest for part in parts for rest in without(part, credit.span)]
        return tuple(parts)


def without(span: Span, gone: Span) -> tuple[Span, ...]:
    """What is left of a span when another is taken away: none, one or two parts."""
    if span.meet(gone) is None:
        return (span,)
    parts: list[Span] = []
    if span.start < gone.start:
        parts.append(Span(start=span.start, end=gone.start))
    if gone.end < span.end:
        parts.append(Span(start=gone.end, end=span.end))
    return tuple(parts)
