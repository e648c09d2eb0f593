"""A customer on a test clock with subscriptions that change: what several test files do with it."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import stripe

from tests.simulators.stripe.support import clock_customer, product, to_ready, unix


class Case:
    """A customer on a test clock, and prices by their amount."""

    def __init__(self, client: stripe.StripeClient, clock: str, customer: str, seat: str) -> None:
        self.client = client
        self.clock = clock
        self.customer = customer
        self.seat = seat

    async def price(self, amount: int, interval: str = "month", count: int = 1) -> str:
        made = await self.client.v1.prices.create_async(
            {
                "currency": "usd",
                "product": self.seat,
                "unit_amount": amount,
                "recurring": {"interval": interval, "interval_count": count},
            }
        )
        return made.id

    async def subscribe(self, *prices: str, **more: Any) -> Any:
        given: Any = {"customer": self.customer, "items": [{"price": one} for one in prices]}
        return await self.client.v1.subscriptions.create_async(
            {**given, "expand": ["latest_invoice"], **more}
        )

    async def update(self, subscription: Any, **params: Any) -> Any:
        given: Any = {"expand": ["latest_invoice"], **params}
        return await self.client.v1.subscriptions.update_async(subscription.id, given)

    async def preview(self, subscription: Any, **details: Any) -> Any:
        given: Any = {"subscription": subscription.id, "subscription_details": details}
        return await self.client.v1.invoices.create_preview_async(given)

    async def advance(self, moment: datetime) -> None:
        await to_ready(self.client, self.clock, unix(moment))

    async def pending(self) -> list[int]:
        page = await self.client.v1.invoice_items.list_async(
            {"customer": self.customer, "pending": True}
        )
        return [row.amount for row in page.data]

    async def held(self, subscription: Any) -> Any:
        return await self.client.v1.subscriptions.retrieve_async(subscription.id)

    async def invoices(self, subscription: Any) -> list[Any]:
        page = await self.client.v1.invoices.list_async({"subscription": subscription.id})
        return list(reversed(page.data))


async def new_case(
    client: stripe.StripeClient, start: datetime, method: str = "pm_card_visa"
) -> Case:
    """A customer with a card on a new clock that stands at an instant."""
    clock = await client.v1.test_helpers.test_clocks.create_async({"frozen_time": unix(start)})
    customer = await clock_customer(client, clock.id, method)
    return Case(client, clock.id, customer, await product(client, "seat", "Gold plan"))


def amounts(invoice: Any) -> list[int]:
    """The amounts of an invoice's lines."""
    return [line.amount for line in invoice.lines.data]


def to_the_second(amount: int, start: datetime, end: datetime, whole: tuple[Any, Any]) -> int:
    """An independent path: exact fractions of seconds, rounded half up."""
    share = Fraction(unix(end) - unix(start), unix(whole[1]) - unix(whole[0]))
    return int(amount * share + Fraction(1, 2))


async def seats(case: Case, quantity: int = 2, **more: Any) -> Any:
    """A monthly subscription of seats at 10.00 each."""
    given: Any = {
        "customer": case.customer,
        "items": [{"price": await case.price(1000), "quantity": quantity}],
        "expand": ["latest_invoice"],
        **more,
    }
    return await case.client.v1.subscriptions.create_async(given)
