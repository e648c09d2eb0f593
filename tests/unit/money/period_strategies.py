"""What the tests of billing periods draw from: cycles, terms, conventions."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import (
    ANNUAL,
    DAILY,
    MONTHLY,
    QUARTERLY,
    SEMI_ANNUAL,
    WEEKLY,
    years,
)
from dealthread.domain.periods.moment import Span

PLAIN = Convention(name="plain")
DATES = st.dates(date(2019, 1, 1), date(2032, 12, 31))
LENGTHS = st.sampled_from([DAILY, WEEKLY, MONTHLY, QUARTERLY, SEMI_ANNUAL, ANNUAL, years(3)])
CONVENTIONS = st.sampled_from(list(presets.PRESETS.values()))
DAY_CONVENTIONS = st.sampled_from([c for c in presets.PRESETS.values() if not c.counts_seconds])


@st.composite
def cycles(draw: st.DrawFn) -> BillCycle:
    length = draw(LENGTHS)
    day = draw(st.none() | st.integers(1, 31)) if length.months else None
    return BillCycle(length=length, anchor=draw(DATES), day=day)


@st.composite
def terms(draw: st.DrawFn, most: int = 1500) -> Span:
    start = draw(DATES)
    return Span(start=start, end=start + timedelta(days=draw(st.integers(1, most))))
