"""PF-13, PF-17: usage belongs to the month of use, and the months sum to the bill."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.config import load_config
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.money import Money
from dealthread.domain.usage.period import Period, day_of, period_of, usage_lines
from dealthread.domain.usage.revenue import by_month
from dealthread.domain.usage.terms import UsageTerms, terms_of
from dealthread.naming import contract_key
from tests.support import deal_builder as build

CONFIG = load_config(build.CONFIG_DIR)


def calls() -> UsageTerms:
    mapping = CONFIG.product("API-USE", date(2026, 4, 1))
    assert mapping is not None
    found = terms_of(mapping, "GBP")
    assert found is not None
    return found


def contract(start: date) -> Contract:
    deal = build.d3().model_copy(update={"start_date": start})
    return build_contract(deal, CONFIG, build.D3_TODAY, contract_key(deal.org, deal.deal_id))


def test_a_period_over_a_months_end_is_rated_as_one() -> None:
    """90,000 of the free units are used up in April: May's first 10,000 are free, no more."""
    months = by_month(
        calls(), {date(2026, 4, 1): Decimal(90_000), date(2026, 5, 1): Decimal(20_000)}
    )
    assert months == {
        date(2026, 4, 1): Money.of("0.00", "GBP"),
        date(2026, 5, 1): Money.of("40.00", "GBP"),
    }


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=12))
def test_the_months_sum_to_the_bill_to_the_cent(used: list[int]) -> None:
    terms = calls()
    months = {date(2026, 1 + at, 1): Decimal(units) for at, units in enumerate(used)}
    total = Money.total(by_month(terms, months).values(), "GBP")
    assert total == terms.rated(Decimal(sum(used)))


@pytest.mark.parametrize(
    ("start", "day", "expected"),
    [
        (date(2026, 4, 1), date(2026, 4, 1), (date(2026, 4, 1), date(2026, 5, 1))),
        (date(2026, 4, 1), date(2026, 4, 30), (date(2026, 4, 1), date(2026, 5, 1))),
        (date(2026, 3, 31), date(2026, 4, 29), (date(2026, 3, 31), date(2026, 4, 30))),
        (date(2026, 3, 31), date(2026, 4, 30), (date(2026, 4, 30), date(2026, 5, 31))),
        (date(2026, 3, 15), date(2027, 3, 14), (date(2027, 2, 15), date(2027, 3, 15))),
    ],
)
def test_an_instant_belongs_to_the_period_that_the_biller_counts(
    start: date, day: date, expected: tuple[date, date]
) -> None:
    sold = contract(start)
    (line,) = usage_lines(sold, day)
    assert period_of(sold, line, day) == Period(*expected)


def test_the_last_period_ends_with_the_contract_and_nothing_is_counted_after() -> None:
    sold = contract(date(2026, 4, 1)).model_copy(update={"end_date": date(2026, 5, 20)})
    (line,) = usage_lines(sold, date(2026, 5, 19))
    assert period_of(sold, line, date(2026, 5, 19)).end == date(2026, 5, 20)
    assert usage_lines(sold, date(2026, 5, 20)) == ()
    assert day_of(datetime.fromisoformat("2026-05-20T01:30:00+02:00")) == date(2026, 5, 19)
