"""Test clocks: a customer's frozen time, moved forward by request; billing follows in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    Sim,
    at,
    card_customer,
    clock_customer,
    monthly,
    product,
    running,
    to_ready,
    unix,
)

NOW = at(2026, 10, 1)
START = unix(at(2026, 1, 31))


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=NOW) as one:
        yield one


async def _clock(client: stripe.StripeClient, frozen_time: int = START) -> Any:
    return await client.v1.test_helpers.test_clocks.create_async(
        {"frozen_time": frozen_time, "name": "a year in a minute"}
    )


async def _monthly_subscription(client: stripe.StripeClient, customer: str) -> Any:
    seat = await product(client, "seat", "Seat")
    return await client.v1.subscriptions.create_async(
        {"customer": customer, "items": [{"price_data": monthly(seat, "usd", 1000)}]}
    )


async def test_an_advance_answers_advancing_and_becomes_ready_by_itself(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        assert (clock.status, clock.frozen_time) == ("ready", START)
        assert clock.deletes_after == unix(NOW) + 30 * 86_400
        target = unix(at(2026, 3, 1))
        answer = await client.v1.test_helpers.test_clocks.advance_async(
            clock.id, {"frozen_time": target}
        )
        assert (answer.status, answer.frozen_time) == ("advancing", START)
        assert answer.status_details.advancing.target_frozen_time == target
        ready = await to_ready(client, clock.id)
        assert ready.frozen_time == target
        events = await client.v1.events.list_async({"type": "test_helpers.test_clock.*"})
        assert [event.type.rpartition(".")[2] for event in reversed(events.data)] == [
            "created",
            "advancing",
            "ready",
        ]


async def test_what_a_customer_on_a_clock_gets_is_dated_by_the_clock(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        assert held.test_clock == clock.id
        assert held.created == START
        invoice = await client.v1.invoices.retrieve_async(held.latest_invoice)
        assert (invoice.test_clock, invoice.created, invoice.status) == (clock.id, START, "paid")
        other = await card_customer(client)
        assert (await client.v1.customers.retrieve_async(other)).created == unix(NOW)


async def test_advancing_bills_each_period_at_its_boundary(sim: Sim) -> None:
    """A month that lacks the 31st ends on its last day (docs.stripe.com, billing-cycle)."""
    async with sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        await to_ready(client, clock.id, unix(at(2026, 2, 28, 2)))
        await to_ready(client, clock.id, unix(at(2026, 3, 31, 2)))
        invoices = await client.v1.invoices.list_async({"subscription": held.id})
        assert [row.created for row in reversed(invoices.data)] == [
            START,
            unix(at(2026, 2, 28)),
            unix(at(2026, 3, 31)),
        ]
        assert {row.status for row in invoices.data} == {"paid"}


async def test_the_time_of_the_world_does_not_move_a_clock(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        sim.clock.freeze(at(2026, 10, 20))
        invoices = await client.v1.invoices.list_async({"subscription": held.id})
        assert len(invoices.data) == 1


async def test_an_advance_goes_forward_and_two_intervals_at_most(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        clocks = client.v1.test_helpers.test_clocks
        with pytest.raises(stripe.InvalidRequestError, match="after the current"):
            await clocks.advance_async(clock.id, {"frozen_time": START})
        with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
            await clocks.advance_async(clock.id, {"frozen_time": unix(at(2028, 2, 1))})
        customer = await clock_customer(client, clock.id)
        await _monthly_subscription(client, customer)
        with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
            await clocks.advance_async(clock.id, {"frozen_time": unix(at(2026, 3, 31)) + 1})


async def test_nothing_of_an_advancing_clock_can_be_changed(serve: Callable[[Any], str]) -> None:
    """Here time stands still, so that the advance never comes to its end."""
    async with running(serve, now=NOW, tick_seconds=3600.0) as sim, sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        clocks = client.v1.test_helpers.test_clocks
        await clocks.advance_async(clock.id, {"frozen_time": START + 86_400})
        with pytest.raises(stripe.RateLimitError, match="advancement underway"):
            await client.v1.customers.update_async(customer, {"name": "Later"})
        with pytest.raises(stripe.RateLimitError, match="advancement underway"):
            await _monthly_subscription(client, customer)
        with pytest.raises(stripe.RateLimitError, match="advancement underway"):
            await clocks.advance_async(clock.id, {"frozen_time": START + 90_000})
        assert (await client.v1.customers.retrieve_async(customer)).name != "Later"


async def test_a_clock_has_three_customers_and_each_three_subscriptions(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        customers = [await clock_customer(client, clock.id) for _ in range(3)]
        with pytest.raises(stripe.InvalidRequestError, match="at most 3 customers"):
            await client.v1.customers.create_async({"test_clock": clock.id})
        seat = await product(client, "seat", "Seat")
        given: Any = {
            "customer": customers[0],
            "items": [{"price_data": monthly(seat, "usd", 1000)}],
        }
        for _ in range(3):
            await client.v1.subscriptions.create_async(given)
        with pytest.raises(stripe.InvalidRequestError, match="at most 3 subscriptions"):
            await client.v1.subscriptions.create_async(given)


async def test_lists_show_what_is_on_a_clock_only_when_asked(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        assert not (await client.v1.customers.list_async()).data
        assert not (await client.v1.subscriptions.list_async()).data
        for filters in ({"test_clock": clock.id}, {"customer": customer}):
            rows = (await client.v1.subscriptions.list_async(filters)).data
            assert [row.id for row in rows] == [held.id]
        rows = (await client.v1.customers.list_async({"test_clock": clock.id})).data
        assert [row.id for row in rows] == [customer]


async def test_a_deleted_clock_takes_everything_with_it(sim: Sim) -> None:
    async with sim.client() as client:
        clock = await _clock(client)
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        await client.v1.test_helpers.test_clocks.delete_async(clock.id)
        for retrieve, object_id in (
            (client.v1.customers.retrieve_async, customer),
            (client.v1.subscriptions.retrieve_async, held.id),
            (client.v1.test_helpers.test_clocks.retrieve_async, clock.id),
        ):
            with pytest.raises(stripe.InvalidRequestError, match="No such"):
                await retrieve(object_id)


async def test_a_clock_goes_on_after_its_world_was_put_back(sim: Sim) -> None:
    """What is due by the clock, and what was credited already, is part of the state."""
    async with sim.client() as client:
        clock = await _clock(client, unix(at(2026, 4, 1)))
        customer = await clock_customer(client, clock.id)
        held = await _monthly_subscription(client, customer)
        item = held["items"].data[0].id
        await to_ready(client, clock.id, unix(at(2026, 4, 16)))
        await client.v1.subscription_items.update_async(item, {"quantity": 3})
        taken = await sim.http.get(f"{sim.url}/_sim/snapshot")
        assert (await sim.http.post(f"{sim.url}/_sim/reset")).status_code < 300
        put = await sim.http.put(f"{sim.url}/_sim/snapshot", content=taken.content)
        assert put.status_code == 204
        await client.v1.subscription_items.update_async(item, {"quantity": 2})
        await to_ready(client, clock.id, unix(at(2026, 5, 1, 2)))
        invoices = await client.v1.invoices.list_async({"subscription": held.id})
        assert [line.amount for line in invoices.data[0].lines.data] == [
            -1500,
            1000,
            -500,
            1500,
            2000,
        ]
