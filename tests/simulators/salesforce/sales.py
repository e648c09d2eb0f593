"""Sells something in a simulated org: catalogue, price books, deals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """(status, errorCode)."""
    return answer.status_code, answer.json()[0]["errorCode"]


def patch(org: Any, sobject: str, record_id: str, **fields: Any) -> None:
    """Change a row that takes the change."""
    answer = org.http.patch(f"/sobjects/{sobject}/{record_id}", json=fields)
    assert answer.status_code == 204, answer.text


def refusal(org: Any, sobject: str, record_id: str, **fields: Any) -> str:
    """The errorCode of a change that is refused."""
    answer = org.http.patch(f"/sobjects/{sobject}/{record_id}", json=fields)
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


def refused_insert(org: Any, sobject: str, **fields: Any) -> str:
    """The errorCode of a row that is refused."""
    answer = org.http.post(f"/sobjects/{sobject}", json=fields)
    assert answer.status_code in (400, 501), answer.text
    return str(answer.json()[0]["errorCode"])


@dataclass(frozen=True)
class Shop:
    """An account, the standard price book and one product in it."""

    org: Any
    account: str
    book: str
    product: str
    entry: str

    def sell(self, price: int | float = 100, **product: Any) -> tuple[str, str]:
        """Another product at a standard price: (product id, entry id)."""
        return _priced(self.org, self.book, price, **product)

    def deal(self, **fields: Any) -> str:
        """An open opportunity of the account."""
        return str(self.org.opportunity(self.account, **fields))

    def order(self, **fields: Any) -> str:
        """A draft order in the standard price book."""
        given = {"EffectiveDate": "2026-01-01", "Status": "Draft", "Pricebook2Id": self.book}
        return str(self.org.create("Order", AccountId=self.account, **{**given, **fields}))

    def item(self, order: str, **fields: Any) -> str:
        """One order product."""
        given = {"PricebookEntryId": self.entry, "Quantity": 1, "UnitPrice": 100}
        return str(self.org.create("OrderItem", OrderId=order, **{**given, **fields}))


def open_shop(org: Any, **product: Any) -> Shop:
    """A shop with one product at 100."""
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = TRUE")
    product_id, entry = _priced(org, book["Id"], 100, **product)
    return Shop(org, org.create("Account", Name="Buyer"), book["Id"], product_id, entry)


def _priced(org: Any, book: str, price: int | float, **product: Any) -> tuple[str, str]:
    product_id = org.create("Product2", **{"Name": "Seat", "IsActive": True, **product})
    entry = org.create(
        "PricebookEntry",
        Pricebook2Id=book,
        Product2Id=product_id,
        UnitPrice=price,
        IsActive=True,
    )
    return product_id, entry
