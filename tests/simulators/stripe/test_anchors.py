"""Billing cycles by day of the month, for starts on the 29th to the 31st and in the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    at,
    card_customer,
    d1_items,
    product,
    running,
    unix,
)

Serve = Callable[[Any], str]
MIDNIGHT: Any = {"hour": 0, "minute": 0, "second": 0}


async def _wanted(client: stripe.StripeClient, interval: str, count: int, **more: Any) -> Any:
    seats = await product(client, "seat_pro", "Business seat")
    customer = await client.v1.customers.create_async({"name": "Nordwerk"})
    price = {
        "currency": "eur",
        "product": seats,
        "unit_amount": 1_000,
        "recurring": {"interval": interval, "interval_count": count},
    }
    return {
        "customer": customer.id,
        "items": [{"price_data": price}],
        "collection_method": "send_invoice",
        "days_until_due": 30,
        **more,
    }


@pytest.mark.parametrize(
    ("interval", "count", "start", "now", "config", "days"),
    [
        (
            "month", 1, at(2026, 1, 31), at(2026, 2, 10), None,
            ["01-31", "02-28", "03-31", "04-30", "05-31"],
        ),
        (
            "month", 1, at(2028, 1, 30), at(2028, 2, 10), None,
            ["01-30", "02-29", "03-30", "04-30"],
        ),
        (
            "month", 3, at(2026, 1, 31), at(2026, 2, 10), None,
            ["01-31", "04-30", "07-31", "10-31"],
        ),
        (
            "year", 1, at(2028, 2, 29), at(2028, 3, 5), None,
            ["02-29", "02-28", "02-28", "02-28", "02-29"],
        ),
        ("month", 1, at(2026, 4, 30), at(2026, 4, 30), {"day_of_month": 30}, ["04-30", "05-30"]),
        (
            "month", 1, at(2027, 1, 31), at(2027, 1, 31), {"day_of_month": 31},
            ["01-31", "02-28", "03-31", "04-30"],
        ),
        (
            "year", 1, at(2028, 2, 29), at(2028, 2, 29), {"day_of_month": 29, "month": 2},
            ["02-29", "02-28", "02-28", "02-28", "02-29"],
        ),
    ],
)  # fmt: skip
async def test_the_day_of_the_month_outlives_short_months(
    serve: Serve,
    interval: str,
    count: int,
    start: datetime,
    now: datetime,
    config: Any,
    days: list[str],
) -> None:
    """Each period begins on the day itself or on the last day of a shorter month.

    docs.stripe.com/billing/subscriptions/billing-cycle; a start in the past is an anchor by itself
    (docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
    async with running(serve, now=now) as sim, sim.client(DE_KEY) as client:
        wanted = await _wanted(client, interval, count)
        if config is None:
            wanted["backdate_start_date"] = unix(start)
        else:
            wanted["billing_cycle_anchor_config"] = {**config, **MIDNIGHT}
        made = await client.v1.subscriptions.create_async(wanted)
        first = made["items"].data[0]
        seen = [first.current_period_start]
        anchor = datetime.fromtimestamp(made.billing_cycle_anchor, now.tzinfo)
        shown = made.billing_cycle_anchor_config
        if config is None:
            assert (anchor, shown) == (start, None)
        else:
            assert anchor.day == config["day_of_month"]
            assert shown is not None
            assert (shown.day_of_month, shown.month) == (anchor.day, config.get("month"))
        while len(seen) < len(days):
            held = await client.v1.subscriptions.retrieve_async(made.id)
            following = held["items"].data[0].current_period_end
            seen.append(following)
            sim.clock.freeze(datetime.fromtimestamp(following, now.tzinfo))
        assert [f"{datetime.fromtimestamp(one, now.tzinfo):%m-%d}" for one in seen] == days
        bills = await client.v1.invoices.list_async({"subscription": made.id})
        assert [bill.subtotal for bill in bills.data] == [1_000] * len(days)


@pytest.mark.parametrize(
    ("interval", "more", "param", "code"),
    [
        ("week", {"billing_cycle_anchor_config": {"day_of_month": 3, **MIDNIGHT}}, "", None),
        ("month", {"billing_cycle_anchor_config": {"day_of_month": 32}}, "[day_of_month]",
         "parameter_invalid_integer"),
        ("month", {"billing_cycle_anchor_config": {"month": 3}}, "[day_of_month]",
         "parameter_missing"),
        ("month", {"billing_cycle_anchor_config": {"day_of_month": 28, "month": 6, **MIDNIGHT}},
         "", None),
        ("month", {"billing_cycle_anchor_config": {"day_of_month": 28, **MIDNIGHT},
                   "billing_cycle_anchor": unix(at(2026, 2, 28))}, "", None),
        ("month", {"billing_cycle_anchor_config": {"day_of_month": 28, **MIDNIGHT},
                   "backdate_start_date": unix(at(2026, 1, 30))}, "", None),
    ],
)  # fmt: skip
async def test_anchors_that_do_not_fit_are_refused(
    serve: Serve, interval: str, more: Any, param: str, code: str | None
) -> None:
    """Months and years only; exclusive with a timestamp; within one period from the start, which
    is not in the past (docs.stripe.com/billing/subscriptions/billing-cycle)."""
    async with running(serve, now=at(2026, 1, 31)) as sim, sim.client(DE_KEY) as client:
        wanted = await _wanted(client, interval, 1, **more)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.subscriptions.create_async(wanted)
        assert refused.value.param == f"billing_cycle_anchor_config{param}"
        assert refused.value.code == code


async def test_a_backdated_start_bills_from_the_start_when_the_anchor_fits(serve: Serve) -> None:
    """Without an anchor the start itself is one (docs.stripe.com, billing-mode/compare)."""
    async with running(serve, now=at(2026, 1, 9)) as sim, sim.client() as client:
        customer = await card_customer(client)
        deal = {
            **await d1_items(client),
            "customer": customer,
            "backdate_start_date": unix(at(2026, 1, 1)),
        }
        aligned = await client.v1.subscriptions.create_async(deal)  # type: ignore[arg-type]
        assert aligned.billing_cycle_anchor == unix(at(2026, 1, 1))
        assert aligned["items"].data[0].current_period_end == unix(at(2027, 1, 1))
        late = {**deal, "billing_cycle_anchor": unix(at(2027, 1, 2))}
        with pytest.raises(stripe.InvalidRequestError, match="next natural billing date"):
            await client.v1.subscriptions.create_async(late)  # type: ignore[arg-type]
        subscription = await client.v1.subscriptions.create_async(
            {**deal, "billing_cycle_anchor": unix(at(2027, 1, 1)), "expand": ["latest_invoice"]}  # type: ignore[typeddict-item]
        )
        assert subscription.start_date == unix(at(2026, 1, 1))
        item = subscription["items"].data[0]
        assert item.current_period_end == unix(at(2027, 1, 1))
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert invoice.total == 1_589_100
