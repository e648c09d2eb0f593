"""What holds for every contract: sums, balances, round trips."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.revenue.allocation import Allocation, allocate
from dealthread.domain.revenue.deferred import roll_forward
from dealthread.domain.revenue.journal import Journal, recognised
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether
from dealthread.domain.revenue.replanning import replan
from dealthread.domain.revenue.schedule import Schedule, monthly, schedule
from dealthread.domain.revenue.spread import Remainder, spread_minor

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
AMOUNTS = st.integers(-(10**12), 10**12)
CHARGES = st.integers(1, 10**12)
DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
REMAINDERS = st.sampled_from(Remainder)
RATABLE = st.sampled_from([method for method in Method if not method.is_by_event])


@st.composite
def schedules(draw: st.DrawFn, amounts: st.SearchStrategy[int] = AMOUNTS) -> Schedule:
    start = draw(DAYS)
    return schedule(
        "service",
        Money.from_minor(draw(amounts), draw(CURRENCIES)),
        start,
        start + timedelta(days=draw(st.integers(1, 1500))),
        draw(RATABLE),
        draw(st.none() | REMAINDERS),
    )


@given(total=AMOUNTS, weights=st.lists(st.integers(0, 10**6), min_size=1), remainder=REMAINDERS)
def test_parts_sum_to_the_whole(total: int, weights: list[int], remainder: Remainder) -> None:
    weights = [*weights, 1]
    assert sum(spread_minor(total, weights, remainder)) == total


@given(total=AMOUNTS, weights=st.lists(st.integers(0, 10**6), min_size=1))
def test_the_cumulative_remainder_never_strays_by_a_whole_unit(
    total: int, weights: list[int]
) -> None:
    weights = [*weights, 1]
    parts = spread_minor(total, weights, Remainder.CUMULATIVE)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) <= 1


@given(
    booked=AMOUNTS,
    currency=CURRENCIES,
    start=DAYS,
    days=st.integers(1, 1500),
    method=RATABLE,
    remainder=st.none() | REMAINDERS,
)
def test_a_schedule_sums_to_the_booked_amount(
    booked: int, currency: str, start: date, days: int, method: Method, remainder: Remainder | None
) -> None:
    amount = Money.from_minor(booked, currency)
    one = schedule("s", amount, start, start + timedelta(days=days), method, remainder)
    assert one.total == amount
    assert Money.total((portion.amount for portion in one.portions()), currency) == amount
    assert Money.total(one.by_month().values(), currency) == amount
    assert one.start == start


@given(one=schedules(), at=st.integers(0, 1499), change=st.integers(0, 10**12))
def test_a_replanned_schedule_sums_to_the_booked_amount_and_the_change(
    one: Schedule, at: int, change: int
) -> None:
    effective = one.start + timedelta(days=at % (one.end - one.start).days)
    more = Money.from_minor(change + abs(one.total.to_minor()), one.currency)
    after = replan(one, effective, more)
    total = Money.total((part.total for part in after.schedules()), one.currency)
    assert total == one.total + more


@given(
    price=CHARGES,
    currency=CURRENCIES,
    remainder=REMAINDERS,
    ssps=st.lists(st.integers(1, 10**9), min_size=3, max_size=8),
    bundle=st.integers(1, 10**9),
)
def test_an_allocation_sums_to_the_transaction_price(
    price: int, currency: str, remainder: Remainder, ssps: list[int], bundle: int
) -> None:
    obligations = [
        PerformanceObligation(
            key=str(at), price=Money.zero(currency), ssp=Money.from_minor(ssp, currency)
        )
        for at, ssp in enumerate(ssps)
    ]
    together = [SoldTogether(keys=("0", "2"), price=Money.from_minor(bundle, currency))]
    found = allocate(obligations, Money.from_minor(price, currency), together, remainder)
    total = Money.total((amount for _, amount in found.amounts), currency)
    assert total == Money.from_minor(price, currency)
    assert Allocation.model_validate_json(found.model_dump_json()) == found


@given(one=schedules())
def test_journals_balance_and_come_back_from_json_as_they_were(one: Schedule) -> None:
    made = recognised("US01", [one], {"service": "4000"}, deferred="2300")
    for journal in made:
        left = Money.total((line.signed for line in journal.lines), one.currency)
        assert not left
        assert Journal.model_validate_json(journal.model_dump_json()) == journal
    deferred = (line.signed for journal in made for line in journal.lines if line.account == "2300")
    assert Money.total(deferred, one.currency) == one.total


@given(one=schedules(), opening=AMOUNTS)
def test_what_was_billed_and_recognised_leaves_the_opening_balance(
    one: Schedule, opening: int
) -> None:
    before = Money.from_minor(opening, one.currency)
    rows = roll_forward(before, [(one.start, one.total)], monthly([one], one.currency))
    assert rows[-1].closing == before
    for earlier, later in pairwise(rows):
        assert earlier.closing == later.opening
