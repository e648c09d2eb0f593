"""Schedules start when the clock comes to them, end as told, and can be cancelled before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, d4_phases, running, unix

Serve = Callable[[Any], str]
NOW = at(2026, 1, 20)


async def _schedule(
    client: stripe.StripeClient, start: Any, **more: Any
) -> tuple[str, stripe.SubscriptionSchedule]:
    customer = await client.v1.customers.create_async({"name": "Cobalt Retail Group Inc."})
    params: Any = {
        "customer": customer.id,
        "start_date": start,
        "end_behavior": "cancel",
        "phases": await d4_phases(client),
        **more,
    }
    return customer.id, await client.v1.subscription_schedules.create_async(params)


async def test_a_schedule_in_the_future_starts_when_the_clock_comes_to_it(serve: Serve) -> None:
    """No document exists before; the first invoice is a draft for an hour."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer, schedule = await _schedule(client, unix(at(2026, 2, 1)))
        sim.clock.freeze(at(2026, 2, 1) - timedelta(seconds=1))
        waiting = await client.v1.subscription_schedules.retrieve_async(schedule.id)
        assert waiting.status == "not_started"
        sim.clock.freeze(at(2026, 2, 1))
        started = await client.v1.subscription_schedules.retrieve_async(
            schedule.id, {"expand": ["subscription.latest_invoice"]}
        )
        assert started.status == "active"
        phase = started.current_phase
        assert phase is not None
        assert (phase.start_date, phase.end_date) == (unix(at(2026, 2, 1)), unix(at(2027, 2, 1)))
        subscription = started.subscription
        assert isinstance(subscription, stripe.Subscription)
        assert subscription.metadata["contract"] == "D4"
        # docs.stripe.com/billing/subscriptions/cancel: shown in the last phase only.
        assert subscription.cancel_at is None
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.status, invoice.total) == ("draft", 4_703_400)
        listed = await client.v1.subscription_schedules.list_async({"customer": customer})
        assert [one.id for one in listed.data] == [schedule.id]


async def test_the_clock_starts_a_schedule_also_when_nobody_asks(
    serve: Serve, until: Callable[[Callable[[], bool]], None]
) -> None:
    """The ticking task does what is due."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await _schedule(client, unix(at(2026, 2, 1)))
        sim.clock.freeze(at(2026, 2, 1, 2))
        account = sim.world.accounts["acct_alder_us"]
        until(lambda: any(one["number"] for one in account.of("invoice").values()))


async def test_a_schedule_that_has_not_started_is_cancelled_without_a_trace(serve: Serve) -> None:
    """The compensation before the pivot: no subscription, no invoice, ever."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer, schedule = await _schedule(client, unix(at(2026, 2, 1)))
        cancelled = await client.v1.subscription_schedules.cancel_async(schedule.id)
        assert cancelled.status == "canceled"
        sim.clock.freeze(at(2026, 3, 1))
        assert (await client.v1.invoices.list_async({"customer": customer})).data == []
        everything = await client.v1.subscriptions.list_async(
            {"customer": customer, "status": "all"}
        )
        assert everything.data == []
        with pytest.raises(stripe.InvalidRequestError, match="`canceled` status"):
            await client.v1.subscription_schedules.cancel_async(schedule.id)


async def test_cancelling_a_running_schedule_ends_its_subscription(serve: Serve) -> None:
    """Without proration and without a final invoice, as asked for."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        _, schedule = await _schedule(client, "now")
        await client.v1.subscription_schedules.cancel_async(
            schedule.id, {"prorate": False, "invoice_now": False}
        )
        ended = await client.v1.subscriptions.retrieve_async(str(schedule.subscription))
        assert ended.status == "canceled"
        sim.clock.advance(timedelta(days=800))
        assert len((await client.v1.invoices.list_async()).data) == 1


async def test_a_released_schedule_leaves_its_subscription_alive(serve: Serve) -> None:
    """The subscription renews with the items it has."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        _, schedule = await _schedule(client, "now")
        released = await client.v1.subscription_schedules.release_async(schedule.id)
        assert (released.status, released.subscription) == ("released", None)
        assert released.released_subscription == schedule.subscription
        sim.clock.freeze(at(2027, 1, 20, 2))
        invoices = await client.v1.invoices.list_async()
        assert [one.total for one in invoices.data] == [4_703_400, 4_703_400]


async def test_a_schedule_may_start_in_the_past_and_bills_from_there(serve: Serve) -> None:
    """Whole periods from the start date on."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        _, schedule = await _schedule(client, unix(at(2026, 1, 1)))
        subscription = await client.v1.subscriptions.retrieve_async(
            str(schedule.subscription), {"expand": ["latest_invoice"]}
        )
        assert subscription.start_date == unix(at(2026, 1, 1))
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.total, invoice.created) == (4_703_400, unix(NOW))


async def test_a_managed_subscription_cannot_be_told_when_to_end(serve: Serve) -> None:
    """Its schedule decides."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        _, schedule = await _schedule(client, "now")
        with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription sched"):
            await client.v1.subscriptions.update_async(
                str(schedule.subscription), {"cancel_at": unix(at(2027, 1, 20))}
            )


async def test_a_phase_with_another_interval_needs_an_anchor_of_its_own(serve: Serve) -> None:
    """Inside a period of the new interval no page says what its part costs; nothing is made."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        phases = await d4_phases(client)
        phases[0]["duration"] = {"interval": "month", "interval_count": 6}
        monthly_price = phases[1]["items"][0]["price_data"]
        phases[0]["items"][0]["price_data"] = {
            **monthly_price,
            "recurring": {"interval": "month"},
        }
        customer = await client.v1.customers.create_async({"name": "Cobalt"})
        params: Any = {"customer": customer.id, "start_date": "now", "phases": phases}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.subscription_schedules.create_async(params)
        assert refusal.value.code == "simulator_unsupported"
        phases[0]["iterations"] = phases[0].pop("duration")
        with pytest.raises(stripe.InvalidRequestError) as removed:
            await client.v1.subscription_schedules.create_async(params)
        assert removed.value.code == "parameter_unknown"
        assert (await client.v1.subscription_schedules.list_async()).data == []


async def test_a_schedule_that_charges_automatically_also_waits_an_hour(serve: Serve) -> None:
    """Only the first invoice of a subscription made directly is finalised at once."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await card_customer(client)
        phases = await d4_phases(client)
        for phase in phases:
            del phase["collection_method"], phase["invoice_settings"]
        params: Any = {"customer": customer, "start_date": "now", "phases": phases}
        schedule = await client.v1.subscription_schedules.create_async(params)
        draft = (await client.v1.invoices.list_async({"customer": customer})).data[0]
        assert draft.status == "draft"
        sim.clock.advance(timedelta(hours=1))
        paid = await client.v1.invoices.retrieve_async(draft.id)
        assert (paid.status, paid.number) == ("paid", "US-000001")
        # released at the end of its phases: the subscription goes on with the last ones.
        sim.clock.freeze(at(2029, 1, 21))
        ended = await client.v1.subscription_schedules.retrieve_async(schedule.id)
        assert ended.status == "released"
        totals = [one.total for one in (await client.v1.invoices.list_async()).data]
        assert totals == [9_406_800, 9_406_800, 7_055_100, 4_703_400]
