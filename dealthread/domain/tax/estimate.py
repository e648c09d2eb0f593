"""Estimated tax of a sale: from the selling entity, the buyer's place and the rules of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Frozen
from dealthread.domain.catalog import ConfigSet, LegalEntity
from dealthread.domain.country import EU_MEMBERS
from dealthread.domain.money import Money
from dealthread.domain.party import BuyerType, Party
from dealthread.domain.tax.computation import Taxable, TaxRule, tax_lines
from dealthread.domain.tax.rate import TaxTreatment, rate_of
from dealthread.domain.tax.status import EstimatedTax
from dealthread.domain.taxation import covers_place, is_valid_on, tax_code_for


class PlaceOfSupply(StrEnum):
    """Whose address decides where a sale is taxed."""

    SHIP_TO = "ship_to"
    """Where the service is used; the billing address where no other is known."""
    BILL_TO = "bill_to"


class Charge(Frozen):
    """A line to be taxed. `amount` is on the rule's basis: net, or gross where prices contain
    tax; a credit is negative."""

    key: str
    tax_category: str
    amount: Money


_PLAIN = TaxRule()


def estimated_tax(
    config: ConfigSet,
    seller: str,
    buyer: Party,
    charges: Sequence[Charge],
    tax_date: date,
    *,
    rule: TaxRule = _PLAIN,
    place: PlaceOfSupply = PlaceOfSupply.SHIP_TO,
) -> EstimatedTax:
    """The tax expected on charges whose tax point is a day.

    Raises ValueError for an unknown seller, no charges, charges of several currencies, a buyer
    without a country, and a charge that no rule covers: nothing is ever untaxed by omission.
    """
    if not charges:
        raise ValueError("charges: at least one is needed")
    try:
        entity = config.legal_entity(seller)
    except KeyError:
        raise ValueError(f"seller: no legal entity {seller!r}") from None
    if place is PlaceOfSupply.BILL_TO:
        buyer = buyer.model_copy(update={"shipping_address": None})
    if not buyer.ship_to().country:
        raise ValueError("buyer: no address has a country")
    lines = [_taxable(config, entity, buyer, charge, tax_date) for charge in charges]
    return EstimatedTax(
        tax_date=tax_date,
        currency=charges[0].amount.currency,
        lines=tax_lines(lines, rule),
    )


def _taxable(
    config: ConfigSet, entity: LegalEntity, buyer: Party, charge: Charge, day: date
) -> Taxable:
    code = tax_code_for(config, entity.code, charge.tax_category, buyer, day)
    if code is None:
        raise ValueError(
            f"charge {charge.key}: {entity.code} has no tax rule for {charge.tax_category!r} "
            f"in {buyer.ship_to().country} on {day}"
        )
    rate = rate_of(code, untaxed_because(entity, buyer, day))
    return Taxable(key=charge.key, amount=charge.amount, rate=rate)


def untaxed_because(entity: LegalEntity, buyer: Party, day: date) -> TaxTreatment:
    """Why a rate of nought is one: a certificate, the buyer's own tax, another country, the law."""
    place = buyer.ship_to()
    if any(covers_place(one, place) and is_valid_on(one, day) for one in buyer.exemptions):
        return TaxTreatment.EXEMPT
    if place.country == entity.country:
        return TaxTreatment.ZERO_RATED
    within_union = {place.country, entity.country} <= EU_MEMBERS
    if within_union and buyer.buyer_type is not BuyerType.CONSUMER:
        return TaxTreatment.REVERSE_CHARGE
    return TaxTreatment.OUTSIDE_SCOPE
