"""Revenue by month of the worked deals as first agreed, and what cannot be planned yet or at all.

The figures: `facts/domain.md` §9.7.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.catalog import ProductPart
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.revenue import first_schedule, unscheduled
from tests.unit.versions import worked as w


def test_d1_seats_take_their_allocated_price_by_day() -> None:
    rows = first_schedule(w.d1(), w.config())
    assert w.amounts(rows, "L1") == w.SEATS_D1
    assert {row.account for row in rows} == {"4000"}
    assert w.total(rows) == Decimal("12500.00")


def test_d1_onboarding_has_no_month_until_it_is_accepted() -> None:
    (waiting,) = unscheduled(w.d1(), w.config())
    assert (waiting.obligation, waiting.account) == ("L2", "4200")
    assert waiting.amount == w.usd("2500.00")


def test_d4_recognises_each_years_seats_in_their_year() -> None:
    rows = first_schedule(w.d4(), w.config())
    found = w.by_month(rows)
    assert sum(v for k, v in found.items() if k < date(2027, 1, 1)) == Decimal("39530.93")
    assert sum(v for k, v in found.items() if k >= date(2027, 1, 1)) == Decimal("154869.07")
    assert found[date(2027, 2, 1)] == Decimal("4970.96")
    assert found[date(2029, 1, 1)] == Decimal("7318.04")


def test_d5_bundle_goes_to_its_parts_in_the_currency_of_the_document() -> None:
    rows = first_schedule(w.d5(), w.config())
    found = w.by_month(rows, "L1/SEAT-STD")
    assert sum(found.values()) == Decimal("9600.00")
    assert found[date(2026, 6, 1)] == Decimal("393.98")
    assert found[date(2028, 5, 1)] == Decimal("407.16")
    (waiting,) = unscheduled(w.d5(), w.config())
    assert (waiting.obligation, waiting.amount) == ("L1/ONB", w.eur("2400.00"))


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"revenue_rule": "someday"}, "revenue_rule_unknown"),
        ({"revenue_rule": "by_parts"}, "bundle_parts_missing"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(update: dict[str, str], code: str) -> None:
    contract = w.d1()
    lines = (contract.lines[0].model_copy(update=update),)
    with pytest.raises(OrderRefused) as refused:
        first_schedule(contract.model_copy(update={"lines": lines}), w.config())
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("part", "code"),
    [("NOBODY", "product_unmapped"), ("GTX Basic", "selling_price_missing")],
)
def test_a_bundle_with_a_part_that_has_no_price_is_refused(part: str, code: str) -> None:
    products = tuple(
        row.model_copy(update={"parts": (ProductPart(product=part),)})
        if row.code == "BNDL-24"
        else row
        for row in w.config().products
    )
    with pytest.raises(OrderRefused) as refused:
        first_schedule(w.d5(), w.config().model_copy(update={"products": products}))
    assert refused.value.code == code


def test_lines_without_a_selling_price_keep_their_stated_price() -> None:
    contract = w.d1()
    free = contract.lines[0].model_copy(update={"product_code": "GTX Basic", "list_price": None})
    rows = first_schedule(
        contract.model_copy(update={"lines": (free, contract.lines[1])}), w.config()
    )
    assert w.total(rows) == Decimal("13500.00")


def test_a_contract_of_usage_alone_has_no_plan() -> None:
    contract = w.d3()
    usage = contract.model_copy(update={"lines": contract.lines[1:], "end_date": date(2027, 4, 1)})
    assert first_schedule(usage, w.config()) == ()
