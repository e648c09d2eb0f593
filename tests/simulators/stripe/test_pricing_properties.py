"""Any tiers, any discounts, any taxes: the money adds up, by another way of counting."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dealthread.simulators.stripe.catalogue import rating
from dealthread.simulators.stripe.catalogue.discounting import Discount
from dealthread.simulators.stripe.invoices.composition import Charge, Composition, compose

CENTS = st.integers(0, 20_000)


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rising bounds, whole cents, a last tier without an end."""
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    rows = []
    for bound in [*bounds, None]:
        unit, flat = draw(st.none() | CENTS), draw(st.none() | CENTS)
        if unit is None and flat is None:
            unit = 1
        rows.append(
            {
                "up_to": bound,
                "unit_amount_decimal": None if unit is None else str(unit),
                "flat_amount_decimal": None if flat is None else str(flat),
            }
        )
    return rows


def by_unit(rows: list[dict[str, Any]], quantity: int) -> int:
    """Graduated: walk unit by unit, pay a tier's fee when it is entered; the first is always."""
    total, entered = 0, 0
    total += int(rows[0]["flat_amount_decimal"] or 0)
    for unit in range(1, quantity + 1):
        index = next(
            index for index, row in enumerate(rows) if row["up_to"] is None or unit <= row["up_to"]
        )
        if index > entered:
            entered = index
            total += int(rows[index]["flat_amount_decimal"] or 0)
        total += int(rows[index]["unit_amount_decimal"] or 0)
    return total


@given(rows=tiers(), quantity=st.integers(0, 80))
@settings(max_examples=200, deadline=None)
def test_graduated_tiers_cost_what_their_units_cost_one_by_one(
    rows: list[dict[str, Any]], quantity: int
) -> None:
    """And the quantities of the lines add up to the quantity."""
    price = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": rows}
    parts = rating.rate(price, quantity)
    assert sum(part.amount for part in parts) == by_unit(rows, quantity)
    assert sum(part.quantity for part in parts) == quantity


@given(rows=tiers(), quantity=st.integers(0, 80))
@settings(max_examples=100, deadline=None)
def test_volume_tiers_have_one_price_for_all_units(
    rows: list[dict[str, Any]], quantity: int
) -> None:
    """That of the tier the whole quantity falls into."""
    price = {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": rows}
    bounds = [row["up_to"] for row in rows if row["up_to"] is not None]
    row = rows[sum(1 for bound in bounds if quantity > bound)]
    unit, flat = int(row["unit_amount_decimal"] or 0), int(row["flat_amount_decimal"] or 0)
    assert rating.amount_of(price, quantity) == quantity * unit + flat


@st.composite
def discount(draw: st.DrawFn) -> Discount:
    """A percentage or an amount, for all products or for one."""
    number = draw(st.integers(0, 10**6))
    products: tuple[str, ...] = draw(st.sampled_from([(), ("a",), ("b",)]))
    if draw(st.booleans()):
        percent = draw(st.decimals(Decimal("0.01"), 100, places=2))
        return Discount(f"di_{number}", str(percent), None, products)
    return Discount(f"di_{number}", None, draw(st.integers(1, 30_000)), products)


@st.composite
def charge(draw: st.DrawFn) -> Charge:
    """A line of one of two products, with discounts of its own or none."""
    price = {
        "id": "price_1",
        "product": draw(st.sampled_from(["a", "b"])),
        "currency": "usd",
        "unit_amount_decimal": str(draw(CENTS)),
    }
    made = Charge(price, draw(st.integers(0, 5)), (0, 1), "x", {"type": "invoice_item_details"})
    own = draw(st.lists(discount(), max_size=2, unique_by=lambda one: one.id))
    return replace(made, discounts=own, is_discountable=draw(st.booleans()))


@given(
    charges=st.lists(charge(), min_size=1, max_size=5),
    shared=st.lists(discount(), max_size=3, unique_by=lambda one: one.id),
    percent=st.sampled_from([0, 6.6, 8.875, 19]),
    rounding=st.sampled_from(["line", "total"]),
)
@settings(max_examples=300, deadline=None)
def test_lines_discounts_and_taxes_add_up(
    charges: list[Charge], shared: list[Discount], percent: float, rounding: str
) -> None:
    """Lines less discounts are the net; net and tax are the total; nothing falls below zero."""
    rate = {"id": "txr_1", "percentage": percent, "inclusive": False}
    made = composed(charges, shared, rate, rounding)
    own = {one.id for line in charges for one in line.discounts} - {one.id for one in shared}
    nets = []
    of_lines = 0
    for line in made.lines:
        taken = sum(one["amount"] for one in line["discount_amounts"])
        if not line["discountable"]:
            assert taken == 0
        assert 0 <= taken <= line["amount"]
        nets.append(line["amount"] - taken)
        of_lines += sum(one["amount"] for one in line["discount_amounts"] if one["discount"] in own)
    amounts = sum(line["amount"] for line in made.lines)
    total_taken = sum(one["amount"] for one in made.total_discount_amounts)
    assert amounts - total_taken == sum(nets) == made.total_excluding_tax
    if not {one.id for one in shared} & {one.id for line in charges for one in line.discounts}:
        assert made.subtotal == amounts - of_lines
    assert made.total == sum(nets) + sum(tax["amount"] for tax in made.total_taxes)
    share = Decimal(str(percent)) / 100
    if rounding == "total":
        assert made.total_taxes[0]["amount"] == rounded(sum(nets) * share)
    else:
        assert made.total_taxes[0]["amount"] == sum(rounded(net * share) for net in nets)


def composed(
    charges: list[Charge], shared: list[Discount], rate: dict[str, Any], rounding: str
) -> Composition:
    """The invoice of these."""
    return compose(
        charges,
        invoice_id="in_1",
        default_tax_rates=[rate],
        tax_exempt="none",
        tax_rounding=rounding,
        discounts=shared,
    )


def rounded(amount: Decimal) -> int:
    """Halves away from zero."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
