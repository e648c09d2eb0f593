"""Meters and meter events: once by identifier, within their window, counted by formula."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, running, unix

Serve = Callable[[Any], str]
NOW = at(2026, 3, 1)
DAY = 86_400


async def meter(client: stripe.StripeClient, formula: Any = "sum", **more: Any) -> str:
    """Stripe's own example: tokens of Hypernian."""
    made = await client.v1.billing.meters.create_async(
        {
            "display_name": "Hypernian tokens",
            "event_name": "hypernian_tokens",
            "default_aggregation": {"formula": formula},
            **more,
        }
    )
    return made.id


async def report(
    client: stripe.StripeClient, customer: str, value: str, **more: Any
) -> stripe.billing.MeterEvent:
    """One event."""
    given: Any = {
        "event_name": "hypernian_tokens",
        "payload": {"stripe_customer_id": customer, "value": value},
        **more,
    }
    return await client.v1.billing.meter_events.create_async(given)


async def total(
    client: stripe.StripeClient, meter_id: str, customer: str, start: int, end: int
) -> float:
    """The one summary of a range."""
    listed = await client.v1.billing.meters.event_summaries.list_async(
        meter_id, {"customer": customer, "start_time": start, "end_time": end}
    )
    return listed.data[0].aggregated_value


async def customer(client: stripe.StripeClient) -> str:
    """Somebody."""
    return (await client.v1.customers.create_async({"name": "Hypernian's customer"})).id


async def test_a_meter_has_its_event_name_alone_while_it_is_active(serve: Serve) -> None:
    """Only the display name changes; an inactive meter takes no events and no prices."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meters = client.v1.billing.meters
        first = await meter(client)
        made = await meters.retrieve_async(first)
        assert made.customer_mapping.event_payload_key == "stripe_customer_id"
        assert made.value_settings.event_payload_key == "value"
        with pytest.raises(stripe.InvalidRequestError, match="already an active meter"):
            await meter(client)
        renamed = await meters.update_async(first, {"display_name": "Tokens"})
        assert renamed.display_name == "Tokens"
        off = await meters.deactivate_async(first)
        assert (off.status, off.status_transitions.deactivated_at) == ("inactive", unix(NOW))
        second = await meter(client)
        with pytest.raises(stripe.InvalidRequestError, match="already an active meter"):
            await meters.reactivate_async(first)
        await meters.deactivate_async(second)
        assert (await meters.reactivate_async(first)).status == "active"
        found = await meters.list_async({"status": "inactive"})
        assert [one.id for one in found.data] == [second]
        seat = await client.v1.products.create_async({"name": "Tokens"})
        with pytest.raises(stripe.InvalidRequestError, match="inactive"):
            await client.v1.prices.create_async(
                {
                    "product": seat.id,
                    "currency": "usd",
                    "unit_amount": 4,
                    "recurring": {"interval": "month", "usage_type": "metered", "meter": second},
                }
            )


@pytest.mark.parametrize(
    ("formula", "expected"), [("sum", 25 + 12.5 + 30 - 1), ("count", 4), ("last", 30)]
)
async def test_usage_is_summed_counted_or_the_last_value(
    serve: Serve, formula: str, expected: float
) -> None:
    """Decimals and negative values count; the range takes its start and leaves its end."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id, who = await meter(client, formula), await customer(client)
        other = await customer(client)
        start = unix(NOW) - DAY
        await report(client, who, "25", timestamp=start)
        await report(client, who, "30", timestamp=start + 7200)
        await report(client, who, "12.5", timestamp=start + 3600)
        await report(client, who, "-1", timestamp=start + 1)
        await report(client, who, "1000", timestamp=start + DAY)
        await report(client, other, "500", timestamp=start)
        assert await total(client, meter_id, who, start, start + DAY) == expected


async def test_an_identifier_counts_once_in_a_day_and_again_after_it(serve: Serve) -> None:
    """ "uniqueness within a rolling period of at least 24 hours"; refused with no error code."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id, who = await meter(client), await customer(client)
        first = await report(client, who, "5", identifier="run-1")
        assert (first.identifier, first.timestamp) == ("run-1", unix(NOW))
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await report(client, who, "5", identifier="run-1")
        assert refusal.value.code is None
        assert "An event already exists with identifier run-1." in str(refusal.value)
        sim.clock.advance(timedelta(days=1))
        await report(client, who, "5", identifier="run-1")
        start = unix(NOW) - DAY
        assert await total(client, meter_id, who, start, start + 3 * DAY) == 10


@pytest.mark.parametrize(
    ("seconds", "is_taken"),
    [(-35 * DAY, True), (-35 * DAY - 1, False), (300, True), (301, False)],
)
async def test_a_timestamp_is_at_most_35_days_old_and_5_minutes_ahead(
    serve: Serve, seconds: int, is_taken: bool
) -> None:
    """Docstring of `MeterEventCreateParams.timestamp`."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await meter(client)
        who = await customer(client)
        when = unix(NOW) + seconds
        if is_taken:
            assert (await report(client, who, "1", timestamp=when)).timestamp == when
            return
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await report(client, who, "1", timestamp=when)
        assert refusal.value.param == "timestamp"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_name": "nothing"}, "no_meter"),
        ({"payload": {"value": "1"}}, "meter_event_no_customer_defined"),
        (
            {"payload": {"value": "1", "stripe_customer_id": "cus_x"}},
            "meter_event_customer_not_found",
        ),
    ],
)
async def test_what_stripe_would_drop_later_is_refused_by_our_own_code(
    serve: Serve, change: Any, reason: str
) -> None:
    """Stripe answers 200 and tells by a thin event; those are not carried."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await meter(client)
        given: Any = {"event_name": "hypernian_tokens", "payload": {"value": "1"}, **change}
        with pytest.raises(stripe.InvalidRequestError, match=reason) as refusal:
            await client.v1.billing.meter_events.create_async(given)
        assert refusal.value.code == "simulator_unsupported"


async def test_values_are_read_where_the_meter_says(serve: Serve) -> None:
    """Other payload keys for customer and value; numbers only."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id = await meter(
            client,
            customer_mapping={"type": "by_id", "event_payload_key": "who"},
            value_settings={"event_payload_key": "tokens"},
        )
        who = await customer(client)
        start = unix(NOW) - DAY
        for tokens in ("3", "4"):
            await client.v1.billing.meter_events.create_async(
                {"event_name": "hypernian_tokens", "payload": {"who": who, "tokens": tokens}}
            )
        assert await total(client, meter_id, who, start, start + 2 * DAY) == 7
        for wrong in ("many", "NaN", "Infinity"):
            with pytest.raises(stripe.InvalidRequestError, match="invalid_value"):
                await client.v1.billing.meter_events.create_async(
                    {"event_name": "hypernian_tokens", "payload": {"who": who, "tokens": wrong}}
                )


async def test_of_pre_aggregated_events_the_later_of_an_hour_counts(serve: Serve) -> None:
    """`event_time_window`: a newer event overwrites the one of the same hour, in UTC."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id = await meter(client, event_time_window="hour")
        who, start = await customer(client), unix(NOW) - DAY
        for value, seconds in (("10", 60), ("12", 30), ("5", 3600)):
            await report(client, who, value, timestamp=start + seconds)
        assert await total(client, meter_id, who, start, start + DAY) == 17


async def test_an_event_of_the_last_day_can_be_cancelled(serve: Serve) -> None:
    """By its identifier, on its own meter, within 24 hours of its receipt."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id, who = await meter(client), await customer(client)
        start = unix(NOW) - DAY
        adjust = client.v1.billing.meter_event_adjustments.create_async
        for name in ("good", "bad", "old"):
            await report(client, who, "10", identifier=name)
        done = await adjust(
            {"event_name": "hypernian_tokens", "type": "cancel", "cancel": {"identifier": "bad"}}
        )
        assert done.status == "pending"
        assert await total(client, meter_id, who, start, start + 2 * DAY) == 20
        with pytest.raises(stripe.InvalidRequestError) as nothing:
            await adjust(
                {"event_name": "hypernian_tokens", "type": "cancel", "cancel": {"identifier": "x"}}
            )
        assert nothing.value.param == "cancel[identifier]"
        sim.clock.advance(timedelta(days=1, seconds=1))
        with pytest.raises(stripe.InvalidRequestError, match="last 24 hours"):
            await adjust(
                {
                    "event_name": "hypernian_tokens",
                    "type": "cancel",
                    "cancel": {"identifier": "old"},
                }
            )


async def test_summaries_are_aligned_with_minutes(serve: Serve) -> None:
    """Docstrings of `MeterEventSummaryListParams`."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        meter_id, who = await meter(client), await customer(client)
        start = unix(NOW)
        assert await total(client, meter_id, who, start, start + 60) == 0
        for wrong in ((start + 1, start + 60), (start, start + 61), (start, start)):
            with pytest.raises(stripe.InvalidRequestError):
                await total(client, meter_id, who, *wrong)
