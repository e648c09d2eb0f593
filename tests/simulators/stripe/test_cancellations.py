"""Ending and pausing subscriptions: credits, final invoices, planned ends, collection on hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import amounts, new_case
from tests.simulators.stripe.support import Sim, at, running, unix

START, HALF, END = at(2026, 4, 1), at(2026, 4, 16), at(2026, 5, 1)


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def test_a_prorated_cancellation_leaves_a_credit_pending(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(HALF)
        preview = await case.preview(held, cancel_now=True)
        ended = await client.v1.subscriptions.cancel_async(held.id, {"prorate": True})
        assert (ended.status, ended.ended_at) == ("canceled", unix(HALF))
        assert await case.pending() == amounts(preview) == [-500]
        assert len(await case.invoices(held)) == 1


async def test_a_final_invoice_takes_the_credit_to_the_balance(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: credits can be applied to future invoices."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(HALF)
        await client.v1.subscriptions.cancel_async(held.id, {"prorate": True, "invoice_now": True})
        final = (await case.invoices(held))[-1]
        assert (amounts(final), final.total, final.amount_due) == ([-500], -500, 0)
        assert final.status == "paid"
        assert (await client.v1.customers.retrieve_async(case.customer)).balance == -500


async def test_a_plain_cancellation_drops_pending_prorations(sim: Sim) -> None:
    """Docstring of Subscription.cancel (stripe 16.1)."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(HALF)
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "quantity": 3}])
        assert await case.pending() == [-500, 1500]
        await client.v1.subscriptions.cancel_async(held.id)
        assert await case.pending() == []


async def test_pending_prorations_are_collected_when_the_period_ends(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: left in place, collected at the end."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(HALF)
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "quantity": 3}], cancel_at_period_end=True)
        assert (await case.held(held)).cancel_at == unix(END)
        assert amounts(await case.preview(held)) == [-500, 1500]
        await case.advance(END + timedelta(hours=2))
        final = (await case.invoices(held))[-1]
        assert (amounts(final), final.status) == ([-500, 1500], "paid")
        assert (await case.held(held)).status == "canceled"


async def test_a_subscription_about_to_end_has_no_upcoming_invoice(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), cancel_at_period_end=True)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await case.preview(held)
        assert refused.value.code == "invoice_upcoming_none"


@pytest.mark.parametrize(
    ("word", "ends"),
    [("min_period_end", at(2026, 5, 1)), ("max_period_end", at(2027, 4, 1))],
)
async def test_the_end_of_a_period_can_be_named(sim: Sim, word: Any, ends: Any) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: the helpers resolve at once."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), await case.price(9000, "year"))
        ending = await case.update(held, cancel_at=word)
        assert ending.cancel_at == unix(ends)
        assert not ending.cancel_at_period_end


@pytest.mark.parametrize(
    ("ending", "withdrawal"),
    [
        ({"cancel_at_period_end": True}, {"cancel_at_period_end": False}),
        ({"cancel_at": unix(at(2026, 6, 1))}, {"cancel_at": ""}),
    ],
)
async def test_a_withdrawn_cancellation_leaves_no_trace(
    sim: Sim, ending: Any, withdrawal: Any
) -> None:
    """docs.stripe.com/billing/subscriptions/cancel, on reactivating: before the
    end an update takes the cancellation back; the subscription renews as if nothing had been."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        leaving = await case.update(held, **ending)
        assert leaving.cancel_at is not None
        assert leaving.canceled_at == unix(START)
        stays = await case.update(held, **withdrawal)
        assert (stays.cancel_at, stays.canceled_at, stays.cancel_at_period_end) == (
            None,
            None,
            False,
        )
        assert await case.pending() == []
        await case.advance(END + timedelta(hours=2))
        assert (await case.held(held)).status == "active"
        assert [amounts(one) for one in await case.invoices(held)] == [[1000], [1000]]


async def test_an_ended_subscription_cannot_be_revived(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: once it is cancelled, a new one is needed."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await client.v1.subscriptions.cancel_async(held.id)
        with pytest.raises(stripe.InvalidRequestError):
            await case.update(held, cancel_at_period_end=False)
        assert (await case.held(held)).status == "canceled"


async def test_a_cancel_date_in_the_period_prorates_unless_told_not_to(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        for behavior, pending in (("none", []), ("create_prorations", [-500])):
            held = await case.subscribe(await case.price(1000))
            ending = await case.update(held, cancel_at=unix(HALF), proration_behavior=behavior)
            assert ending["items"].data[0].current_period_end == unix(HALF)
            assert await case.pending() == pending
            restored = await case.update(held, cancel_at="", proration_behavior=behavior)
            assert restored.cancel_at is None
            assert restored["items"].data[0].current_period_end == unix(END)
        assert await case.pending() == [500, -500]


async def test_a_new_subscription_may_end_inside_its_first_period(sim: Sim) -> None:
    """`none` leaves the first, shortened period at its whole price (billing-mode/compare)."""
    async with sim.client() as client:
        case = await new_case(client, START)
        price = await case.price(1000)
        prorated = await case.subscribe(price, cancel_at=unix(HALF))
        whole = await case.subscribe(price, cancel_at=unix(HALF), proration_behavior="none")
        assert [one.latest_invoice.total for one in (prorated, whole)] == [500, 1000]
        for one in (prorated, whole):
            assert one["items"].data[0].current_period_end == unix(HALF)


async def test_a_first_part_that_is_not_prorated_is_free(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/billing-cycle: no invoice until the first period."""
    async with sim.client() as client:
        case = await new_case(client, HALF)
        held = await case.subscribe(
            await case.price(1000), billing_cycle_anchor=unix(END), proration_behavior="none"
        )
        assert (held.status, held.latest_invoice) == ("active", None)
        await case.advance(END + timedelta(hours=2))
        assert [one.total for one in await case.invoices(held)] == [1000]


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")],
)
async def test_paused_collection_goes_on_invoicing(sim: Sim, behavior: Any, status: str) -> None:
    """docs.stripe.com/billing/subscriptions/pause-payment; the status does not change."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        paused = await case.update(
            held,
            pause_collection={"behavior": behavior, "resumes_at": unix(at(2026, 5, 20))},
        )
        assert paused.status == "active"
        assert paused.pause_collection.behavior == behavior
        await case.advance(END + timedelta(hours=2))
        assert (await case.invoices(held))[-1].status == status
        await case.advance(at(2026, 6, 1, 2))
        shown = await case.held(held)
        assert shown.pause_collection is None
        assert (await case.invoices(held))[-1].status == "paid"


@pytest.mark.parametrize(
    ("given", "pending", "invoiced"),
    [
        ({}, [-500], []),
        ({"invoicing_behavior": "invoice"}, [], [-500]),
        ({"bill_for": {"unused_time_from": {"type": "none"}}}, [], []),
        ({"bill_for": {"unused_time_from": {"type": "item_current_period_start"}}}, [-1000], []),
    ],
)
async def test_a_pause_gives_back_unused_time(
    sim: Sim, given: Any, pending: list[int], invoiced: list[int]
) -> None:
    """Docstrings of SubscriptionPauseParams (stripe 16.1)."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(HALF)
        paused = await client.v1.subscriptions.pause_async(held.id, given)
        assert paused.status == "paused"
        assert paused.status_details is not None
        assert paused.status_details.paused.subscription.type == "pause_requested"
        assert await case.pending() == pending
        assert [one.total for one in (await case.invoices(held))[1:]] == invoiced
        await case.advance(at(2026, 6, 2))
        assert len(await case.invoices(held)) == 1 + len(invoiced)
