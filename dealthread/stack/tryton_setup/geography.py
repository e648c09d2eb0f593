"""Currencies, countries and the states that tax rules name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.money import EXPONENTS
from dealthread.stack.errors import StackError
from dealthread.stack.tryton_setup.session import SetupSession

# ISO 3166-1 as the time zone database publishes it (public domain); part of Tryton's own pinned
# environment, read as a file.
COUNTRY_TABLE = "tzdata/zoneinfo/iso3166.tab"


def read_countries(environment: Path) -> dict[str, str]:
    """Alpha-2 code → English name, from the time zone data of Tryton's environment."""
    found = sorted(environment.glob(f"lib/python3*/site-packages/{COUNTRY_TABLE}"))
    if not found:
        raise StackError(f"no {COUNTRY_TABLE} in {environment}", "make clean, then make up")
    rows = found[0].read_text(encoding="utf-8").splitlines()
    pairs = (row.split("\t", 1) for row in rows if row and not row.startswith("#"))
    return {code: name.strip() for code, name in pairs}


def create_currencies(session: SetupSession, config: ConfigSet) -> dict[str, int]:
    """Every currency that a company keeps its books in or bills in."""
    codes = {row.functional_currency for row in config.legal_entities}
    codes.update(code for row in config.billing_accounts for code in row.currencies)
    codes.update(price.currency for row in config.products for price in row.list_prices)
    ordered = sorted(codes)
    ids = session.create_many(
        "currency.currency",
        [
            {
                "name": code,
                "code": code,
                "symbol": code,
                "digits": EXPONENTS[code],
                "rounding": Decimal(1).scaleb(-EXPONENTS[code]),
            }
            for code in ordered
        ],
    )
    return dict(zip(ordered, ids, strict=True))


def create_countries(session: SetupSession, names: dict[str, str]) -> dict[str, int]:
    """All countries of ISO 3166-1."""
    ordered = sorted(names)
    ids = session.create_many(
        "country.country", [{"name": names[code], "code": code} for code in ordered]
    )
    return dict(zip(ordered, ids, strict=True))


def create_regions(session: SetupSession, config: ConfigSet, countries: dict[str, int]) -> None:
    """The states that tax rules and registrations name, as `<country>-<region>` of ISO 3166-2."""
    codes = {
        f"{country}-{region}"
        for rule in config.tax_rules
        for country in rule.country
        for region in rule.region
    }
    codes.update(
        registration.jurisdiction
        for entity in config.legal_entities
        for registration in entity.tax_registrations
        if "-" in registration.jurisdiction
    )
    session.create_many(
        "country.subdivision",
        [
            {
                "country": countries[code.split("-", 1)[0]],
                "code": code,
                "name": code.split("-", 1)[1],
                "type": "state",
            }
            for code in sorted(codes)
        ],
    )
