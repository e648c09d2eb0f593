"""Products and price books in Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.salesforce import SalesforceOrg, quoted

PriceList = Mapping[tuple[str, str], Decimal]
"""(product code, currency) → list price."""


@dataclass
class PriceBook:
    """A price book with the entries that a deal's lines point to."""

    id: str
    entries: dict[tuple[str, str], str] = field(default_factory=dict)

    def entry(self, product: str, currency: str) -> str:
        """Id of an entry. Raises SandboxError for a price that is not in the book."""
        try:
            return self.entries[product, currency]
        except KeyError:
            raise SandboxError(f"{product} has no price in {currency}") from None


def ensure_price_book(
    org: SalesforceOrg, name: str, names: Mapping[str, str], prices: PriceList
) -> PriceBook:
    """Products (code → name) and a book with these prices; what is there already is kept."""
    products = _products(org, names)
    standard = _one(org, "SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    if standard is None:
        raise SandboxError("the org has no standard price book")
    known = _one(org, f"SELECT Id FROM Pricebook2 WHERE Name = {quoted(name)}")  # noqa: S608
    book = known or org.create("Pricebook2", {"Name": name, "IsActive": True})
    # Salesforce wants a standard price before it takes any other.
    for book_id in (standard, book):
        _entries(org, book_id, products, prices)
    by_id = {product_id: code for code, product_id in products.items()}
    return PriceBook(
        book,
        {
            (by_id[product], currency): entry
            for (product, currency), entry in _present(org, book).items()
            if product in by_id
        },
    )


def _products(org: SalesforceOrg, names: Mapping[str, str]) -> dict[str, str]:
    """Code → id; found by our key, so that loading twice makes nothing twice."""
    codes = list(names)
    ids = org.upsert_all(
        "Product2",
        "Dealthread_Product_Key__c",
        [
            {
                "Dealthread_Product_Key__c": code,
                "Name": names[code],
                "ProductCode": code,
                "IsActive": True,
            }
            for code in codes
        ],
    )
    return dict(zip(codes, ids, strict=True))


def _entries(
    org: SalesforceOrg, book_id: str, products: Mapping[str, str], prices: PriceList
) -> None:
    present = _present(org, book_id)
    org.create_all(
        "PricebookEntry",
        [
            {
                "Pricebook2Id": book_id,
                "Product2Id": products[code],
                "UnitPrice": price,
                "CurrencyIsoCode": currency,
                "IsActive": True,
            }
            for (code, currency), price in prices.items()
            if (products[code], currency) not in present
        ],
    )


def _present(org: SalesforceOrg, book_id: str) -> dict[tuple[str, str], str]:
    rows = org.query(
        "SELECT Id, Product2Id, CurrencyIsoCode FROM PricebookEntry "  # noqa: S608
        f"WHERE Pricebook2Id = {quoted(book_id)}"
    )
    return {(str(row["Product2Id"]), str(row["CurrencyIsoCode"])): str(row["Id"]) for row in rows}


def _one(org: SalesforceOrg, soql: str) -> str | None:
    rows = org.query(soql)
    return str(rows[0]["Id"]) if rows else None
