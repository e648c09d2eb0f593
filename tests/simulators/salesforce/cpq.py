"""Sells subscriptions in a simulated org with CPQ; its clock stands still."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.simulators.salesforce.sales import Shop, open_shop, patch

TODAY = "2026-01-01"
DELAY_SECONDS = 60
ROUTER = "/services/apexrest/SBQQ/ServiceRouter"
AMENDER = "SBQQ.ContractManipulationAPI.ContractAmender"
SUBSCRIPTION_FIELDS = (
    "Id, SBQQ__Quantity__c, SBQQ__StartDate__c, SBQQ__EndDate__c, SBQQ__RevisedSubscription__c,"
    " SBQQ__Product__c, SBQQ__NetPrice__c, SBQQ__TerminatedDate__c, SBQQ__SegmentIndex__c,"
    " SBQQ__Contract__c, SBQQ__OrderProduct__c, SBQQ__RequiredById__c, SBQQ__RootId__c"
)


@dataclass(frozen=True)
class CpqShop:
    """A shop whose first product is a twelve-month subscription at 120."""

    org: Any
    shop: Shop
    until: Callable[[Callable[[], bool]], None]
    seat: str

    def quote(self, *, deal: str | None = None, **fields: Any) -> str:
        """A quote of a deal in the standard price book."""
        deal = deal or self.shop.deal(Pricebook2Id=self.shop.book)
        given = {
            "SBQQ__Opportunity2__c": deal,
            "SBQQ__StartDate__c": TODAY,
            "SBQQ__SubscriptionTerm__c": 12,
        }
        return str(self.org.create("SBQQ__Quote__c", **{**given, **fields}))

    def line(self, quote: str, **fields: Any) -> str:
        """One line, of the seat unless told."""
        given = {"SBQQ__Quote__c": quote, "SBQQ__Product__c": self.seat, "SBQQ__Quantity__c": 10}
        return str(self.org.create("SBQQ__QuoteLine__c", **{**given, **fields}))

    def product(self, price: int | float, **fields: Any) -> str:
        """Another product in the standard price book."""
        return self.shop.sell(price, **fields)[0]

    def subscription_product(self, price: int | float, **fields: Any) -> str:
        """Another twelve-month subscription."""
        given = {"SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__SubscriptionTerm__c": 12}
        return self.product(price, **{"Name": "Extra", **given, **fields})

    def pass_delay(self) -> None:
        """Let the business time pass that background work takes."""
        self.advance(timedelta(seconds=DELAY_SECONDS))

    def advance(self, span: timedelta) -> None:
        """Move the clock and sign in anew, since sessions end by it."""
        answer = self.org.outside.post(
            "/_sim/clock", json={"advance_seconds": span.total_seconds()}
        )
        assert answer.status_code == 200, answer.text
        self.org.token = self.org.fetch_token()
        self.org.http.headers["authorization"] = f"Bearer {self.org.token}"

    def sold(self, quote: str) -> str:
        """Order the quote, activate, contract; the order's id."""
        patch(self.org, "SBQQ__Quote__c", quote, SBQQ__Primary__c=True, SBQQ__Status__c="Accepted")
        patch(self.org, "SBQQ__Quote__c", quote, SBQQ__Ordered__c=True)
        self.pass_delay()
        order = self.order_of(quote)
        patch(self.org, "Order", order, Status="Activated")
        patch(self.org, "Order", order, SBQQ__Contracted__c=True)
        self.pass_delay()
        return order

    def order_of(self, quote: str) -> str:
        """The one order of a quote."""
        soql = f"SELECT Id FROM Order WHERE SBQQ__Quote__c = '{quote}'"  # noqa: S608
        self.until(lambda: bool(self.org.query(soql)))
        (row,) = self.org.query(soql)
        return str(row["Id"])

    def contract(self, **line: Any) -> str:
        """An active contract over ten seats for a year."""
        quote = self.quote()
        self.line(quote, **line)
        return self.activate(self.sold(quote))

    def activate(self, order: str) -> str:
        """Activate the one contract that was made of an order."""
        soql = f"SELECT Id FROM Contract WHERE SBQQ__Order__c = '{order}'"  # noqa: S608
        self.until(lambda: bool(self.org.query(soql)))
        (row,) = self.org.query(soql)
        patch(self.org, "Contract", row["Id"], Status="Activated")
        return str(row["Id"])

    def subscriptions(self, contract: str) -> list[dict[str, Any]]:
        """The subscriptions of a contract, oldest first."""
        return self.org.query(  # type: ignore[no-any-return]
            f"SELECT {SUBSCRIPTION_FIELDS} FROM SBQQ__Subscription__c"  # noqa: S608
            f" WHERE SBQQ__Contract__c = '{contract}' ORDER BY Id"
        )

    def amend(self, contract: str) -> dict[str, Any]:
        """The amendment's quote model, from the service router."""
        answer = self.org.outside.patch(
            ROUTER,
            params={"loader": AMENDER, "uid": contract},
            headers={
                "authorization": f"Bearer {self.org.token}",
                "content-type": "application/json",
            },
        )
        assert answer.status_code == 200, answer.text
        model: dict[str, Any] = json.loads(answer.json())
        return model

    def amended(self, contract: str, quantity: float, *, on: str | None = None) -> str:
        """Amend the contract's first line to a quantity; the order's id."""
        if on is not None:
            patch(self.org, "Contract", contract, SBQQ__AmendmentStartDate__c=on)
        model = self.amend(contract)
        line = model["lineItems"][0]["record"]["Id"]
        patch(self.org, "SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=quantity)
        return self.sold(model["record"]["Id"])


def open_cpq_shop(serve_org: Any, until: Any, **config: Any) -> CpqShop:
    """An org with CPQ whose clock is frozen at TODAY."""
    org = serve_org(cpq=True, cpq_delay=timedelta(seconds=DELAY_SECONDS), **config)
    answer = org.outside.post("/_sim/clock", json={"freeze": f"{TODAY}T08:00:00Z"})
    assert answer.status_code == 200, answer.text
    org.token = org.fetch_token()
    org.http.headers["authorization"] = f"Bearer {org.token}"
    shop = open_shop(org)
    seat, _ = shop.sell(
        120,
        Name="Yearly seat",
        SBQQ__SubscriptionPricing__c="Fixed Price",
        SBQQ__SubscriptionTerm__c=12,
        SBQQ__BillingFrequency__c="Monthly",
        SBQQ__BillingType__c="Advance",
        SBQQ__ChargeType__c="Recurring",
    )
    return CpqShop(org, shop, until, seat)


def item_of(cpq: CpqShop, order: str) -> dict[str, Any]:
    """The one product of an order."""
    (item,) = cpq.org.query(
        "SELECT Quantity, UnitPrice, SBQQ__ContractAction__c, SBQQ__RevisedOrderProduct__c,"  # noqa: S608
        f" SBQQ__UpgradedSubscription__c FROM OrderItem WHERE OrderId = '{order}'"
    )
    return dict(item)


def fold(rows: list[dict[str, Any]], day: str) -> dict[str, Decimal]:
    """Quantity of each product on a day: the sum of the rows that hold then."""
    total: dict[str, Decimal] = {}
    for row in rows:
        start, end = row["SBQQ__StartDate__c"], row["SBQQ__EndDate__c"]
        if start <= day and (end is None or day <= end):
            product = row["SBQQ__Product__c"]
            total[product] = total.get(product, Decimal(0)) + Decimal(str(row["SBQQ__Quantity__c"]))
    return {product: quantity for product, quantity in total.items() if quantity}


def months_later(day: str, months: int) -> str:
    """The first of a later month; `day` is a first."""
    index = date.fromisoformat(day).month - 1 + months
    return date(date.fromisoformat(day).year + index // 12, index % 12 + 1, 1).isoformat()


def day_before(day: str) -> str:
    """The day before."""
    return (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
