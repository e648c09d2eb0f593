"""Deferred revenue: opening + billed − recognised − written off = closing, month by month.

A balance below zero is an asset: service given before it was billed (a contract asset, or an
unbilled receivable where only time stands before the bill; 606-10-45-1…4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.revenue.schedule import Schedule
from dealthread.domain.span import add_months
from dealthread.domain.working import Working, worked


class MonthOfDeferred(Frozen):
    """One month's movement, net of tax."""

    month: date
    opening: Money
    billed: Money
    """Invoices less credit notes, by posting date."""
    recognised: Money
    written_off: Money
    closing: Money

    @property
    def deferred(self) -> Money:
        """The liability in the closing balance."""
        return max(self.closing, Money.zero(self.closing.currency))

    @property
    def unbilled(self) -> Money:
        """The asset in the closing balance."""
        return max(-self.closing, Money.zero(self.closing.currency))

    def working(self) -> Working:
        """The identity."""
        return worked(
            f"deferred revenue at the end of {self.month:%Y-%m}",
            "opening + billed − recognised − written off",
            self.closing,
            opening=self.opening,
            billed=self.billed,
            recognised=self.recognised,
            written_off=self.written_off,
        )


def roll_forward(
    opening: Money,
    billed: Iterable[tuple[date, Money]],
    recognised: Mapping[date, Money],
    written_off: Iterable[tuple[date, Money]] = (),
) -> tuple[MonthOfDeferred, ...]:
    """From the first month with a movement to the last, without a gap.

    `billed` and `written_off` by posting date, credits below zero; `recognised` by first day of
    the month. Raises ValueError when a currency differs from the opening's.
    """
    billings = _by_month(billed)
    losses = _by_month(written_off)
    months = sorted({*billings, *losses, *recognised})
    if not months:
        return ()
    zero = Money.zero(opening.currency)
    rows: list[MonthOfDeferred] = []
    month = months[0]
    while month <= months[-1]:
        bill = Money.total(billings.get(month, ()), opening.currency)
        loss = Money.total(losses.get(month, ()), opening.currency)
        earned = recognised.get(month, zero)
        closing = opening + bill - earned - loss
        rows.append(
            MonthOfDeferred(
                month=month,
                opening=opening,
                billed=bill,
                recognised=earned,
                written_off=loss,
                closing=closing,
            )
        )
        opening = closing
        month = add_months(month, 1)
    return tuple(rows)


def current_and_later(
    schedules: Sequence[Schedule], after: date, currency: str
) -> tuple[Money, Money]:
    """What is recognised from a day on: within twelve months, and later."""
    year_later = add_months(after, 12)
    within = Money.total((one.in_period(after, year_later) for one in schedules), currency)
    later = Money.total((one.in_period(year_later, date.max) for one in schedules), currency)
    return within, later


def _by_month(movements: Iterable[tuple[date, Money]]) -> dict[date, list[Money]]:
    found: dict[date, list[Money]] = {}
    for day, amount in movements:
        found.setdefault(day.replace(day=1), []).append(amount)
    return found
