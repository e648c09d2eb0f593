"""Terms of a contract and the billing periods in them.

Each term is cut into periods from its first day, month ends aligned; a period that the term's end
cuts is a stub of the whole one. Under `TERM` frequency a term is one period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingTiming
from dealthread.domain.span import add_months


@dataclass(frozen=True, slots=True)
class Period:
    """One billing period; `whole_end` is where it would end if the term did not cut it."""

    start: date
    end: date
    whole_end: date


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """First days of the terms, the end of the last one, and months in a period (0 = the term)."""

    starts: tuple[date, ...]
    end: date | None
    months: int
    timing: BillingTiming

    @property
    def is_fixed(self) -> bool:
        """Whether the contract has an end."""
        return self.end is not None

    def term_at(self, day: date) -> tuple[date, date | None]:
        """The term that holds a day; a day outside belongs to the nearest one."""
        number = max((at for at, start in enumerate(self.starts) if start <= day), default=0)
        following = number + 1
        return (
            self.starts[number],
            self.starts[following] if following < len(self.starts) else self.end,
        )

    def period_at(self, day: date) -> Period:
        """The period that holds a day on or after the start.

        Raises ValueError for a contract billed once for a term that has no end.
        """
        start, end = self.term_at(day)
        if not self.months:
            if end is None:
                raise ValueError("billing_frequency: billed for a term that has no end")
            return Period(start, end, end)
        anchor, gone = self._anchor(start)
        count = ((day.year - anchor.year) * 12 + day.month - anchor.month - gone) // self.months
        if add_months(anchor, gone + count * self.months) > day:
            count -= 1
        whole_end = add_months(anchor, gone + (count + 1) * self.months)
        return Period(
            start=add_months(anchor, gone + count * self.months),
            end=whole_end if end is None else min(whole_end, end),
            whole_end=whole_end,
        )

    def _anchor(self, start: date) -> tuple[date, int]:
        """What periods of a term are counted from: the contract's start where whole months lead
        from it to the term's, so that a month end does not drift."""
        first = self.starts[0]
        months = (start.year - first.year) * 12 + start.month - first.month
        return (first, months) if add_months(first, months) == start else (start, 0)

    def periods(self, start: date, end: date | None, until: date) -> Iterator[Period]:
        """Periods that touch [start, end), in order; those that begin after `until` are left out
        where there is no end."""
        day = start
        while (end is None or day < end) and (self.end is None or day < self.end):
            period = self.period_at(day)
            if not self.is_fixed and period.start > until:
                return
            yield period
            day = period.end

    def is_boundary(self, day: date) -> bool:
        """Whether a period begins or the last term ends on a day."""
        if day == self.end:
            return True
        if day < self.starts[0] or (self.end is not None and day > self.end):
            return False
        return (self.is_fixed or bool(self.months)) and self.period_at(day).start == day

    def next_boundary(self, day: date) -> date | None:
        """The first boundary after a day; None where none comes."""
        if day < self.starts[0]:
            return self.starts[0]
        if (self.end is not None and day >= self.end) or not (self.is_fixed or self.months):
            return None
        return self.period_at(day).end

    def is_billed(self, period: Period, effective_from: date, as_of: date | None) -> bool:
        """Whether a period was billed when a change takes effect.

        In advance: it began before the change, or by `as_of`, the day on which the change is
        carried out; the first one is billed when the contract starts. In arrears: it has ended.
        """
        if self.timing is BillingTiming.ARREARS:
            return period.end <= max(effective_from, as_of or effective_from)
        if period.start < effective_from or period.start == self.starts[0] == effective_from:
            return True
        return as_of is not None and period.start <= as_of


def billing_terms(contract: Contract, *others: Contract) -> BillingTerms:
    """The terms of a contract, and those that other versions of it have beyond them."""
    versions = (contract, *others)
    starts = {day for one in versions for day in (one.start_date, *one.later_terms)}
    ends = [one.end_date for one in versions if one.end_date is not None]
    return BillingTerms(
        starts=tuple(sorted(starts)),
        end=max(ends) if len(ends) == len(versions) else None,
        months=contract.billing_frequency.months,
        timing=contract.billing_timing,
    )


ONE_DAY = timedelta(days=1)
