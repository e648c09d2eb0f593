"""The worked customers K1–K5 and deals D1–D5 of the demonstration, and some that must stop.

Names are invented; tax identifiers are published samples or numbers with a right checksum.
`dealthread demo` compares what was billed and booked with the published figures of D1, D2 and D4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.span import add_months
from dealthread.sandbox.price_book import PriceBook, ensure_price_book
from dealthread.sandbox.records import Customer, Place, Sale, SoldLine
from dealthread.sandbox.salesforce import SalesforceOrg

PRICE_BOOK = "Alder Cloud"
UNMAPPED = "SEAT-EDU"
NOT_SALABLE = "SEAT-BLK"
# In the CRM's price book and mapped nowhere: the deal that stops at the product mapping.
_UNMAPPED_PRICES = {"USD": "180.00", "EUR": "166.00", "GBP": "144.00"}
_DATA_PRODUCTS = "device"

AUSTIN = Place("100 Congress Ave", "Austin", "78701", "US", "TX")
NEW_YORK = Place("350 5th Ave", "New York", "10118", "US", "NY")
HAMBURG = Place("Am Sandtorkai 1", "Hamburg", "20457", "DE")
LEEDS = Place("1 Wellington Pl", "Leeds", "LS1 4AP", "GB")
DUBLIN = Place("1 Grand Canal Sq", "Dublin", "D02 P820", "IE")

K1 = Customer("K1", "Harborline Logistics LLC", AUSTIN, "harborline.example", "USD")
NORDWERK_HOLDING = Customer(
    "K2P",
    "Nordwerk Holding AG",
    HAMBURG,
    "nordwerk-holding.example",
    "EUR",
    tax_id="DE199999915",
    tax_scheme="eu_vat",
    language="de",
)
K2 = Customer(
    "K2",
    "Nordwerk Maschinenbau GmbH",
    HAMBURG,
    "nordwerk.example",
    "EUR",
    tax_id="DE199999907",
    tax_scheme="eu_vat",
    parent=NORDWERK_HOLDING,
    po_required=True,
    language="de",
)
K3 = Customer(
    "K3",
    "Pennine Health Analytics Ltd",
    LEEDS,
    "pennine.example",
    "GBP",
    tax_id="GB199999940",
    tax_scheme="gb_vat",
)
K4 = Customer("K4", "Cobalt Retail Group Inc.", NEW_YORK, "cobalt-retail.example", "USD")
K5 = Customer(
    "K5",
    "Liffey Analytics Ltd",
    DUBLIN,
    "liffey.example",
    "EUR",
    tax_id="IE6433435F",
    tax_scheme="eu_vat",
)


@dataclass(frozen=True)
class Figures:
    """What the biller and the ERP must show, to the cent."""

    currency: str
    invoice_net: Decimal
    invoice_tax: Decimal
    booking_net: Decimal
    booking_tax: Decimal

    @property
    def invoice_total(self) -> Decimal:
        """First invoice."""
        return self.invoice_net + self.invoice_tax

    @property
    def booking_total(self) -> Decimal:
        """Order in the ERP."""
        return self.booking_net + self.booking_tax


FIGURES = {
    "D1": Figures("USD", *map(Decimal, ("15000.00", "891.00", "15000.00", "891.00"))),
    "D2": Figures("EUR", *map(Decimal, ("17760.00", "3374.40", "17760.00", "3374.40"))),
    "D4": Figures("USD", *map(Decimal, ("43200.00", "3834.00", "194400.00", "17253.00"))),
}
"""15,891.00 USD; 21,134.40 EUR; 47,034.00 USD on the first bill, 211,653.00 USD booked."""


def d1(customer: Customer = K1) -> Sale:
    """50 seats and onboarding, paid by card; backdated on the demonstration's date."""
    return Sale(
        code="D1",
        customer=customer,
        seller="US01",
        closed_on=date(2025, 12, 18),
        start=date(2026, 1, 1),
        last_day=date(2026, 12, 31),
        term_months=12,
        lines=(_line("SEAT-STD", 50, "270.00"), _line("ONB", 1, "1500.00")),
        payment_terms="DUE",
        collection="card",
    )


def d2(customer: Customer = K2) -> Sale:
    """40 business seats from the middle of a month; its first invoice is reviewed."""
    return Sale(
        code="D2",
        customer=customer,
        seller="DE01",
        closed_on=date(2026, 3, 2),
        start=date(2026, 3, 15),
        last_day=date(2027, 3, 14),
        term_months=12,
        lines=(_line("SEAT-PRO", 40, "444.00"),),
        po_number="4500098765",
    )


def d3(customer: Customer = K3) -> Sale:
    """Evergreen platform and usage, by card."""
    return Sale(
        code="D3",
        customer=customer,
        seller="UK01",
        closed_on=date(2026, 3, 25),
        start=date(2026, 4, 1),
        last_day=None,
        term_months=None,
        lines=(_line("PLAT-M", 1, "400.00"), _line("API-USE", 1, "0.0040")),
        frequency="monthly",
        payment_terms="DUE",
        collection="card",
    )


def d4(customer: Customer = K4) -> Sale:
    """A three-year ramp of 100, 150 and 200 seats, billed yearly."""
    starts = [date(2026 + year, 2, 1) for year in range(4)]
    return Sale(
        code="D4",
        customer=customer,
        seller="US01",
        closed_on=date(2026, 1, 20),
        start=starts[0],
        last_day=starts[3] - timedelta(days=1),
        term_months=36,
        lines=tuple(
            SoldLine(
                "SEAT-PRO",
                Decimal(seats),
                Decimal("432.00"),
                start=starts[year],
                last_day=starts[year + 1] - timedelta(days=1),
                segment=year + 1,
            )
            for year, seats in enumerate((100, 150, 200))
        ),
    )


def d5(customer: Customer = K5) -> Sale:
    """A bundle prepaid for 24 months in a foreign currency."""
    return Sale(
        code="D5",
        customer=customer,
        seller="UK01",
        closed_on=date(2026, 5, 20),
        start=date(2026, 6, 1),
        last_day=date(2028, 5, 31),
        term_months=24,
        lines=(_line("BNDL-24", 1, "12000.00"),),
        frequency="term",
    )


def seats(
    code: str, product: str, quantity: int, customer: Customer, start: date, *, card: bool = False
) -> Sale:
    """A year of seats of US01 in USD from `start`: the deals that are made to stop.

    By card the first invoice is finalised and paid at once; by bank transfer Stripe keeps it as
    a draft for about an hour.
    """
    prices = {UNMAPPED: _UNMAPPED_PRICES["USD"]}
    return Sale(
        code=code,
        customer=customer,
        seller="US01",
        closed_on=start,
        start=start,
        last_day=add_months(start, 12) - timedelta(days=1),
        term_months=12,
        lines=(_line(product, quantity, prices.get(product, "300.00")),),
        payment_terms="DUE" if card else "NET30",
        collection="card" if card else "bank_transfer",
    )


def worked_price_book(org: SalesforceOrg, config: ConfigSet) -> PriceBook:
    """Every product of the configuration with list prices, and the one that is mapped nowhere."""
    sold = [row for row in config.products if row.entitlement_template != _DATA_PRODUCTS]
    names = {row.code: row.name for row in sold} | {UNMAPPED: "Education seat"}
    prices = {(row.code, price.currency): price.amount for row in sold for price in row.list_prices}
    prices |= {(UNMAPPED, currency): Decimal(text) for currency, text in _UNMAPPED_PRICES.items()}
    return ensure_price_book(org, PRICE_BOOK, names, prices)


def _line(product: str, quantity: int, unit_price: str) -> SoldLine:
    return SoldLine(product, Decimal(quantity), Decimal(unit_price))
