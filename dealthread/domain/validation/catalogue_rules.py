"""V08 V09 V11 V13 V33: products, prices, quantities, and the biller's preview of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.validation.rule import Assessment, Finding


def price_book(a: Assessment) -> Iterator[Finding]:
    """V08: the price book entry is active and the product has a list price in the currency.

    A product without any list price is sold at a free price.
    """
    for index, line in enumerate(a.deal.lines):
        if not line.price_entry_active:
            yield Finding(
                f"lines[{index}].price_entry_active",
                line.product_code,
                "the price book entry is not active",
            )
    for index, line, mapping in a.mapped_lines():
        if mapping.list_prices and list_price_of(mapping, a.deal.currency) is None:
            yield Finding(
                f"lines[{index}].list_price",
                a.deal.currency,
                f"{line.product_code} has no list price in this currency",
            )


def product_mapping(a: Assessment) -> Iterator[Finding]:
    """V09: every line is mapped to biller, ERP, tax, revenue and entitlement, today."""
    if not a.deal.lines:
        yield Finding("lines", "", "the deal has no lines")
    for index, line in enumerate(a.deal.lines):
        if a.mapping(line) is None:
            yield Finding(
                f"lines[{index}].product_code",
                line.product_code,
                "not mapped: add it to products.yaml or correct with product_map",
            )


def price_agrees(a: Assessment) -> Iterator[Finding]:
    """V11: per line, the biller's preview equals what was sold, within the tolerance."""
    if a.contract is None or a.facts.preview is None:
        return
    places = EXPONENTS[a.contract.currency]
    tolerance = Decimal(a.config.policy.price_tolerance_minor_units).scaleb(-places)
    previewed: dict[str, Money] = {}
    for shown in a.facts.preview.lines:
        sum_so_far = previewed.get(shown.line_key)
        previewed[shown.line_key] = shown.net if sum_so_far is None else sum_so_far + shown.net
    for line in a.contract.first_bill_lines():
        net = previewed.pop(line.line_key, None)
        if net is None:
            yield Finding(
                f"lines[{line.line_key}].net", "", f"sold at {line.net_per_period}, not previewed"
            )
        elif (
            net.currency != a.contract.currency
            or abs(net.amount - line.net_per_period.amount) > tolerance
        ):
            yield Finding(
                f"lines[{line.line_key}].net",
                str(net),
                f"previewed by the biller; sold at {line.net_per_period}",
            )
    for line_key, net in previewed.items():
        if net:
            yield Finding(
                f"lines[{line_key}].net", str(net), "previewed by the biller, not on the first bill"
            )


def quantity(a: Assessment) -> Iterator[Finding]:
    """V13: positive, with the decimals of its unit, within the price's limits. No price below 0."""
    for index, line, mapping in a.mapped_lines():
        field, value = f"lines[{index}].quantity", f"{line.quantity.normalize():f}"
        if line.unit_price.amount < 0:
            yield Finding(
                f"lines[{index}].unit_price",
                str(line.unit_price),
                "a price below 0 is not sold: give the discount on the line it belongs to",
            )
        if mapping.kind is ChargeKind.USAGE:
            continue
        if line.quantity <= 0:
            yield Finding(field, value, "must be above 0")
            continue
        decimals = -int(line.quantity.normalize().as_tuple().exponent)
        if decimals > mapping.quantity_decimals:
            yield Finding(
                field, value, f"a {mapping.unit} is sold with {mapping.quantity_decimals} decimals"
            )
        if line.quantity < mapping.min_quantity:
            yield Finding(field, value, f"below the minimum of {mapping.min_quantity}")
        if mapping.max_quantity is not None and line.quantity > mapping.max_quantity:
            yield Finding(field, value, f"above the maximum of {mapping.max_quantity}")


def preview_tax(a: Assessment) -> Iterator[Finding]:
    """V33: the biller's tax on the preview equals the rule table's, in amount and rate."""
    if a.contract is None or a.facts.preview is None:
        return
    sold = {line.line_key: line for line in a.contract.first_bill_lines()}
    for shown in a.facts.preview.lines:
        line = sold.get(shown.line_key)
        if line is None:
            continue
        if shown.tax != line.tax.amount:
            yield Finding(
                f"lines[{line.line_key}].tax",
                str(shown.tax),
                f"the rule table expects {line.tax.amount} ({line.tax.code})",
            )
        elif shown.tax_rate and not _same_rate(shown.tax_rate, line):
            yield Finding(
                f"lines[{line.line_key}].tax_rate",
                shown.tax_rate,
                f"the rule table expects {line.tax.code}, {line.tax.applied_rate} %",
            )


def _same_rate(shown: str, line: ContractLine) -> bool:
    """The biller may show a percentage or the code."""
    try:
        return Decimal(shown.removesuffix("%").strip()) == line.tax.applied_rate
    except InvalidOperation:
        return shown == line.tax.code
