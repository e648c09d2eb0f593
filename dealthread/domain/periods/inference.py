"""Which conventions reproduce past invoices, and what remains open between them.

Every combination of the choices that move an amount is tried, not only the known systems, so a
private mixture is found too. Choices that no line can tell apart stay ambiguous and are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from fractions import Fraction
from functools import cache
from itertools import product

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import (
    CreditBasis,
    CreditMeasure,
    DayCount,
    DayZone,
    LeadingStub,
    LongPeriod,
    PeriodEnd,
    Rounding,
    StubWhole,
)
from dealthread.domain.periods.observation import PastLine, Timing, amount_under, timing_under
from dealthread.domain.periods.presets import PRESETS
from dealthread.domain.rounding import RoundingMode

TIME_KNOBS = ("period_end", "day_count", "long_period", "leading_stub", "stub_whole", "day_zone")
"""The choices that decide which share of a period is billed."""
AMOUNT_KNOBS = ("rounding", "rounding_mode", "credit_basis", "credit_measure")
"""The choices that decide what amount a share comes to."""


KNOBS = (*TIME_KNOBS, *AMOUNT_KNOBS)


class Miss(Frozen):
    """Where a convention first fails."""

    convention: str
    line: int
    """Number of the line, from 1."""
    billed: Money
    computed: Money | None
    """None where the convention has no such period."""


class Inference(Frozen):
    """What past lines say about the convention behind them."""

    matching: tuple[Convention, ...]
    """Every combination that reproduces all lines."""
    presets: tuple[str, ...]
    """The known systems among them."""
    settled: tuple[tuple[str, str], ...]
    """Choices that are the same in all of them."""
    ambiguous: tuple[tuple[str, tuple[str, ...]], ...]
    """Choices that the lines leave open, with the values that fit."""
    misses: tuple[Miss, ...]
    """Where each known system that does not fit first fails."""


def infer(lines: Sequence[PastLine], candidates: Iterable[Convention] | None = None) -> Inference:
    """The conventions that reproduce every line to the last minor unit.

    Without candidates: the known systems and every combination of `TIME_KNOBS` and
    `AMOUNT_KNOBS`. Raises ValueError where there are no lines.
    """
    if not lines:
        raise ValueError("lines: at least one line of a past invoice is needed")
    known = list(PRESETS.values())
    left = [*known, *combinations()] if candidates is None else list(candidates)
    fitting = known
    for line in lines:
        left = _reproducing(line, left)
        fitting = _reproducing(line, fitting)
    presets = tuple(one.name for one in fitting)
    matching = _distinct(left)
    settled, ambiguous = _compared(matching)
    return Inference(
        matching=tuple(matching),
        presets=presets,
        settled=settled,
        ambiguous=ambiguous,
        misses=tuple(_first_miss(lines, one) for one in known if one.name not in presets),
    )


@cache
def combinations() -> tuple[Convention, ...]:
    """Every combination of the choices that move an amount, as conventions of our own."""
    found: list[Convention] = []
    # Tax is not looked at: rounding the net before it is rounding each line.
    roundings = (Rounding.PER_LINE, Rounding.CUMULATIVE)
    amounts = list(product(roundings, RoundingMode, CreditBasis, CreditMeasure))
    own = Convention(name="own", source="inferred")
    for time in product(PeriodEnd, DayCount, LongPeriod, LeadingStub, StubWhole, DayZone):
        seconds = time[0] is PeriodEnd.TO_THE_SECOND
        if seconds and time[1:3] != (DayCount.ALIGNED_PERIOD, LongPeriod.DAYS_ONLY):
            continue
        for amount in amounts:
            values = (*time, *amount)
            choices: dict[str, StrEnum] = dict(zip(KNOBS, values, strict=True))
            name = ",".join(values)
            found.append(own.model_copy(update={**choices, "name": name}))
    return tuple(found)


def _key(convention: Convention, knobs: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(convention, knob) for knob in knobs)


def _time_key(line: PastLine, convention: Convention) -> tuple[object, ...]:
    """The choices that can move this line's share: most lines leave several of them idle."""
    months = line.length.months
    long_period = convention.long_period
    if months < 2 and long_period is not LongPeriod.MONTHS_UP:
        long_period = LongPeriod.DAYS_ONLY
    has_stub = bool(months) and line.cycle_day is not None
    return (
        convention.period_end,
        convention.day_count if months else None,
        long_period if months else None,
        convention.leading_stub if has_stub and months > 1 else None,
        convention.stub_whole if has_stub else None,
        convention.day_zone if line.zone != "UTC" else None,
    )


def _choices(convention: Convention) -> tuple[object, ...]:
    """What moves an amount; rounding the net before tax counts as rounding each line."""
    rounding = convention.rounding
    if rounding is Rounding.NET_THEN_TAX:
        rounding = Rounding.PER_LINE
    return (*_key(convention, TIME_KNOBS), rounding, *_key(convention, AMOUNT_KNOBS[1:]))


def _reproducing(line: PastLine, candidates: Iterable[Convention]) -> list[Convention]:
    known: dict[tuple[object, ...], Timing | None] = {}
    fits: dict[tuple[object, ...], bool] = {}
    found: list[Convention] = []
    same: dict[tuple[Fraction, Fraction, Fraction], Timing] = {}
    for convention in candidates:
        time = _time_key(line, convention)
        if time not in known:
            timing = timing_under(line, convention)
            if timing is not None:
                timing = same.setdefault((timing.before, timing.part, timing.until), timing)
            known[time] = timing
        timing = known[time]
        if timing is None:
            continue
        key = (id(timing), *_key(convention, AMOUNT_KNOBS))
        if key not in fits:
            fits[key] = amount_under(line, timing, convention) == line.amount
        if fits[key]:
            found.append(convention)
    return found


def _distinct(conventions: Iterable[Convention]) -> list[Convention]:
    """One for each set of choices; a known system stands for its own."""
    found: dict[tuple[object, ...], Convention] = {}
    for convention in conventions:
        found.setdefault(_choices(convention), convention)
    return list(found.values())


def _compared(
    matching: Sequence[Convention],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    settled: list[tuple[str, str]] = []
    ambiguous: list[tuple[str, tuple[str, ...]]] = []
    rows = [_choices(convention) for convention in matching]
    for place, knob in enumerate(KNOBS):
        values = tuple(dict.fromkeys(str(row[place]) for row in rows))
        if len(values) == 1:
            settled.append((knob, values[0]))
        elif values:
            ambiguous.append((knob, tuple(sorted(values))))
    return tuple(settled), tuple(ambiguous)


def _first_miss(lines: Sequence[PastLine], convention: Convention) -> Miss:
    misses = (
        Miss(convention=convention.name, line=number, billed=line.amount, computed=computed)
        for number, line in enumerate(lines, start=1)
        if (computed := _computed(line, convention)) != line.amount
    )
    return next(misses)


def _computed(line: PastLine, convention: Convention) -> Money | None:
    timing = timing_under(line, convention)
    return None if timing is None else amount_under(line, timing, convention)
