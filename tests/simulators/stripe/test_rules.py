"""Periods and money of the Stripe simulator, without a server."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dealthread.simulators.stripe.config import SimulatorConfig, format_number
from dealthread.simulators.stripe.invoices.composition import Charge, compose
from dealthread.simulators.stripe.subscriptions.periods import is_on_grid, period_of, shift
from dealthread.simulators.stripe.subscriptions.plans import Plan
from dealthread.simulators.stripe.subscriptions.spans import spans_between
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.form import decode, fingerprint
from dealthread.simulators.stripe.wire.money import half_up
from tests.simulators.stripe.support import at, unix

MONTH: Any = {"interval": "month", "interval_count": 1}
YEAR: Any = {"interval": "year", "interval_count": 1}


def test_a_month_without_the_anchors_day_ends_on_its_last_day() -> None:
    """docs.stripe.com/billing/subscriptions/billing-cycle: 31 January, 28 February, 31 March."""
    anchor = unix(at(2026, 1, 31))
    days = [shift(anchor, MONTH, number) for number in range(4)]
    assert days == [
        unix(day) for day in (at(2026, 1, 31), at(2026, 2, 28), at(2026, 3, 31), at(2026, 4, 30))
    ]
    assert period_of(anchor, MONTH, unix(at(2026, 3, 1))) == (days[1], days[2])


def test_periods_are_counted_on_both_sides_of_the_anchor() -> None:
    """An anchor in the future is a boundary for the past too."""
    anchor = unix(at(2027, 1, 1))
    start, now = unix(at(2024, 1, 1)), unix(at(2026, 1, 9))
    assert is_on_grid(anchor, YEAR, start)
    terms = Plan(items=(), start=start, anchor=anchor)
    spans = list(spans_between(terms, YEAR, start, now))
    assert all(span.is_whole for span in spans)
    assert [span.start for span in spans] == [unix(at(year, 1, 1)) for year in (2024, 2025, 2026)]


@pytest.mark.parametrize(
    ("amount", "expected"), [("0.5", 1), ("-0.5", -1), ("2.4999", 2), ("1.5", 2)]
)
def test_halves_are_rounded_away_from_zero(amount: str, expected: int) -> None:
    """Half up in minor units, as the worked deals round."""
    assert half_up(Decimal(amount)) == expected


def _charge(cents: str, quantity: int) -> Charge:
    price = {
        "id": "price_1",
        "product": "prod_1",
        "currency": "usd",
        "unit_amount_decimal": cents,
    }
    return Charge(price, quantity, (0, 1), "x", {"type": "invoice_item_details"})


def _rate(percentage: float, *, inclusive: bool = False) -> dict[str, Any]:
    return {"id": f"txr_{percentage}", "percentage": percentage, "inclusive": inclusive}


@pytest.mark.parametrize(("rounding", "tax"), [("line", 2), ("total", 1)])
def test_tax_is_rounded_on_each_line_or_once_on_the_total(rounding: str, tax: int) -> None:
    """Two lines of 8 cents at 8.25 %: 0.66 each; by line 1 + 1, on the total 1.32 → 1."""
    made = compose(
        [_charge("8", 1), _charge("8", 1)],
        invoice_id="in_1",
        default_tax_rates=[_rate(8.25)],
        tax_exempt="none",
        tax_rounding=rounding,
    )
    assert made.total_taxes[0]["amount"] == tax
    assert made.total == 16 + tax


def test_inclusive_tax_is_taken_out_of_the_amount() -> None:
    """119.00 with 19 % inside: 19.00 tax, 100.00 net, total unchanged."""
    made = compose(
        [_charge("11900", 1)],
        invoice_id="in_1",
        default_tax_rates=[_rate(19, inclusive=True)],
        tax_exempt="none",
        tax_rounding="line",
    )
    assert (made.total, made.total_excluding_tax, made.total_taxes[0]["amount"]) == (
        11900,
        10000,
        1900,
    )


def test_fractions_of_a_cent_are_rounded_once_per_line() -> None:
    """unit_amount_decimal: 3 × 0.5 cents are 2 cents, not 3."""
    assert _charge("0.5", 3).amount == 2


def test_forms_are_decoded_by_brackets_and_bad_names_refused() -> None:
    """Positions stay keys: a metadata key may be a number."""
    assert decode("a[0][b]=1&a[1][b]=2&e[]=x&e[]=y&m[0]=n") == {
        "a": {"0": {"b": "1"}, "1": {"b": "2"}},
        "e": {"0": "x", "1": "y"},
        "m": {"0": "n"},
    }
    for bad in ("a[b=1", "[a]=1", "a=1&a[b]=2", "a[b]=1&a=2"):
        with pytest.raises(StripeError, match="Invalid parameter name"):
            decode(bad)
    assert fingerprint("POST", "/v1/x", decode("a=1&b=2")) == fingerprint(
        "POST", "/v1/x", decode("b=2&a=1")
    )


def test_numbers_follow_the_accounts_format() -> None:
    """The formats of the demonstration's three legal entities."""
    assert format_number("US-{:06d}", 1, 2026) == "US-000001"
    assert format_number("DE-{year}-{:05d}", 12, 2026) == "DE-2026-00012"
    assert format_number("DE-2026-{:05d}", 1, 2027) == "DE-2026-00001"


def test_the_configuration_comes_from_the_environment() -> None:
    """A JSON list of accounts; without it there is nothing to serve."""
    config = SimulatorConfig.from_env(
        {
            "DEALTHREAD_SIM_STRIPE_ACCOUNTS": '[{"id": "acct_alder_us", '
            '"secret_key": "sk_test_0001", "number_format": "US-{:06d}", '
            '"webhook_url": null, "webhook_secret": null, "tax_rounding": "line"}]',
            "DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS": "-3600",
        }
    )
    assert config.accounts[0].id == "acct_alder_us"
    assert config.clock_offset_seconds == -3600
    with pytest.raises(ValueError, match="DEALTHREAD_SIM_STRIPE_ACCOUNTS"):
        SimulatorConfig.from_env({})
