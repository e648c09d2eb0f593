"""Service periods: the calendar periods of a plan, cut by its start, its trial and its end.

Sources: docs.stripe.com/billing/subscriptions/billing-cycle (a first period before the anchor is
prorated), /cancel (the period that holds `cancel_at` ends there), /trials/free-trials (all periods
of a trial end with it), /mixed-interval (each item has periods of its own on the common anchor).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import period_of
from dealthread.simulators.stripe.wire.money import half_up


class Terms(Protocol):
    """What says where periods begin and end."""

    @property
    def anchor(self) -> int:
        """Periods are counted from here."""

    @property
    def start(self) -> int:
        """Nothing is served before."""

    @property
    def trial_start(self) -> int | None:
        """Where the latest trial began; None: at the start, if there is one."""

    @property
    def trial_end(self) -> int | None:
        """Up to here nothing is charged."""

    @property
    def cancel_at(self) -> int | None:
        """Nothing is served from here on."""


@dataclass(frozen=True)
class Span:
    """A period [start, end) as it is served, and the whole calendar period it is a part of."""

    start: int
    end: int
    whole: tuple[int, int]
    is_trial: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut off."""
        return (self.start, self.end) == self.whole

    @property
    def pair(self) -> tuple[int, int]:
        """Start and end."""
        return self.start, self.end

    def share(self, amount: int) -> int:
        """The part of a whole period's amount, to the second, rounded half away from zero."""
        return part_of(amount, self.pair, self.whole)


def part_of(amount: int, part: tuple[int, int], whole: tuple[int, int]) -> int:
    """An amount by the seconds of a part of its period."""
    if part == whole:
        return amount
    seconds = part[1] - part[0]
    return half_up(Decimal(amount * seconds) / Decimal(whole[1] - whole[0]))


def span_at(terms: Terms, recurring: Json, at: int) -> Span:
    """The period of an item with this interval that holds an instant not before the start."""
    moment = max(at, terms.start)
    trial_end = terms.trial_end
    if trial_end is not None and moment < trial_end:
        begun = terms.start if terms.trial_start is None else terms.trial_start
        return Span(begun, trial_end, (begun, trial_end), is_trial=True)
    whole = period_of(terms.anchor, recurring, moment)
    floor = terms.start if trial_end is None else max(terms.start, trial_end)
    start, end = max(whole[0], floor), whole[1]
    if terms.cancel_at is not None and moment < terms.cancel_at:
        end = min(end, terms.cancel_at)
    return Span(start, end, whole)


def spans_between(terms: Terms, recurring: Json, since: int, until: int) -> Iterator[Span]:
    """The periods from the one that holds `since` to the one that holds `until`."""
    at = since
    while True:
        span = span_at(terms, recurring, at)
        yield span
        if span.end > until or span.end <= at:
            return
        at = span.end
