"""Discounts: order, base and rounding by a named rule, never more than the amount."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.pricing.discount import (
    AmountOff,
    DiscountOrder,
    DiscountRule,
    PercentBase,
    PercentOff,
    discounted,
    discounted_unit_price,
    spread_discount,
)
from dealthread.domain.rounding import RoundingMode, RoundingStep


def usd(amount: str | int) -> Money:
    return Money.of(amount, "USD")


def percent(value: str, key: str = "percent", **more: object) -> PercentOff:
    return PercentOff.model_validate({"key": key, "percent": value} | more)


def amount(value: str, key: str = "amount", **more: object) -> AmountOff:
    return AmountOff.model_validate({"key": key, "amount": usd(value)} | more)


@pytest.mark.parametrize(
    ("list_price", "off", "net"),
    # Worked deals D1 (seats and onboarding) and D4.
    [("300.00", "10", "270.00"), ("3000.00", "50", "1500.00"), ("480.00", "10", "432.00")],
)
def test_the_unit_prices_of_the_worked_deals(list_price: str, off: str, net: str) -> None:
    price = discounted_unit_price(UnitPrice.of(list_price, "USD"), Decimal(off))
    assert price == UnitPrice.of(net, "USD")


@pytest.mark.parametrize("off", ["-1", "100.01"])
def test_a_share_outside_its_range_is_refused(off: str) -> None:
    with pytest.raises(ValueError, match="percent"):
        discounted_unit_price(UnitPrice.of(1, "USD"), Decimal(off))


def test_published_sequential_stacking() -> None:
    # https://docs.lomi.africa/reference/payments/coupon-logic-examples, examples 6 and 5
    first = discounted(usd(10_000), [percent("20", "SAVE20"), amount("1000", "FLAT1000")])
    assert first.taken[0].amount == usd(2000)
    assert first.net == usd(7000)
    assert discounted(usd(2500), [amount("5000")]).taken[0].amount == usd(2500)


@pytest.mark.parametrize(
    ("order", "net"),
    [
        (DiscountOrder.AS_GIVEN, "72.00"),
        (DiscountOrder.AMOUNT_FIRST, "72.00"),
        (DiscountOrder.PERCENT_FIRST, "70.00"),
    ],
)
def test_the_order_is_named(order: DiscountOrder, net: str) -> None:
    discounts = [amount("20"), percent("10")]
    assert discounted(usd(100), discounts, DiscountRule(order=order)).net == usd(net)


def test_percentages_of_the_original_amount_add_up() -> None:
    discounts = [percent("10", "a"), percent("20", "b")]
    original = DiscountRule(base=PercentBase.ORIGINAL)
    assert discounted(usd(100), discounts).net == usd(72)
    assert discounted(usd(100), discounts, original).net == usd(70)


def test_rounding_each_discount_differs_from_rounding_them_together() -> None:
    # 10 % of 0.15 is 0.015, 10 % of what is left 0.0135: together 0.0285.
    discounts = [percent("10", "a"), percent("10", "b")]
    together = DiscountRule(step=RoundingStep.IN_TOTAL, mode=RoundingMode.DOWN)
    each = DiscountRule(mode=RoundingMode.UP)
    assert discounted(usd("0.15"), discounts, together).net == usd("0.13")
    assert discounted(usd("0.15"), discounts, each).net == usd("0.11")


def test_a_discount_ends_with_its_periods() -> None:
    off = percent("50", first_periods=2)
    assert [discounted(usd(10), [off], period=number).net for number in (1, 2, 3)] == [
        usd(5),
        usd(5),
        usd(10),
    ]


def test_a_discount_ends_on_its_date() -> None:
    off = amount("1", until=date(2026, 7, 1))
    assert discounted(usd(10), [off], start_date=date(2026, 6, 30)).net == usd(9)
    assert discounted(usd(10), [off], start_date=date(2026, 7, 1)).net == usd(10)
    with pytest.raises(ValueError, match="start_date"):
        discounted(usd(10), [off])


def test_the_working_names_order_and_rounding() -> None:
    text = "\n".join(discounted(usd(100), [percent("10"), amount("5")]).working.lines())
    assert "order as_given, rounding half_up per_part" in text
    assert "percent of the remaining amount" in text


@pytest.mark.parametrize(
    ("gross", "discounts", "message"),
    [
        ("-1", [], "gross"),
        ("1", [percent("1"), percent("2")], "same key"),
        ("1", [AmountOff(key="euro", amount=Money.of(1, "EUR"))], "discount euro: in EUR"),
    ],
)
def test_bad_input_is_refused_by_name(
    gross: str, discounts: list[PercentOff | AmountOff], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        discounted(usd(gross), discounts)


@pytest.mark.parametrize("value", ["0", "-5", "100.1"])
def test_a_percentage_is_above_nought_and_at_most_all(value: str) -> None:
    with pytest.raises(ValidationError, match="percent"):
        percent(value)


def test_an_amount_is_above_nought_and_periods_from_one() -> None:
    with pytest.raises(ValidationError, match="above nought"):
        amount("0")
    with pytest.raises(ValidationError, match="first_periods"):
        percent("1", first_periods=0)


def test_a_discount_of_nothing_is_spread_over_nothing() -> None:
    assert spread_discount(usd(5), [usd(0), usd(0)]) == (usd(0), usd(0))
    assert spread_discount(usd(5), []) == ()


@pytest.mark.parametrize(("off", "line"), [("-1", "1"), ("1", "-1")])
def test_only_charges_are_discounted(off: str, line: str) -> None:
    with pytest.raises(ValueError, match="charges only"):
        spread_discount(usd(off), [usd(line)])


# --- what must hold for any discounts ---

money = st.integers(0, 10_000_00).map(lambda minor: Money.from_minor(minor, "USD"))
positive = st.integers(1, 2_000_00).map(lambda minor: Money.from_minor(minor, "USD"))
shares = st.decimals("0.001", 100, places=3).filter(bool)
rules = st.builds(
    DiscountRule,
    order=st.sampled_from(DiscountOrder),
    base=st.sampled_from(PercentBase),
    step=st.sampled_from(RoundingStep),
    mode=st.sampled_from(RoundingMode),
)


@st.composite
def stacks(draw: st.DrawFn) -> list[PercentOff | AmountOff]:
    one = st.one_of(shares, positive)
    return [
        AmountOff(key=str(number), amount=value)
        if isinstance(value, Money)
        else PercentOff(key=str(number), percent=value)
        for number, value in enumerate(draw(st.lists(one, max_size=5)))
    ]


@given(money, stacks(), rules)
def test_discounts_never_exceed_the_amount(
    gross: Money, discounts: list[PercentOff | AmountOff], rule: DiscountRule
) -> None:
    result = discounted(gross, discounts, rule)
    assert Money.zero("USD").amount <= result.net.amount <= gross.amount
    assert all(one.amount.amount >= 0 for one in result.taken)
    assert result.net + Money.total((one.amount for one in result.taken), "USD") == gross


@given(money, st.lists(money, min_size=1, max_size=8))
def test_a_spread_discount_sums_and_stays_within_each_line(off: Money, lines: list[Money]) -> None:
    parts = spread_discount(off, lines)
    assert Money.total(parts, "USD") == min(off, Money.total(lines, "USD"))
    assert all(0 <= part.amount <= line.amount for part, line in zip(parts, lines, strict=True))
