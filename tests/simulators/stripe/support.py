"""What the tests of the Stripe simulator share: accounts, the official client, the demo's deals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import stripe
from starlette.applications import Starlette

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from dealthread.simulators.stripe.world import World

US_KEY, DE_KEY, UK_KEY = "sk_test_alder_us_0001", "sk_test_alder_de_0001", "sk_test_alder_uk_0001"
ACCOUNTS = (
    AccountConfig(id="acct_alder_us", secret_key=US_KEY, number_format="US-{:06d}"),
    AccountConfig(
        id="acct_alder_de", secret_key=DE_KEY, number_format="DE-{year}-{:05d}", country="DE"
    ),
    AccountConfig(id="acct_alder_uk", secret_key=UK_KEY, number_format="UK-{:06d}", country="GB"),
)


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """An instant in UTC."""
    return datetime(year, month, day, hour, tzinfo=UTC)


def unix(moment: datetime) -> int:
    """Unix seconds, as Stripe writes time."""
    return int(moment.timestamp())


@dataclass
class Sim:
    """A running simulator and the ways to reach it."""

    url: str
    app: Starlette
    clock: SimClock
    http: httpx.AsyncClient

    @property
    def world(self) -> World:
        """The simulated world, in this process."""
        world: World = self.app.state.world
        return world

    async def fault(self, **spec: Any) -> str:
        """Arm a fault."""
        answer = await self.http.post(f"{self.url}/_sim/faults", json=spec)
        assert answer.status_code == 201, answer.text
        fault_id: str = answer.json()["id"]
        return fault_id

    async def until_asked(self, path: str) -> None:
        """Return as soon as the simulator has seen a request to this path."""
        for _ in range(1000):
            if await self.ledger("requests", path=path):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"nobody asked for {path}")

    async def ledger(self, kind: str, **filters: str) -> list[dict[str, Any]]:
        """Entries of the simulator's ledger."""
        answer = await self.http.get(f"{self.url}/_sim/ledger", params={"kind": kind, **filters})
        entries: list[dict[str, Any]] = answer.json()["entries"]
        return entries

    @asynccontextmanager
    async def client(
        self, key: str = US_KEY, *, seconds: float = 10.0
    ) -> AsyncIterator[stripe.StripeClient]:
        """The official asynchronous client, unmodified."""
        transport = stripe.HTTPXClient(timeout=seconds)
        try:
            yield stripe.StripeClient(
                key,
                base_addresses={"api": self.url},
                http_client=transport,
                max_network_retries=0,
            )
        finally:
            await transport.close_async()


@asynccontextmanager
async def running(
    serve: Callable[[Any], str], *, now: datetime, **settings: Any
) -> AsyncIterator[Sim]:
    """A simulator frozen at an instant."""
    clock = SimClock(frozen_at=now)
    config = SimulatorConfig(**{"accounts": ACCOUNTS, "tick_seconds": 0.02, **settings})
    app = create_app(config, clock)
    url = serve(app)
    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as http:
        yield Sim(url, app, clock, http)


def keyed(name: str) -> Any:
    """Request options with an idempotency key."""
    return {"idempotency_key": name}


def yearly(product: str, currency: str, amount: int) -> Any:
    """Inline price data, once a year."""
    return {
        "currency": currency,
        "product": product,
        "unit_amount": amount,
        "recurring": {"interval": "year"},
    }


def monthly(product: str, currency: str, amount: int) -> Any:
    """Inline price data, once a month."""
    return {
        "currency": currency,
        "product": product,
        "unit_amount": amount,
        "recurring": {"interval": "month"},
    }


def once(product: str, currency: str, amount: int) -> Any:
    """Inline price data of a one-time item."""
    return {"currency": currency, "product": product, "unit_amount": amount}


async def tax_rate(client: stripe.StripeClient, percentage: float, code: str) -> str:
    """A tax rate, exclusive, with our code as metadata."""
    rate = await client.v1.tax_rates.create_async(
        {
            "display_name": code,
            "percentage": percentage,
            "inclusive": False,
            "metadata": {"code": code},
        }
    )
    return rate.id


async def clock_customer(
    client: stripe.StripeClient, clock_id: str, method: str = "pm_card_visa"
) -> str:
    """A customer on a test clock, with a card as default."""
    customer = await client.v1.customers.create_async(
        {
            "name": "Harborline Logistics LLC",
            "test_clock": clock_id,
            "payment_method": method,
            "invoice_settings": {"default_payment_method": method},
        }
    )
    return customer.id


async def to_ready(
    client: stripe.StripeClient, clock_id: str, frozen_time: int | None = None
) -> Any:
    """Advance a test clock, where a time is given, and wait until it has arrived."""
    clocks = client.v1.test_helpers.test_clocks
    if frozen_time is not None:
        await clocks.advance_async(clock_id, {"frozen_time": frozen_time})
    for _ in range(1000):
        clock = await clocks.retrieve_async(clock_id)
        if clock.status == "ready":
            return clock
        await asyncio.sleep(0.01)
    raise AssertionError("the clock did not arrive")


async def product(client: stripe.StripeClient, product_id: str, name: str) -> str:
    """A product with an id of ours."""
    made = await client.v1.products.create_async({"id": product_id, "name": name})
    return made.id


async def card_customer(client: stripe.StripeClient, method: str = "pm_card_visa") -> str:
    """A customer with a card as default."""
    customer = await client.v1.customers.create_async(
        {
            "name": "Harborline Logistics LLC",
            "email": "ap@harborline.example",
            "address": {"line1": "1 Quay St", "city": "Austin", "state": "TX", "country": "US"},
            "metadata": {"account_key": "K1"},
        }
    )
    attached = await client.v1.payment_methods.attach_async(method, {"customer": customer.id})
    await client.v1.customers.update_async(
        customer.id, {"invoice_settings": {"default_payment_method": attached.id}}
    )
    return customer.id


async def d1_items(client: stripe.StripeClient) -> dict[str, Any]:
    """Deal D1: 50 seats at 270.00, Texas 6.6 %; onboarding 1,500.00 once, not taxable."""
    seats = await product(client, "seat_std", "Team seat")
    onboarding = await product(client, "onb", "Guided onboarding")
    texas = await tax_rate(client, 6.6, "US-TX-SAAS")
    untaxed = await tax_rate(client, 0, "US-TX-SVC0")
    return {
        "items": [
            {
                "price_data": yearly(seats, "usd", 27000),
                "quantity": 50,
                "tax_rates": [texas],
                "metadata": {"line": "1"},
            }
        ],
        "add_invoice_items": [
            {"price_data": once(onboarding, "usd", 150000), "tax_rates": [untaxed]}
        ],
    }


async def d2_items(client: stripe.StripeClient) -> dict[str, Any]:
    """Deal D2: 40 seats at 444.00, Germany 19 %."""
    seats = await product(client, "seat_pro", "Business seat")
    vat = await tax_rate(client, 19, "DE-19")
    return {
        "items": [{"price_data": yearly(seats, "eur", 44400), "quantity": 40, "tax_rates": [vat]}]
    }


async def d2_subscription(client: stripe.StripeClient) -> stripe.Subscription:
    """Deal D2 of a new customer, paid by transfer in 30 days: its first invoice is a draft."""
    customer = await client.v1.customers.create_async({"name": "Nordwerk Maschinenbau GmbH"})
    return await client.v1.subscriptions.create_async(
        {
            **await d2_items(client),
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )


async def d4_phases(client: stripe.StripeClient) -> list[Any]:
    """Deal D4: 100, 150 and 200 seats at 432.00, New York 8.875 %, one year each."""
    seats = await product(client, "seat_pro", "Business seat")
    new_york = await tax_rate(client, 8.875, "US-NY-SAAS")
    return [
        {
            "items": [
                {
                    "price_data": yearly(seats, "usd", 43200),
                    "quantity": quantity,
                    "tax_rates": [new_york],
                }
            ],
            "duration": {"interval": "year"},
            "proration_behavior": "none",
            "collection_method": "send_invoice",
            "invoice_settings": {"days_until_due": 30},
            "metadata": {"contract": "D4"},
        }
        for quantity in (100, 150, 200)
    ]
