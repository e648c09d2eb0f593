"""What an invoice amounts to: lines, taxes and totals from charges. Pure, used by all paths.

A preview and the invoice that follows call `compose` with the same charges; there is no second
place where money is computed. Tax is per line and rounded half up; the account's setting decides
whether the sum of rounded lines or the rounded sum is the invoice's tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.simulators.stripe import rating
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.money import HUNDRED, half_up, per_unit, plain
from dealthread.simulators.stripe.rating import Part
from dealthread.simulators.stripe.store import Json

# `taxability_reason` by the customer's exemption; manual rates have no reason otherwise.
_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


@dataclass(frozen=True)
class Charge:
    """One line to bill: a price, how many, for which period, taxed how.

    A tiered price makes several charges of one item, one for each `part` (`rating.rate`).
    """

    price: Json
    quantity: int | Decimal
    period: tuple[int, int]
    # None: an invoice item of an amount alone that nobody described.
    description: str | None
    parent: Json
    # None: the invoice's default tax rates apply; an empty list: no tax.
    tax_rates: Sequence[Json] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    subscription: str | None = None
    # None: the price makes one line of the quantity.
    part: Part | None = None
    # A part of a period: its amount in minor units, which no quantity times price gives.
    fixed_amount: int | None = None
    # Never true for a proration (docstring of `LineItem.discountable`, stripe 16.1).
    is_discountable: bool = True

    @property
    def rated(self) -> Part:
        """The line's quantity, unit price and amount, in minor units before exclusive taxes.

        The price says them; of a fixed amount the unit price is that amount by quantity.
        """
        if self.fixed_amount is None:
            return self.part or rating.rate(self.price, self.quantity)[0]
        each = per_unit(self.fixed_amount, self.quantity)
        return Part(self.fixed_amount, Decimal(self.quantity), each)

    @property
    def amount(self) -> int:
        """In minor units, before discounts and exclusive taxes."""
        return self.rated.amount

    @property
    def unit_amount_decimal(self) -> str:
        """The unit price shown."""
        return plain(self.rated.unit_amount)


@dataclass(frozen=True)
class Composition:
    """Lines and totals, in minor units."""

    lines: list[Json]
    subtotal: int
    subtotal_excluding_tax: int
    total: int
    total_excluding_tax: int
    total_taxes: list[Json]


@dataclass(frozen=True)
class _Levy:
    """One tax rate on one line, before rounding."""

    rate: Json
    amount: Decimal
    taxable: Decimal
    reason: str


def _levies(
    charge: Charge, default_tax_rates: Sequence[Json], tax_exempt: str | None
) -> list[_Levy]:
    rates = default_tax_rates if charge.tax_rates is None else charge.tax_rates
    reason = _REASONS.get(tax_exempt or "none", "not_available")
    amount = Decimal(charge.amount)
    inclusive = sum(
        (Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"]), Decimal(0)
    )
    net = amount / (1 + inclusive / HUNDRED)
    levies = []
    for rate in rates:
        share = Decimal(str(rate["percentage"])) / HUNDRED
        due = net * share if reason == "not_available" else Decimal(0)
        levies.append(_Levy(rate, due, net, reason))
    return levies


def _tax_entry(rate: Json, amount: int, taxable: int, reason: str) -> Json:
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason,
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def _line(charge: Charge, levies: Sequence[_Levy], invoice_id: str) -> Json:
    rated = charge.rated
    amount = rated.amount
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": charge.price["currency"],
        "description": charge.description,
        "discount_amounts": [],
        "discountable": charge.is_discountable,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": dict(charge.metadata),
        "parent": charge.parent,
        "period": {"start": charge.period[0], "end": charge.period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            # An invoice item of an amount alone names no price.
            "price_details": None
            if charge.price["id"] is None
            else {"price": charge.price["id"], "product": charge.price["product"]},
            "type": "price_details",
            "unit_amount_decimal": charge.unit_amount_decimal,
        },
        # Truncated, as the docstring of `InvoiceLineItem.quantity` says (stripe 16.1).
        "quantity": int(rated.quantity),
        "quantity_decimal": plain(rated.quantity),
        "subscription": charge.subscription,
        "subtotal": amount,
        "taxes": [
            _tax_entry(levy.rate, half_up(levy.amount), half_up(levy.taxable), levy.reason)
            for levy in levies
        ],
    }


def compose(
    charges: Sequence[Charge],
    *,
    invoice_id: str,
    default_tax_rates: Sequence[Json],
    tax_exempt: str | None,
    tax_rounding: str,
) -> Composition:
    """Lines and totals of an invoice with these charges."""
    lines: list[Json] = []
    by_rate: dict[str, list[_Levy]] = {}
    for charge in charges:
        levies = _levies(charge, default_tax_rates, tax_exempt)
        lines.append(_line(charge, levies, invoice_id))
        for levy in levies:
            by_rate.setdefault(levy.rate["id"], []).append(levy)
    total_taxes: list[Json] = []
    exclusive = inclusive = 0
    for levies in by_rate.values():
        rate = levies[0].rate
        if tax_rounding == "line":
            tax = sum(half_up(levy.amount) for levy in levies)
        else:
            tax = half_up(sum((levy.amount for levy in levies), Decimal(0)))
        taxable = sum(half_up(levy.taxable) for levy in levies)
        total_taxes.append(_tax_entry(rate, tax, taxable, levies[0].reason))
        if rate["inclusive"]:
            inclusive += tax
        else:
            exclusive += tax
    subtotal = sum(line["amount"] for line in lines)
    return Composition(
        lines=lines,
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - inclusive,
        total=subtotal + exclusive,
        total_excluding_tax=subtotal - inclusive,
        total_taxes=total_taxes,
    )
