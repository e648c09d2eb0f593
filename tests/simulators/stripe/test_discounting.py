"""What discounts take off lines, and tax on what they leave; no server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dealthread.simulators.stripe.catalogue.discounting import Discount, net_amounts
from dealthread.simulators.stripe.invoices.composition import Charge, compose

HALF = Discount("di_half", "50", None)
FIFTH = Discount("di_fifth", "20", None)
FIVE = Discount("di_five", None, 500)


def charge(cents: str, product: str = "prod_1") -> Charge:
    """One unit of something."""
    price = {"id": "price_1", "product": product, "currency": "usd", "unit_amount_decimal": cents}
    return Charge(price, 1, (0, 1), "x", {"type": "invoice_item_details"})


def composed(charges: list[Charge], *discounts: Discount, rates: Any = ()) -> Any:
    """An invoice of these charges."""
    return compose(
        charges,
        invoice_id="in_1",
        default_tax_rates=rates,
        tax_exempt="none",
        tax_rounding="line",
        discounts=discounts,
    )


def test_half_off_a_hundred_dollars_is_fifty() -> None:
    """Docstring of `Coupon.percent_off` (stripe 16.1): 50 makes a 100 invoice 50 instead."""
    made = composed([charge("10000")], HALF)
    assert (made.subtotal, made.total) == (10000, 5000)
    assert made.total_discount_amounts == [{"amount": 5000, "discount": "di_half"}]


def test_an_amount_takes_no_more_than_there_is() -> None:
    """docs.stripe.com/api/coupons/create: subtotal 100, amount_off 200, total 0."""
    assert composed([charge("10000")], Discount("di_1", None, 20000)).total == 0


def test_the_order_of_a_percentage_and_an_amount_matters() -> None:
    """docs.stripe.com/billing/subscriptions/coupons: 20 % off then 5 USD off, and the other way.

    On 100 USD: 100 × 0.8 - 5 = 75; (100 - 5) × 0.8 = 76.
    """
    assert composed([charge("10000")], FIFTH, FIVE).total == 7500
    assert composed([charge("10000")], FIVE, FIFTH).total == 7600


def test_a_lines_own_discounts_come_first_and_are_in_the_subtotal() -> None:
    """Docstrings of `Invoice.subtotal`, `InvoiceLineItem.discounts`: 100 - 20 % is 80, half 40."""
    made = composed([replace(charge("10000"), discounts=[FIFTH])], HALF)
    assert (made.subtotal, made.total) == (8000, 4000)
    line = made.lines[0]
    assert (line["amount"], line["subtotal"], line["discounts"]) == (10000, 10000, ["di_fifth"])
    assert line["discount_amounts"] == [
        {"amount": 2000, "discount": "di_fifth"},
        {"amount": 4000, "discount": "di_half"},
    ]


def test_an_amount_is_spread_over_the_lines_and_its_parts_are_the_whole() -> None:
    """10.00 over three lines of 33.33: the parts differ by a cent at most and add up."""
    made = composed([charge("3333"), charge("3333"), charge("3333")], Discount("d", None, 1000))
    parts = [line["discount_amounts"][0]["amount"] for line in made.lines]
    assert sum(parts) == 1000
    assert max(parts) - min(parts) <= 1
    assert made.total == 9999 - 1000


def test_a_coupon_for_some_products_leaves_the_others_alone() -> None:
    """`applies_to` limits the items of an invoice a coupon applies to."""
    made = composed(
        [charge("10000", "seat"), charge("5000", "setup")],
        Discount("di_1", "50", None, ("seat",)),
    )
    assert made.total == 10000
    assert made.lines[1]["discount_amounts"] == []


def test_prorations_are_never_discounted() -> None:
    """Docstring of `InvoiceLineItem.discountable`."""
    part = replace(charge("10000"), fixed_amount=4000, is_discountable=False)
    assert composed([part], HALF).total == 4000


@pytest.mark.parametrize(("start", "net"), [(0, 5000), (99, 5000), (100, 10000)])
def test_a_service_that_begins_after_the_end_is_not_discounted(start: int, net: int) -> None:
    """docs.stripe.com/billing/subscriptions/backdating#backdating-discounts: by period."""
    line = replace(charge("10000"), discounted_at=start)
    assert net_amounts([line], [replace(HALF, end=100)], at=1000) == [net]


def test_tax_is_on_what_the_discounts_leave() -> None:
    """100.00 - 20 % = 80.00; 19 % of it is 15.20."""
    rate = {"id": "txr_1", "percentage": 19.0, "inclusive": False}
    made = composed([charge("10000")], FIFTH, rates=[rate])
    assert (made.total_taxes[0]["amount"], made.total) == (1520, 9520)
    assert made.total_taxes[0]["taxable_amount"] == 8000
    assert (made.subtotal_excluding_tax, made.total_excluding_tax) == (10000, 8000)


def test_inclusive_tax_is_inside_what_the_discounts_leave() -> None:
    """119.00 with 19 % inside, half off: 59.50 with 9.50 inside; the subtotal is 100.00 net."""
    rate = {"id": "txr_1", "percentage": 19.0, "inclusive": True}
    made = composed([charge("11900")], HALF, rates=[rate])
    assert (made.total, made.total_taxes[0]["amount"]) == (5950, 950)
    assert (made.subtotal_excluding_tax, made.total_excluding_tax) == (10000, 5000)
