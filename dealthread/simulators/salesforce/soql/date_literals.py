"""Date literals: which days they mean (SOQL and SOSL Reference, "Date Formats and Date Literals").

Days are those of the org's time zone, which is GMT here. A week begins on Sunday, as in the org's
locale en_US; the fiscal year begins in January, as a new org's does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """From `first` up to, not including, `end`."""

    first: date
    end: date


def _day(today: date, count: int) -> date:
    return today + count * _DAY


def _week(today: date, count: int) -> date:
    sunday = today - ((today.weekday() + 1) % 7) * _DAY
    return sunday + 7 * count * _DAY


def _month(today: date, count: int) -> date:
    index = today.year * 12 + today.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def _quarter(today: date, count: int) -> date:
    return _month(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), 3 * count)


def _year(today: date, count: int) -> date:
    return date(today.year + count, 1, 1)


_UNITS: dict[str, Callable[[date, int], date]] = {
    "DAY": _day,
    "WEEK": _week,
    "MONTH": _month,
    "QUARTER": _quarter,
    "YEAR": _year,
    "FISCAL_QUARTER": _quarter,
    "FISCAL_YEAR": _year,
}
"""First day of the unit that lies so many units from today's."""

_WHEN = {"LAST": -1, "THIS": 0, "NEXT": 1}
_FIXED = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
_NINETY = {"LAST_90_DAYS": "LAST_N_DAYS:90", "NEXT_90_DAYS": "NEXT_N_DAYS:90"}

RELATIVE = frozenset(
    {
        *_FIXED,
        *_NINETY,
        *(
            f"{when}_{unit}"
            for when in ("LAST", "THIS", "NEXT")
            for unit in _UNITS
            if unit != "DAY"
        ),
    }
)
"""Literals without a number."""

COUNTED = frozenset(
    {
        *(f"{when}_N_{unit}S" for when in ("LAST", "NEXT") for unit in _UNITS),
        *(f"N_{unit}S_AGO" for unit in _UNITS),
    }
)
"""Literals with a number of units after a colon."""

_COUNTED = re.compile(r"(LAST|NEXT)_N_(\w+)S:(\d+)|N_(\w+)S_AGO:(\d+)")


def days_of(literal: str, today: date) -> Days:
    """The days a literal means today. Raises OverflowError or ValueError beyond the calendar."""
    literal = _NINETY.get(literal, literal)
    if literal in _FIXED:
        first = _day(today, _FIXED[literal])
        return Days(first, first + _DAY)
    match = _COUNTED.fullmatch(literal)
    if match is None:
        when, _, unit = literal.partition("_")
        at = _WHEN[when]
        return Days(_UNITS[unit](today, at), _UNITS[unit](today, at + 1))
    when, unit, count, ago_unit, ago = match.groups()
    if ago_unit:
        start = _UNITS[ago_unit]
        return Days(start(today, -int(ago)), start(today, 1 - int(ago)))
    start = _UNITS[unit]
    if when == "NEXT":
        return Days(start(today, 1), start(today, int(count) + 1))
    # Days past include today; weeks, months, quarters and years past end before the present one.
    return Days(start(today, -int(count)), start(today, 1 if unit == "DAY" else 0))
