"""DM-04: money is an exact decimal in one currency, at that currency's scale, or it is refused."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.money import EXPONENTS, UNIT_PRICE_PLACES, Money, UnitPrice

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
MINOR = st.integers(min_value=-(10**24), max_value=10**24)
AMOUNTS = st.builds(Money.from_minor, MINOR, CURRENCIES)


@given(st.lists(MINOR, max_size=20), CURRENCIES)
def test_a_sum_is_the_sum_of_the_minor_units(minors: list[int], currency: str) -> None:
    parts = [Money.from_minor(minor, currency) for minor in minors]
    assert Money.total(parts, currency).to_minor() == sum(minors)


@given(MINOR, MINOR, CURRENCIES)
def test_addition_is_undone_by_subtraction_and_orders_like_integers(
    a: int, b: int, currency: str
) -> None:
    left, right = Money.from_minor(a, currency), Money.from_minor(b, currency)
    assert left + right - right == left
    assert left + (-left) == Money.zero(currency)
    assert (left < right) is (a < b)
    assert abs(left).to_minor() == abs(a)
    assert bool(left) is bool(a)


@given(AMOUNTS)
def test_json_keeps_every_digit(money: Money) -> None:
    assert Money.model_validate_json(money.model_dump_json()) == money
    assert Money.model_validate(money.model_dump(mode="json")) == money
    assert f'"amount":"{money.amount}"' in money.model_dump_json()


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1, "USD", "0.01"),
        (-1, "USD", "-0.01"),
        (123456, "EUR", "1234.56"),
        (123456, "JPY", "123456"),
        (123456, "KWD", "123.456"),
        (0, "USD", "0.00"),
        (10**24, "USD", "1" + "0" * 22 + ".00"),
    ],
)
def test_minor_units_follow_the_exponent_of_the_currency(
    minor: int, currency: str, amount: str
) -> None:
    money = Money.from_minor(minor, currency)
    assert str(money.amount) == amount
    assert money.to_minor() == minor
    assert Money.from_minor(minor, currency.lower()) == money


def test_the_exponents_are_those_of_iso_4217() -> None:
    assert {EXPONENTS[code] for code in ("USD", "EUR", "GBP", "ISK", "JPY", "KWD")} == {0, 2, 3}
    assert (EXPONENTS["ISK"], EXPONENTS["KRW"], EXPONENTS["BHD"], EXPONENTS["HUF"]) == (0, 0, 3, 2)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1", "USD"),
        ("1.0", "USD"),
        ("1.000", "USD"),
        ("1.00", "JPY"),
        ("1E+2", "JPY"),
        ("1.00", "KWD"),
    ],
)
def test_another_scale_is_refused_not_rounded(amount: str, currency: str) -> None:
    with pytest.raises(ValidationError, match="another scale"):
        Money(amount=amount, currency=currency)


@pytest.mark.parametrize(
    "amount",
    [
        *(1.0, 0.1, float("nan"), float("inf"), Decimal("NaN"), True, None),
        *("NaN", "Infinity", "-Infinity", "sNaN", "", "1,00", "abc", "1_000.00", "\u0661.00"),
    ],
)
def test_what_is_not_an_exact_decimal_is_refused(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="USD")
    with pytest.raises(ValidationError):
        UnitPrice(amount=amount, currency="USD")
    if amount is not None:
        with pytest.raises(ValueError, match=r".+"):
            Money.of(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ['{"amount":1.00,"currency":"USD"}', '{"amount":1e2}'])
def test_a_json_number_with_a_point_is_a_float_and_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="binary float"):
        Money.model_validate_json(text)


def test_missing_zeros_are_added_and_lost_digits_refused() -> None:
    assert str(Money.of("1", "USD").amount) == "1.00"
    assert str(Money.of(7, "KWD").amount) == "7.000"
    assert str(Money.of("100.000", "JPY").amount) == "100"
    for amount, currency in (("1.001", "USD"), ("0.5", "JPY"), (Decimal("0.0001"), "KWD")):
        with pytest.raises(ValueError, match="does not fit"):
            Money.of(amount, currency)


@pytest.mark.parametrize("currency", ["usd", "US", "", "XXX", "BTC", "USD "])
def test_an_unknown_currency_is_refused_not_guessed(currency: str) -> None:
    for make in (
        lambda: Money(amount="1.00", currency=currency),
        lambda: Money.of("1.00", currency),
        lambda: Money.zero(currency),
        lambda: UnitPrice.of("1", currency),
    ):
        with pytest.raises(ValueError, match="unknown currency"):
            make()


def test_two_currencies_do_not_mix() -> None:
    dollars, euros = Money.of("1", "USD"), Money.of("1", "EUR")
    for mix in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: Money.total([euros], "USD"),
    ):
        with pytest.raises(ValueError, match="do not mix"):
            mix()
    assert dollars != euros


@pytest.mark.parametrize(
    ("amount", "rounding", "result"),
    [
        ("0.005", None, "0.01"),
        ("-0.005", None, "-0.01"),
        ("0.015", ROUND_HALF_EVEN, "0.02"),
        ("0.025", ROUND_HALF_EVEN, "0.02"),
        ("0.019", ROUND_DOWN, "0.01"),
    ],
)
def test_rounding_is_half_up_unless_told(amount: str, rounding: str | None, result: str) -> None:
    more = {} if rounding is None else {"rounding": rounding}
    assert str(Money.rounded(Decimal(amount), "USD", **more).amount) == result


def test_nothing_has_no_sign() -> None:
    """Else the same request would have two hashes, and a bill of nothing a minus."""
    for money in (
        Money.of("-0", "USD"),
        Money.rounded(Decimal("-0.001"), "USD"),
        -Money.zero("USD"),
        Money(amount=Decimal("-0.00"), currency="USD"),
    ):
        assert money.model_dump_json() == Money.zero("USD").model_dump_json()
        assert str(money) == "0.00 USD"
    assert str(UnitPrice.of("-0.0", "USD")) == "0 USD"


@pytest.mark.parametrize("amount", ["1e30", "1e9999", "9" * 27 + ".00", "1e-9999", "1" * 40])
def test_what_the_column_cannot_hold_is_refused_as_a_value(amount: str) -> None:
    """numeric(38,12): 26 digits before the point. Never a crash of arithmetic."""
    with pytest.raises(ValueError, match=r"digits|fit|scale"):
        Money.of(amount, "USD")
    with pytest.raises(ValueError, match=r"digits|decimals"):
        UnitPrice.of(amount, "USD")
    if amount != "1e-9999":
        with pytest.raises(ValueError, match="digits"):
            Money.rounded(Decimal(amount), "USD")


def test_a_sum_beyond_the_column_is_refused() -> None:
    most = Money.of("9" * 26 + ".99", "USD")
    with pytest.raises(ValueError, match="digits"):
        most + most
    assert most - most == Money.zero("USD")


@given(
    st.decimals(min_value=0, max_value=10**9, places=12),
    st.decimals(min_value=0, max_value=10**6, places=6),
)
def test_a_unit_price_times_a_quantity_is_rounded_once(price: Decimal, quantity: Decimal) -> None:
    """Compared with integer arithmetic, which never rounds on its way."""
    product = int(price.scaleb(12)) * int(quantity.scaleb(6))
    cents, rest = divmod(product, 10**16)
    expected = cents + (2 * rest >= 10**16)
    assert UnitPrice.of(price, "USD").times(quantity).to_minor() == expected


def test_a_product_of_many_digits_is_rounded_once() -> None:
    """28 digits, the default of arithmetic, would round this up on the way to its half cent."""
    price = UnitPrice.of("0.000000000001", "USD")
    quantity = Decimal("12345678901234567004999999999.9")
    assert str(price.times(quantity).amount) == "12345678901234567.00"


def test_a_unit_price_has_at_most_twelve_decimals() -> None:
    assert UnitPrice.of("0." + "0" * 11 + "1", "USD")
    with pytest.raises(ValidationError, match=str(UNIT_PRICE_PLACES)):
        UnitPrice.of("0." + "0" * 12 + "1", "USD")
    assert str(UnitPrice.of("12.5000", "USD")) == "12.5 USD"
    assert str(UnitPrice.of("1E+2", "USD")) == "100 USD"


def test_money_is_a_value() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Money.of("1", "USD").amount = Decimal(2)  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        Money.model_validate({"amount": "1.00", "currency": "USD", "note": "x"})
    assert str(Money.of("1234567.5", "USD")) == "1,234,567.50 USD"
