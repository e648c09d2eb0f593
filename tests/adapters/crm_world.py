"""Puts deals into an org through its REST API, as an administrator would; not with our adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

VERSION = "66.0"


@dataclass
class CrmWorld:
    """One org: its address, a token, and what was made in it."""

    url: str
    http: httpx.Client
    standard_book: str = ""
    products: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sign_in(cls, url: str, client_id: str, client_secret: str) -> CrmWorld:
        """Client-credentials grant, then the standard price book."""
        token = httpx.post(
            f"{url}/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": client_secret,
            },
        ).json()["access_token"]
        http = httpx.Client(
            base_url=f"{url}/services/data/v{VERSION}",
            headers={"authorization": f"Bearer {token}"},
        )
        world = cls(url, http)
        books = world.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
        world.standard_book = books[0]["Id"]
        return world

    def create(self, sobject: str, **fields: Any) -> str:
        """A record; its id."""
        response = self.http.post(f"/sobjects/{sobject}", json=fields)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def change(self, sobject: str, native_id: str, **fields: Any) -> None:
        """Update a record."""
        response = self.http.patch(f"/sobjects/{sobject}/{native_id}", json=fields)
        assert response.status_code < 300, response.text

    def delete(self, sobject: str, native_id: str) -> None:
        """To the recycle bin."""
        assert self.http.delete(f"/sobjects/{sobject}/{native_id}").status_code == 204

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        response = self.http.get("/query", params={"q": soql})
        assert response.status_code == 200, response.text
        return list(response.json()["records"])

    def entry(self, code: str, price: str, currency: str) -> str:
        """A price book entry of a product, made when it is missing."""
        known = f"{code}/{currency}"
        if known not in self.products:
            if code not in self.products:
                self.products[code] = self.create(
                    "Product2", Name=code, ProductCode=code, IsActive=True
                )
            self.products[known] = self.create(
                "PricebookEntry",
                Pricebook2Id=self.standard_book,
                Product2Id=self.products[code],
                UnitPrice=float(price),
                CurrencyIsoCode=currency,
                IsActive=True,
            )
        return self.products[known]

    def account(self, name: str, **fields: Any) -> str:
        """An account in Texas unless told otherwise."""
        address = {
            "BillingStreet": "1 Main St",
            "BillingCity": "Austin",
            "BillingState": "TX",
            "BillingPostalCode": "78701",
            "BillingCountry": "US",
        }
        return self.create("Account", Name=name, **{**address, **fields})

    def deal(self, account_id: str | None, currency: str = "USD", **fields: Any) -> str:
        """A won opportunity of one year from 2026-01-01."""
        terms = {
            "StageName": "Closed Won",
            "CloseDate": "2025-12-18",
            "CurrencyIsoCode": currency,
            "Pricebook2Id": self.standard_book,
            "Dealthread_Term_Start__c": "2026-01-01",
            "Dealthread_Term_End__c": "2026-12-31",
            "Dealthread_Term_Kind__c": "fixed",
            "Dealthread_Term_Months__c": 12,
            "Dealthread_Billing_Frequency__c": "yearly",
        }
        if account_id is not None:
            terms["AccountId"] = account_id
        return self.create("Opportunity", Name="A deal", **{**terms, **fields})

    def line(self, deal_id: str, entry_id: str, quantity: str, price: str, **fields: Any) -> str:
        """A line of a deal."""
        return self.create(
            "OpportunityLineItem",
            OpportunityId=deal_id,
            PricebookEntryId=entry_id,
            Quantity=float(quantity),
            UnitPrice=float(price),
            **fields,
        )
