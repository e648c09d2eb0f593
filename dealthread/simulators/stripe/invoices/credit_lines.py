"""The lines of a credit note, and what of the invoice's lines is credited already.

Source: docs.stripe.com/invoicing/integration/programmatic-credit-notes: a line is credited by
quantity or by amount, never by both over its life; negative lines by negative amounts; custom
lines have a description, a quantity and a unit price, and may be taxed. Amounts in minor units.

Taxes and discounts of a line are credited in proportion to its amount, rounded half up on what is
credited so far, so that the last part of a line takes exactly what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.money import HUNDRED, half_up, plain, unit_price
from dealthread.simulators.stripe.world import Context, snapshot


@dataclass
class Credited:
    """What earlier notes took of one line of the invoice."""

    amount: int = 0
    quantity: int = 0
    ways: set[str] = field(default_factory=set)


def earlier(notes: Iterable[Json], hidden_ways: dict[str, str]) -> dict[str, Credited]:
    """By line of the invoice, over the notes that are not void; `hidden_ways` by line of a note."""
    found: dict[str, Credited] = {}
    for note in notes:
        for line in note["lines"]:
            if line["invoice_line_item"] is None:
                continue
            held = found.setdefault(line["invoice_line_item"], Credited())
            held.amount += line["amount"]
            held.quantity += line["quantity"] or 0
            held.ways.add(hidden_ways[line["id"]])
    return found


def is_whole(credited: dict[str, Credited], invoice_lines: list[Json]) -> bool:
    """Whether every line of an invoice is credited to the end."""
    return all(
        line["id"] in credited and credited[line["id"]].amount == line["amount"]
        for line in invoice_lines
    )


@dataclass
class Builder:
    """Makes the lines of one note; `credited` grows with each."""

    ctx: Context
    invoice_lines: list[Json]
    credited: dict[str, Credited]
    lines: list[Json] = field(default_factory=list)
    # By line of the note: "amount" or "quantity", for the notes that follow.
    ways: dict[str, str] = field(default_factory=dict)
    # Discounts of the lines themselves, which a subtotal is after; not those of the invoice.
    own_discounts: int = 0

    def add(self, given: Json, param: str) -> None:
        """One entry of the parameter `lines`."""
        if given["type"] == "custom_line_item":
            self._custom(given, param)
            return
        if "invoice_line_item" not in given:
            raise StripeError.missing(f"{param}[invoice_line_item]")
        for name in ("description", "unit_amount", "unit_amount_decimal", "tax_rates"):
            if name in given:
                raise StripeError.refused(
                    f"`{name}` is only valid for custom line items.", param=f"{param}[{name}]"
                )
        wanted = given["invoice_line_item"]
        line = next((one for one in self.invoice_lines if one["id"] == wanted), None)
        if line is None:
            raise StripeError.no_such("line item", wanted, param=f"{param}[invoice_line_item]")
        if ("amount" in given) == ("quantity" in given):
            raise StripeError.invalid(
                "You must specify exactly one of amount and quantity.", param=f"{param}[amount]"
            )
        way = "amount" if "amount" in given else "quantity"
        self.take(line, way, given[way], param, given)

    def add_rest(self) -> None:
        """Everything that is left of every line."""
        for line in self.invoice_lines:
            held = self.credited.get(line["id"], Credited())
            rest = line["amount"] - held.amount
            if rest or line["id"] not in self.credited:
                self.take(line, "amount", rest, "amount", {}, is_forced=True)

    def take(
        self,
        line: Json,
        way: str,
        wanted: int,
        param: str,
        given: Json,
        *,
        is_forced: bool = False,
    ) -> None:
        """Credit a quantity or an amount of a line of the invoice."""
        held = self.credited.setdefault(line["id"], Credited())
        if held.ways - {way} and not is_forced:
            raise StripeError.refused(
                "A line item can be credited by quantity or by amount, not by both.",
                param=f"{param}[{way}]",
            )
        amount, quantity = wanted, None
        if way == "quantity":
            quantity = wanted
            amount = _of_quantity(line, held, quantity, param)
        elif is_forced:
            quantity = line["quantity"] - held.quantity
        _check_room(line, held, amount, param)
        before = held.amount
        held.amount += amount
        held.quantity += quantity or 0
        held.ways.add(way)
        made = self._line(line, amount, quantity, before)
        made["metadata"] = metadata.fresh(given) or dict(line["metadata"])
        self.lines.append(made)
        self.ways[made["id"]] = way

    def _line(self, line: Json, amount: int, quantity: int | None, before: int) -> Json:
        whole, after = line["amount"], before + amount
        rates = self.ctx.account.of("tax_rate")
        discounts = [
            {**entry, "amount": _share(entry["amount"], before, after, whole)}
            for entry in line["discount_amounts"]
        ]
        self.own_discounts += sum(
            entry["amount"] for entry in discounts if entry["discount"] in line["discounts"]
        )
        pretax = [
            {**entry, "amount": _share(entry["amount"], before, after, whole)}
            for entry in line["pretax_credit_amounts"]
        ]
        taxes = snapshot({"taxes": line["taxes"]})["taxes"]
        for tax in taxes:
            tax["amount"] = _share(tax["amount"], before, after, whole)
            tax["taxable_amount"] = _share(tax["taxable_amount"], before, after, whole)
        unit = Decimal(amount) if quantity is None else _unit(line)
        return _shape(
            amount=amount,
            description=line["description"],
            discounts=discounts,
            invoice_line_item=line["id"],
            pretax=pretax,
            quantity=quantity,
            tax_rates=[rates[tax["tax_rate_details"]["tax_rate"]] for tax in line["taxes"]],
            taxes=taxes,
            unit=unit,
        )

    def _custom(self, given: Json, param: str) -> None:
        for name in ("invoice_line_item", "amount"):
            if name in given:
                raise StripeError.refused(
                    f"`{name}` is only valid for invoice line items.", param=f"{param}[{name}]"
                )
        for name in ("description", "quantity"):
            if name not in given:
                raise StripeError.missing(f"{param}[{name}]")
        unit = unit_price(given, param)
        amount = half_up(unit * given["quantity"])
        rates = catalogue.usable_tax_rates(
            self.ctx, given.get("tax_rates") or [], f"{param}[tax_rates]"
        )
        made = _shape(
            amount=amount,
            description=given["description"],
            discounts=[],
            invoice_line_item=None,
            pretax=[],
            quantity=given["quantity"],
            tax_rates=rates,
            taxes=_taxes(amount, rates),
            unit=unit,
        )
        made["metadata"] = metadata.fresh(given)
        self.lines.append(made)
        self.ways[made["id"]] = "custom"


def _of_quantity(line: Json, held: Credited, quantity: int, param: str) -> int:
    if held.quantity + quantity > line["quantity"]:
        raise StripeError.refused(
            "The quantity to credit exceeds the quantity of the line item.",
            param=f"{param}[quantity]",
        )
    if held.quantity + quantity == line["quantity"]:
        return int(line["amount"] - held.amount)
    return half_up(_unit(line) * quantity)


def _unit(line: Json) -> Decimal:
    return Decimal(line["pricing"]["unit_amount_decimal"])


def _check_room(line: Json, held: Credited, amount: int, param: str) -> None:
    """Never more than the line, and in its direction."""
    after = held.amount + amount
    is_inside = (
        0 <= after <= line["amount"] if line["amount"] >= 0 else line["amount"] <= after <= 0
    )
    is_same_way = amount >= 0 if line["amount"] >= 0 else amount <= 0
    if not (is_inside and is_same_way):
        raise StripeError.refused(
            "The amount to credit exceeds what is left of the line item.", param=f"{param}[amount]"
        )


def _share(part: int, before: int, after: int, whole: int) -> int:
    """The part of a tax or discount that belongs to the amount between `before` and `after`."""
    if whole == 0:
        return part
    first = half_up(Decimal(part) * before / whole)
    return half_up(Decimal(part) * after / whole) - first


def _taxes(amount: int, rates: list[Json]) -> list[Json]:
    inclusive = sum(
        (Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"]), Decimal(0)
    )
    net = Decimal(amount) / (1 + inclusive / HUNDRED)
    return [
        {
            "amount": half_up(net * Decimal(str(rate["percentage"])) / HUNDRED),
            "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": rate["id"]},
            "taxability_reason": "not_available",
            "taxable_amount": half_up(net),
            "type": "tax_rate_details",
        }
        for rate in rates
    ]


def _shape(
    *,
    amount: int,
    description: str | None,
    discounts: list[Json],
    invoice_line_item: str | None,
    pretax: list[Json],
    quantity: int | None,
    tax_rates: list[Json],
    taxes: list[Json],
    unit: Decimal,
) -> Json:
    is_whole_number = unit == unit.to_integral_value()
    made: Json = {
        "id": new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": sum(entry["amount"] for entry in discounts),
        "discount_amounts": discounts,
        "invoice_line_item": invoice_line_item,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": pretax,
        "quantity": quantity,
        "tax_rates": tax_rates,
        "taxes": taxes,
        "type": "custom_line_item" if invoice_line_item is None else "invoice_line_item",
        "unit_amount": int(unit) if is_whole_number else None,
        "unit_amount_decimal": plain(unit),
    }
    return made


def add_up(lines: list[Json]) -> list[Json]:
    """The taxes of all lines, by rate."""
    found: dict[str, Json] = {}
    for line in lines:
        for tax in line["taxes"]:
            held = found.setdefault(
                tax["tax_rate_details"]["tax_rate"], {**tax, "amount": 0, "taxable_amount": 0}
            )
            held["amount"] += tax["amount"]
            held["taxable_amount"] += tax["taxable_amount"]
    return list(found.values())
