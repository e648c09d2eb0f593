"""The worked deals D1, D2 and D4 as contracts, every number written out.

Amounts are the published ones of the demonstration: booking totals 15,891.00 USD, 21,134.40 EUR
and 211,653.00 USD. Nothing is computed here that a product rule would compute.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract, ContractLine, LineTax
from dealthread.domain.deal import BillingFrequency, BillingTiming, CollectionMethod, TermKind
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.party import Address, Party, TaxId

ORG = "00D000000000001EAA"


def crm_ref(kind: str, native_id: str) -> Ref:
    return Ref(system=System.CRM, account=ORG, kind=kind, native_id=native_id)


HARBORLINE = Party(
    key="A-HARBORLINE",
    ref=crm_ref("account", "001000000000001AAA"),
    legal_name="Harborline Logistics LLC",
    billing_address=Address(
        street="100 Congress Ave", city="Austin", region="TX", postal_code="78701", country="US"
    ),
)
NORDWERK_HOLDING = Party(
    key="A-NORDWERKHOLD",
    ref=crm_ref("account", "001000000000002AAA"),
    legal_name="Nordwerk Holding AG",
    billing_address=Address(
        street="Am Sandtorkai 1", city="Hamburg", postal_code="20457", country="DE"
    ),
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999915"),),
)
NORDWERK = Party(
    key="A-NORDWERK",
    ref=crm_ref("account", "001000000000003AAA"),
    legal_name="Nordwerk Maschinenbau GmbH",
    parent_key=NORDWERK_HOLDING.key,
    billing_address=Address(
        street="Am Sandtorkai 2", city="Hamburg", postal_code="20457", country="DE"
    ),
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999907"),),
)
COBALT = Party(
    key="A-COBALT",
    ref=crm_ref("account", "001000000000004AAA"),
    legal_name="Cobalt Retail Group Inc.",
    billing_address=Address(
        street="350 5th Ave", city="New York", region="NY", postal_code="10118", country="US"
    ),
)


def line(
    key: str,
    product: str,
    name: str,
    quantity: str,
    unit_price: str,
    net: str,
    tax_code: str,
    rate: str,
    tax: str,
    currency: str,
    start: date,
    end: date | None,
    *,
    kind: str = "recurring",
    segment: int | None = None,
    statutory: str = "",
    share: str = "100",
) -> ContractLine:
    """One line whose net is that of its whole committed term. `tax` is the estimate on it."""
    is_service = kind == "one_time"
    base = Money.rounded(Decimal(net) * Decimal(share) / 100, currency)
    return ContractLine(
        line_key=key,
        crm_ref=crm_ref("opportunity_line", f"00k{key}"),
        product_code=product,
        product_name=name,
        kind=kind,
        quantity=Decimal(quantity),
        unit="seat",
        unit_price=UnitPrice.of(unit_price, currency),
        period_months=0 if is_service else 12,
        start_date=start,
        end_date=end,
        segment_no=segment,
        net_per_period=Money.of(net, currency),
        committed_net=Money.of(net, currency),
        tax=LineTax(
            code=tax_code,
            jurisdiction="",
            applied_rate=Decimal(rate),
            statutory_rate=Decimal(statutory or rate),
            taxable_share=Decimal(share),
            base=base,
            amount=Money.of(tax, currency),
        ),
        billing_product=product.lower(),
        erp_item=product,
        revenue_rule="on_acceptance" if is_service else "by_day",
        revenue_account="4200" if is_service else "4000",
        entitlement_template="" if is_service else "seats",
        access_from=start,
    )


def contract(
    key: str,
    seller: str,
    company: str,
    customer: Party,
    currency: str,
    start: date,
    end: date,
    lines: tuple[ContractLine, ...],
    *,
    months: int,
    terms: str,
    days: int,
    collection: CollectionMethod,
    po_number: str = "",
) -> Contract:
    """A fixed-term contract, billed yearly in advance."""
    return Contract(
        key=key,
        number=key,
        org=ORG,
        deal_id=f"006{key}",
        seller=seller,
        seller_region=seller[:2],
        billing_account=f"acct_{seller.lower()}",
        erp="tryton",
        erp_company=company,
        customer_key=customer.key,
        customer_ref=customer.ref,
        currency=currency,
        start_date=start,
        end_date=end,
        term_kind=TermKind.FIXED,
        committed_until=end,
        term_months=months,
        notice_days=None,
        auto_renew=False,
        payment_terms=terms,
        days_until_due=days,
        collection_method=collection,
        billing_frequency=BillingFrequency.YEARLY,
        billing_timing=BillingTiming.ADVANCE,
        po_number=po_number,
        booking_policy="memo_order",
        release_policy="automatic",
        lines=lines,
        content_hash=key,
        config_version="test",
    )


def d1() -> Contract:
    """D1: 50 seats and onboarding, Texas. Net 15,000.00, tax 891.00, total 15,891.00 USD."""
    start, end = date(2026, 1, 1), date(2027, 1, 1)
    return contract(
        "C-D1",
        "US01",
        "1",
        HARBORLINE,
        "USD",
        start,
        end,
        (
            line(
                "L-D1-SEATS", "SEAT-STD", "Team seat", "50", "270.00", "13500.00",
                "US-TX-SAAS", "6.6", "891.00", "USD", start, end, statutory="8.25", share="80",
            ),
            line(
                "L-D1-ONB", "ONB", "Guided onboarding", "1", "1500.00", "1500.00",
                "US-TX-SVC0", "0", "0.00", "USD", start, None, kind="one_time",
            ),
        ),
        months=12,
        terms="DUE",
        days=0,
        collection=CollectionMethod.CARD,
    )  # fmt: skip


def d2() -> Contract:
    """D2: 40 business seats, Germany. Net 17,760.00, VAT 3,374.40, total 21,134.40 EUR."""
    start, end = date(2026, 3, 15), date(2027, 3, 15)
    return contract(
        "C-D2",
        "DE01",
        "2",
        NORDWERK,
        "EUR",
        start,
        end,
        (
            line(
                "L-D2-SEATS", "SEAT-PRO", "Business seat", "40", "444.00", "17760.00",
                "DE-19", "19", "3374.40", "EUR", start, end,
            ),
        ),
        months=12,
        terms="NET30",
        days=30,
        collection=CollectionMethod.BANK_TRANSFER,
        po_number="4500098765",
    )  # fmt: skip


def d4() -> Contract:
    """D4: ramp of 100, 150, 200 seats over three years, New York. Total 211,653.00 USD."""
    days = (date(2026, 2, 1), date(2027, 2, 1), date(2028, 2, 1), date(2029, 2, 1))
    years = (
        ("100", "43200.00", "3834.00"),
        ("150", "64800.00", "5751.00"),
        ("200", "86400.00", "7668.00"),
    )
    lines = tuple(
        line(
            f"L-D4-{number}", "SEAT-PRO", "Business seat", quantity, "432.00", net,
            "US-NY-SAAS", "8.875", tax, "USD", start, end, segment=number,
        )
        for number, ((quantity, net, tax), start, end) in enumerate(
            zip(years, days[:-1], days[1:], strict=True), start=1
        )
    )  # fmt: skip
    return contract(
        "C-D4",
        "US01",
        "1",
        COBALT,
        "USD",
        days[0],
        days[-1],
        lines,
        months=36,
        terms="NET30",
        days=30,
        collection=CollectionMethod.BANK_TRANSFER,
    )
