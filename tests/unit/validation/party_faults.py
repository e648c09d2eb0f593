"""Buyers and their tax that break a rule."""

from __future__ import annotations

from datetime import date

from dealthread.domain.party import Exemption, Screening, TaxId
from tests.support import deal_builder as build
from tests.unit.validation.spoilt import TODAY, Spoilt, account, address, deal, policy

PARTY_FAULTS = [
    Spoilt("V26", "account.screening", "", "compliance", configure=policy(screening_required=True)),
    Spoilt(
        "V26",
        "account.screening.result",
        "hit",
        "compliance",
        account(screening=Screening(result="hit", at=TODAY)),
        policy(screening_required=True),
    ),
    Spoilt(
        "V26",
        "account.screening.at",
        "2025-11-17",
        "compliance",
        account(screening=Screening(result="clear", at=date(2025, 11, 17))),
        policy(screening_required=True),
    ),
    Spoilt(
        "V27", "account.billing_address.postal_code", "", "customer-data", address(postal_code="")
    ),
    Spoilt("V27", "account.billing_address.city", "", "customer-data", address(city=" ")),
    Spoilt(
        "V27",
        "account.billing_address.region",
        "not a state code",
        "customer-data",
        address(region="Texas"),
    ),
    Spoilt(
        "V27", "account.billing_address.country", "Ger", "customer-data", address(country="Germany")
    ),
    Spoilt("V27", "account", "", "customer-data", deal(account=None)),
    Spoilt("V28", "account.contacts", "", "customer-data", account(contacts=())),
    Spoilt(
        "V27",
        "account.shipping_address.city",
        "",
        "customer-data",
        account(shipping_address=build.AUSTIN.model_copy(update={"city": ""})),
    ),
    Spoilt("V27", "account.legal_name", "", "customer-data", account(legal_name=" ")),
    Spoilt(
        "V27",
        "account.billing_address.postal_code",
        "not a ZIP code",
        "customer-data",
        address(postal_code="7870"),
    ),
    Spoilt(
        "V28",
        "account.contacts",
        "0030000000000K1AAA",
        "customer-data",
        account(
            contacts=tuple(
                row.model_copy(update={"email": ""}) for row in build.HARBORLINE.contacts
            )
        ),
    ),
    Spoilt(
        "V35", "account.parent", "K2P", "customer-data", deal(parents=(build.NORDWERK_HOLDING,))
    ),
    Spoilt(
        "V35",
        "account.parent",
        "K1",
        "customer-data",
        lambda good: account(parent_key="K1")(deal(parents=(build.HARBORLINE,))(good)),
    ),
    Spoilt(
        "V30",
        "account.tax_ids[0].result",
        "invalid",
        "tax",
        account(tax_ids=(TaxId(scheme="us_ein", number="12-3456789", result="invalid"),)),
    ),
    Spoilt("V28", "account.language", "", "customer-data", account(language="")),
    Spoilt(
        "V30",
        "account.tax_ids[0]",
        "DE13…67 (11 characters)",
        "tax",
        account(tax_ids=(TaxId(scheme="eu_vat", number="DE136695967"),)),
    ),
    Spoilt(
        "V31",
        "lines[0].tax_code",
        "saas in US-TX",
        "tax",
        address(city="Dallas", postal_code="75201"),
    ),
    Spoilt(
        "V32",
        "account.exemptions[0].until",
        "2026-07-01",
        "tax",
        account(
            exemptions=(
                Exemption(jurisdiction="US-TX", certificate="TX-1", until=date(2026, 7, 1)),
            )
        ),
    ),
    Spoilt(
        "V32",
        "account.exemptions[0].jurisdiction",
        "Texas",
        "tax",
        account(exemptions=(Exemption(jurisdiction="Texas", certificate="TX-1"),)),
    ),
    Spoilt("V35", "account.parent", "K9", "customer-data", account(parent_key="K9")),
    Spoilt("V35", "account.parent", "K1", "customer-data", account(parent_key="K1")),
    Spoilt("V37", "account.buyer_type", "", "legal", account(buyer_type=None)),
]
