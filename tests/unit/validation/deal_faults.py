"""Deals, sellers, prices and previews that break a rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.deal import (
    BillingFrequency,
)
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from tests.support import deal_builder as build
from tests.unit.validation.spoilt import (
    TODAY,
    Spoilt,
    address,
    deal,
    facts,
    first_line,
    no_texas_registration,
    no_us_account,
    policy,
    preview_line,
)

DEAL_FAULTS = [
    Spoilt("V01", "is_won", "false", "deal-desk", deal(is_won=False)),
    Spoilt("V01", "is_deleted", "true", "deal-desk", deal(is_deleted=True)),
    Spoilt(
        "V02",
        "content_hash",
        build.good_deal().content_hash()[:12],
        "integration",
        answer=facts(accepted_hashes=(build.good_deal().content_hash(),)),
    ),
    Spoilt(
        "V03",
        "signed_document",
        "",
        "deal-desk",
        deal(signed_on=TODAY),
        policy(signature_required=True),
        severity="A",
    ),
    Spoilt("V04", "seller_hint", "XX99", "deal-desk", deal(seller_hint="XX99")),
    Spoilt(
        "V04",
        "seller_hint",
        "JP",
        "deal-desk",
        address(country="JP", region="", city="Tokyo", postal_code="100-0001"),
    ),
    Spoilt("V05", "account.ship_to", "US-TX", "tax", configure=no_texas_registration),
    Spoilt("V06", "seller_hint", "US01", "finance-systems", configure=no_us_account),
    Spoilt("V07", "price_book_currency", "EUR", "deal-desk", deal(price_book_currency="EUR")),
    Spoilt(
        "V07",
        "currency",
        "USD",
        "deal-desk",
        answer=facts(billing_customer_currency="cad"),
    ),
    Spoilt(
        "V08",
        "lines[0].price_entry_active",
        "SEAT-STD",
        "catalogue",
        first_line(price_entry_active=False),
    ),
    Spoilt(
        "V08",
        "lines[0].list_price",
        "USD",
        "catalogue",
        deal(
            end_date=date(2028, 1, 1),
            term_months=None,
            billing_frequency=BillingFrequency.TERM,
            waived_rules=("V18",),
            lines=(build.line(1, "BNDL-24", "1", "13000.00", "USD"),),
        ),
    ),
    Spoilt(
        "V09", "lines[0].product_code", "SEAT-EDU", "catalogue", first_line(product_code="SEAT-EDU")
    ),
    Spoilt("V09", "lines", "", "catalogue", deal(lines=())),
    Spoilt(
        "V11",
        "lines[L1].net",
        "13,500.01 USD",
        "deal-desk",
        answer=preview_line(net=Money.of("13500.01", "USD")),
    ),
    Spoilt(
        "V12",
        "lines.unit_price",
        "24.00 %",
        "deal-desk",
        deal(lines=(build.line(1, "SEAT-STD", "50", "228.00", "USD", list_price="300.00"),)),
        severity="A",
        without_preview=True,
    ),
    Spoilt("V13", "lines[0].quantity", "0", "deal-desk", first_line(quantity=Decimal(0))),
    Spoilt("V13", "lines[0].quantity", "1.5", "deal-desk", first_line(quantity=Decimal("1.5"))),
    Spoilt("V13", "lines[0].quantity", "100001", "deal-desk", first_line(quantity=Decimal(100001))),
    Spoilt(
        "V13",
        "lines[0].unit_price",
        "-1 USD",
        "deal-desk",
        first_line(unit_price=build.line(1, "X", "1", "-1", "USD").unit_price),
    ),
    Spoilt(
        "V07",
        "lines[0].unit_price",
        "EUR",
        "deal-desk",
        first_line(unit_price=build.line(1, "X", "1", "270", "EUR").unit_price),
    ),
    Spoilt(
        "V11",
        "lines[L1].net",
        "",
        "deal-desk",
        answer=lambda good: good.model_copy(
            update={
                "preview": good.preview
                and good.preview.model_copy(update={"lines": good.preview.lines[1:]})
            }
        ),
    ),
    Spoilt(
        "V11",
        "lines[X].net",
        "1.00 USD",
        "deal-desk",
        answer=lambda good: good.model_copy(
            update={
                "preview": good.preview
                and good.preview.model_copy(
                    update={
                        "lines": (
                            *good.preview.lines,
                            InvoiceLine(
                                line_key="X", net=Money.of(1, "USD"), tax=Money.zero("USD")
                            ),
                        )
                    }
                )
            }
        ),
    ),
    Spoilt(
        "V33",
        "lines[L1].tax",
        "891.01 USD",
        "tax",
        answer=preview_line(tax=Money.of("891.01", "USD")),
        severity="W",
    ),
    Spoilt(
        "V33",
        "lines[L1].tax_rate",
        "8.25",
        "tax",
        answer=preview_line(tax_rate="8.25"),
        severity="W",
    ),
    Spoilt(
        "P01",
        "lines",
        "15,000.00 USD",
        "deal-desk",
        configure=policy(approval_amount={"USD": Decimal("14999.99")}),
        severity="A",
    ),
]
