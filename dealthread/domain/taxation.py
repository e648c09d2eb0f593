"""Which tax code a line gets, by finance's rule table, and what it comes to.

The place of supply is the ship-to address. This is the expectation that the biller's preview is
compared with, and the estimate on a booking; tax of record comes with a finalised invoice.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.catalog import ConfigSet, TaxCode, TaxRule
from dealthread.domain.contract import LineTax
from dealthread.domain.country import COUNTRIES, EU_MEMBERS
from dealthread.domain.money import Money
from dealthread.domain.party import Address, Exemption, Party


def covers_place(exemption: Exemption, place: Address) -> bool:
    """Whether a certificate's jurisdiction (`US` or `US-NY`) contains the place."""
    jurisdiction = exemption.jurisdiction.upper()
    return jurisdiction in {place.country, f"{place.country}-{place.region}"}


def is_jurisdiction(code: str) -> bool:
    """`US` or `US-NY`. A bare `NY` or `CA` is refused: CA is California and Canada."""
    country, _, region = code.upper().partition("-")
    return country in COUNTRIES and ("-" not in code or bool(region))


def is_valid_on(exemption: Exemption, day: date) -> bool:
    """Whether the certificate covers the day; `until` is the first day outside."""
    return (exemption.since is None or exemption.since <= day) and (
        exemption.until is None or day < exemption.until
    )


def holds_vat_id(party: Party, country: str) -> bool:
    """Whether the party has given an id of the scheme that counts in the country."""
    schemes = {"eu_vat"} if country in EU_MEMBERS else {"gb_vat"} if country == "GB" else None
    return any(schemes is None or tax_id.scheme in schemes for tax_id in party.tax_ids)


def matching_rule(
    config: ConfigSet, seller: str, category: str, party: Party, on: date
) -> TaxRule | None:
    """The first rule that fits, or None: a sale that no rule covers is never untaxed."""
    place = party.ship_to()
    exempt = any(covers_place(row, place) and is_valid_on(row, on) for row in party.exemptions)
    city = place.city.strip().casefold()
    for rule in config.tax_rules:
        if (
            rule.seller == seller
            and rule.category in {"", category}
            and (not rule.country or place.country in rule.country)
            and place.country not in rule.not_country
            and (not rule.region or place.region in rule.region)
            and (not rule.city or city in {name.casefold() for name in rule.city})
            and rule.buyer_type in {"", party.buyer_type}
            and rule.buyer_has_tax_id in {None, holds_vat_id(party, place.country)}
            and (exempt or not rule.exempt)
        ):
            return rule
    return None


def tax_code_for(
    config: ConfigSet, seller: str, category: str, party: Party, on: date
) -> TaxCode | None:
    """The code in force on the day, or None where no rule or no rate of that day exists."""
    rule = matching_rule(config, seller, category, party, on)
    return None if rule is None else config.tax_code(rule.code, on)


def tax_on(code: TaxCode, base: Money) -> LineTax:
    """Estimated tax on a net amount, rounded half up on this line.

    `base` is the taxed part of the charge (80 % of it for Texas data processing).
    """
    hundred = Decimal(100)
    return LineTax(
        code=code.code,
        jurisdiction=code.jurisdiction,
        applied_rate=code.applied_rate,
        statutory_rate=code.statutory_rate,
        taxable_share=code.taxable_share,
        base=Money.rounded(base.amount * code.taxable_share / hundred, base.currency),
        amount=Money.rounded(base.amount * code.applied_rate / hundred, base.currency),
    )
