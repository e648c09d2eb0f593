"""What the tests of metered prices share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from tests.simulators.stripe.support import Sim, product


async def metered(client: stripe.StripeClient, name: str = "tokens", **terms: Any) -> str:
    """A monthly price of what a meter of this name sums."""
    meter = await client.v1.billing.meters.create_async(
        {
            "display_name": name,
            "event_name": name,
            "default_aggregation": {"formula": "sum"},
        }
    )
    given: Any = {
        "product": await product(client, f"p_{name}", name.title()),
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        **terms,
    }
    return (await client.v1.prices.create_async(given)).id


async def use(
    sim: Sim,
    client: stripe.StripeClient,
    customer: str,
    value: str,
    moment: int,
    name: str = "tokens",
) -> None:
    """Report usage of an instant; time goes there if it is not there yet."""
    when = datetime.fromtimestamp(moment, UTC)
    if sim.clock.now() < when:
        sim.clock.freeze(when)
    await client.v1.billing.meter_events.create_async(
        {
            "event_name": name,
            "timestamp": moment,
            "payload": {"stripe_customer_id": customer, "value": value},
        }
    )


async def invoices(client: stripe.StripeClient, customer: str) -> list[stripe.Invoice]:
    """Oldest first."""
    listed = await client.v1.invoices.list_async({"customer": customer, "limit": 100})
    return listed.data[::-1]


def lines(invoice: stripe.Invoice) -> list[tuple[int | None, int]]:
    """Quantity and amount of each line."""
    return [(line.quantity, line.amount) for line in invoice.lines.data]
