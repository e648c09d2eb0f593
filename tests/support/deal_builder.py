"""Deals as the CRM would tell them: one good deal and the five worked deals.

Names are invented, tax identifiers are published samples or numbers with a right checksum.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from dealthread.domain.base import Ref, System
from dealthread.domain.deal import (
    BillingFrequency,
    CollectionMethod,
    Deal,
    DealLine,
    TermKind,
)
from dealthread.domain.money import UnitPrice
from dealthread.domain.party import (
    Address,
    BuyerType,
    Contact,
    ContactPurpose,
    Party,
    TaxId,
)

ORG = "00D000000000001EAA"
CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"

AUSTIN = Address(
    street="100 Congress Ave", city="Austin", region="TX", postal_code="78701", country="US"
)
NEW_YORK = Address(
    street="350 5th Ave", city="New York", region="NY", postal_code="10118", country="US"
)
HAMBURG = Address(street="Am Sandtorkai 1", city="Hamburg", postal_code="20457", country="DE")
LEEDS = Address(street="1 Wellington Pl", city="Leeds", postal_code="LS1 4AP", country="GB")
DUBLIN = Address(street="1 Grand Canal Sq", city="Dublin", postal_code="D02 P820", country="IE")
LYON = Address(street="1 Place Bellecour", city="Lyon", postal_code="69002", country="FR")


def ref(kind: str, native_id: str) -> Ref:
    """A reference into the CRM."""
    return Ref(system=System.CRM, account=ORG, kind=kind, native_id=native_id)


def party(
    key: str,
    legal_name: str,
    address: Address,
    *,
    tax_ids: tuple[TaxId, ...] = (),
    parent_key: str | None = None,
    po_required: bool = False,
    language: str = "en",
) -> Party:
    """A business customer with an accounts-payable contact."""
    account_id = f"001{key:0>12}AAA"
    return Party(
        key=key,
        ref=ref("account", account_id),
        legal_name=legal_name,
        website=f"https://{key.lower()}.example",
        parent_key=parent_key,
        buyer_type=BuyerType.BUSINESS,
        language=language,
        billing_address=address,
        tax_ids=tax_ids,
        po_required=po_required,
        contacts=(
            Contact(
                ref=ref("contact", f"003{key:0>12}AAA"),
                purpose=ContactPurpose.ACCOUNTS_PAYABLE,
                name="Accounts Payable",
                email=f"ap@{key.lower()}.example",
            ),
        ),
    )


def line(
    no: int,
    product: str,
    quantity: str,
    unit_price: str,
    currency: str,
    *,
    list_price: str | None = None,
    start: date | None = None,
    end: date | None = None,
    segment: int | None = None,
) -> DealLine:
    """One line; its key is derived from its number."""
    return DealLine(
        line_key=f"L{no}",
        ref=ref("line", f"00k{no:0>12}AAA"),
        product_code=product,
        quantity=Decimal(quantity),
        unit_price=UnitPrice.of(unit_price, currency),
        list_price=UnitPrice.of(list_price, currency) if list_price else None,
        start_date=start,
        end_date=end,
        segment_no=segment,
    )


def _deal(no: int, customer: Party, currency: str, **terms: object) -> Deal:
    deal_id = f"006{no:0>12}AAA"
    values: dict[str, object] = {
        "key": f"{ORG}:{deal_id}",
        "org": ORG,
        "deal_id": deal_id,
        "ref": ref("opportunity", deal_id),
        "is_won": True,
        "currency": currency,
        "price_book_currency": currency,
        "account": customer,
        "term_kind": TermKind.FIXED,
        "billing_frequency": BillingFrequency.YEARLY,
        "notice_days": 30,
    }
    return Deal.model_validate(values | terms)


HARBORLINE = party("K1", "Harborline Logistics LLC", AUSTIN)
NORDWERK_HOLDING = party(
    "K2P",
    "Nordwerk Holding AG",
    HAMBURG,
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999915"),),
    language="de",
)
NORDWERK = party(
    "K2",
    "Nordwerk Maschinenbau GmbH",
    HAMBURG,
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999907"),),
    parent_key="K2P",
    po_required=True,
    language="de",
)
PENNINE = party(
    "K3",
    "Pennine Health Analytics Ltd",
    LEEDS,
    tax_ids=(TaxId(scheme="gb_vat", number="GB199999940"),),
)
COBALT = party("K4", "Cobalt Retail Group Inc.", NEW_YORK)
LIFFEY = party(
    "K5", "Liffey Analytics Ltd", DUBLIN, tax_ids=(TaxId(scheme="eu_vat", number="IE6433435F"),)
)


def d1() -> Deal:
    """Annual seats and onboarding, Texas: first bill and booking 15,891.00 USD."""
    return _deal(
        1,
        HARBORLINE,
        "USD",
        closed_on=date(2025, 12, 18),
        start_date=date(2026, 1, 1),
        end_date=date(2027, 1, 1),
        term_months=12,
        collection_method=CollectionMethod.CARD,
        lines=(
            line(1, "SEAT-STD", "50", "270.00", "USD", list_price="300.00"),
            line(2, "ONB", "1", "1500.00", "USD", list_price="3000.00"),
        ),
    )


D1_TODAY = date(2025, 12, 18)


def good_deal() -> Deal:
    """A deal that passes every rule on `D1_TODAY`."""
    return d1()


def d2() -> Deal:
    """Mid-month start, 30 days, Hamburg: booking 21,134.40 EUR."""
    return _deal(
        2,
        NORDWERK,
        "EUR",
        closed_on=date(2026, 3, 2),
        start_date=date(2026, 3, 15),
        end_date=date(2027, 3, 15),
        term_months=12,
        payment_terms="NET30",
        collection_method=CollectionMethod.BANK_TRANSFER,
        po_number="4500098765",
        parents=(NORDWERK_HOLDING,),
        lines=(line(1, "SEAT-PRO", "40", "444.00", "EUR", list_price="444.00"),),
    )


D2_TODAY = date(2026, 3, 2)


def d3() -> Deal:
    """Evergreen platform and usage, Leeds: booking 480.00 GBP."""
    return _deal(
        3,
        PENNINE,
        "GBP",
        closed_on=date(2026, 3, 25),
        start_date=date(2026, 4, 1),
        term_kind=TermKind.EVERGREEN,
        billing_frequency=BillingFrequency.MONTHLY,
        collection_method=CollectionMethod.CARD,
        lines=(
            line(1, "PLAT-M", "1", "400.00", "GBP", list_price="400.00"),
            line(2, "API-USE", "1", "0.0040", "GBP", list_price="0.0040"),
        ),
    )


D3_TODAY = date(2026, 3, 25)


def d4() -> Deal:
    """Three-year quantity ramp, New York: first bill 47,034.00, booking 211,653.00 USD."""
    days = [date(2026 + year, 2, 1) for year in range(4)]
    return _deal(
        4,
        COBALT,
        "USD",
        closed_on=date(2026, 1, 20),
        start_date=days[0],
        end_date=days[3],
        term_months=36,
        payment_terms="NET30",
        collection_method=CollectionMethod.BANK_TRANSFER,
        lines=tuple(
            line(
                no,
                "SEAT-PRO",
                quantity,
                "432.00",
                "USD",
                list_price="480.00",
                start=days[no - 1],
                end=days[no],
                segment=no,
            )
            for no, quantity in enumerate(("100", "150", "200"), start=1)
        ),
    )


D4_TODAY = date(2026, 1, 20)


def d5() -> Deal:
    """Bundle prepaid for 24 months, Dublin: booking 12,000.00 EUR without VAT."""
    return _deal(
        5,
        LIFFEY,
        "EUR",
        closed_on=date(2026, 5, 20),
        start_date=date(2026, 6, 1),
        end_date=date(2028, 6, 1),
        term_months=24,
        billing_frequency=BillingFrequency.TERM,
        payment_terms="NET30",
        collection_method=CollectionMethod.BANK_TRANSFER,
        lines=(line(1, "BNDL-24", "1", "12000.00", "EUR", list_price="12000.00"),),
    )


D5_TODAY = date(2026, 5, 20)
