"""What an invoice amounts to: lines, taxes and totals from charges. Pure, used by all paths.

A preview and the invoice that follows call `compose` with the same charges; there is no second
place where money is computed. Discounts come off first (`discounting`), tax is on what is left. Tax
is per line and rounded half up; the account's setting decides whether the sum of rounded lines or
the rounded sum is the invoice's tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.simulators.stripe.catalogue import discounting, rating
from dealthread.simulators.stripe.catalogue.discounting import Discount, Discounted, Taken
from dealthread.simulators.stripe.catalogue.rating import Part
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.money import HUNDRED, half_up, per_unit, plain

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
    # The line's own discounts; those of the invoice come after them.
    discounts: Sequence[Discount] = ()
    # The beginning of the service, which decides whether a discount has ended; None: the invoice.
    discounted_at: int | None = None

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
    """Lines and totals, in minor units; the subtotal is after the lines' own discounts."""

    lines: list[Json]
    subtotal: int
    subtotal_excluding_tax: int
    total: int
    total_excluding_tax: int
    total_taxes: list[Json]
    total_discount_amounts: list[Json]
    total_pretax_credit_amounts: list[Json]


@dataclass(frozen=True)
class _Levy:
    """One tax rate on one line, before rounding."""

    rate: Json
    amount: Decimal
    taxable: Decimal
    reason: str


def _levies(
    charge: Charge, taxed: int, default_tax_rates: Sequence[Json], tax_exempt: str | None
) -> list[_Levy]:
    rates = default_tax_rates if charge.tax_rates is None else charge.tax_rates
    reason = _REASONS.get(tax_exempt or "none", "not_available")
    inclusive = sum(
        (Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"]), Decimal(0)
    )
    net = Decimal(taxed) / (1 + inclusive / HUNDRED)
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


def _credits(taken: Sequence[Taken]) -> list[Json]:
    """Discounts as the credits before tax that they are."""
    return [
        {"amount": one.amount, "discount": one.discount_id, "type": "discount"} for one in taken
    ]


def _amounts(taken: Sequence[Taken]) -> list[Json]:
    return [{"amount": one.amount, "discount": one.discount_id} for one in taken]


def _summed(after: Sequence[Discounted]) -> list[Taken]:
    """One entry for each discount, over all lines."""
    sums: dict[str, int] = {}
    for line in after:
        for one in (*line.own, *line.of_invoice):
            sums[one.discount_id] = sums.get(one.discount_id, 0) + one.amount
    return [Taken(discount_id, amount) for discount_id, amount in sums.items()]


def _line(charge: Charge, after: Discounted, levies: Sequence[_Levy], invoice_id: str) -> Json:
    taken = (*after.own, *after.of_invoice)
    rated = charge.rated
    amount = rated.amount
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": charge.price["currency"],
        "description": charge.description,
        "discount_amounts": _amounts(taken),
        "discountable": charge.is_discountable,
        "discounts": [one.id for one in charge.discounts],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": dict(charge.metadata),
        "parent": charge.parent,
        "period": {"start": charge.period[0], "end": charge.period[1]},
        "pretax_credit_amounts": _credits(taken),
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
    discounts: Sequence[Discount] = (),
    at: int = 0,
) -> Composition:
    """Lines and totals of an invoice with these charges, made at an instant."""
    after = discounting.discounted(charges, discounts, at=at)
    levies = [
        _levies(charge, line.net, default_tax_rates, tax_exempt)
        for charge, line in zip(charges, after, strict=True)
    ]
    lines = [
        _line(charge, left, taxes, invoice_id)
        for charge, left, taxes in zip(charges, after, levies, strict=True)
    ]
    total_taxes = _total_taxes(levies, tax_rounding)
    exclusive = sum(tax["amount"] for tax in total_taxes if tax["tax_behavior"] == "exclusive")
    inclusive = sum(tax["amount"] for tax in total_taxes if tax["tax_behavior"] == "inclusive")
    # What the subtotal would hold of inclusive tax, were it not for the invoice's discounts.
    held = inclusive
    if any(line.of_invoice for line in after):
        before = [
            _levies(charge, line.after_own, default_tax_rates, tax_exempt)
            for charge, line in zip(charges, after, strict=True)
        ]
        held = sum(
            tax["amount"]
            for tax in _total_taxes(before, tax_rounding)
            if tax["tax_behavior"] == "inclusive"
        )
    subtotal = sum(line.after_own for line in after)
    net = sum(line.net for line in after)
    taken = _summed(after)
    return Composition(
        lines=lines,
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - held,
        total=net + exclusive,
        total_excluding_tax=net - inclusive,
        total_taxes=total_taxes,
        total_discount_amounts=_amounts(taken),
        total_pretax_credit_amounts=_credits(taken),
    )


def _total_taxes(levies: Sequence[Sequence[_Levy]], tax_rounding: str) -> list[Json]:
    """The taxes of an invoice by rate, rounded on each line or once on the total."""
    by_rate: dict[str, list[_Levy]] = {}
    for of_line in levies:
        for levy in of_line:
            by_rate.setdefault(levy.rate["id"], []).append(levy)
    total_taxes: list[Json] = []
    for same in by_rate.values():
        if tax_rounding == "line":
            tax = sum(half_up(levy.amount) for levy in same)
        else:
            tax = half_up(sum((levy.amount for levy in same), Decimal(0)))
        taxable = sum(half_up(levy.taxable) for levy in same)
        total_taxes.append(_tax_entry(same[0].rate, tax, taxable, same[0].reason))
    return total_taxes
