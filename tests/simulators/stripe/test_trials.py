"""Trials: free until they end, and what happens then without a card (docs: trials/free-trials)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import Case, amounts, new_case
from tests.simulators.stripe.support import Sim, at, running, unix

START = at(2026, 6, 1)
TRIAL_END = at(2026, 6, 15)


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def _events(case: Case, kind: str) -> list[int]:
    page = await case.client.v1.events.list_async({"type": f"customer.subscription.{kind}"})
    return [event.created for event in reversed(page.data)]


async def test_a_trial_begins_with_an_invoice_of_nothing(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), trial_period_days=14)
        assert held.status == "trialing"
        assert (held.trial_start, held.trial_end) == (unix(START), unix(TRIAL_END))
        assert held.billing_cycle_anchor == unix(TRIAL_END)
        item = held["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == (
            unix(START),
            unix(TRIAL_END),
        )
        invoice = held.latest_invoice
        assert (amounts(invoice), invoice.total, invoice.status) == ([0], 0, "paid")
        # docs.stripe.com/billing/subscriptions/billing-mode/compare gives the words.
        assert invoice.lines.data[0].description == "Free trial for 1 x Gold plan"


async def test_the_end_is_announced_three_days_before(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        await case.subscribe(await case.price(1000), trial_period_days=14)
        assert await _events(case, "trial_will_end") == []
        await case.advance(TRIAL_END)
        assert await _events(case, "trial_will_end") == [unix(TRIAL_END - timedelta(days=3))]


async def test_a_trial_that_ends_bills_the_first_whole_period(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), trial_period_days=14)
        await case.advance(TRIAL_END + timedelta(minutes=30))
        shown = await case.held(held)
        assert (shown.status, shown.trial_end) == ("active", unix(TRIAL_END))
        first = (await case.invoices(held))[-1]
        assert (first.status, first.total, first.billing_reason) == (
            "draft",
            1000,
            "subscription_cycle",
        )
        await case.advance(TRIAL_END + timedelta(hours=2))
        assert (await case.invoices(held))[-1].status == "paid"


async def _without_card(client: stripe.StripeClient, behavior: str) -> tuple[Case, Any]:
    case = await new_case(client, START)
    bare = await client.v1.customers.create_async({"test_clock": case.clock})
    case.customer = bare.id
    held = await case.subscribe(
        await case.price(1000),
        trial_end=unix(TRIAL_END),
        trial_settings={"end_behavior": {"missing_payment_method": behavior}},
    )
    await case.advance(TRIAL_END + timedelta(hours=2))
    return case, await case.held(held)


async def test_without_a_card_the_trial_ends_in_a_cancellation_if_wanted(sim: Sim) -> None:
    async with sim.client() as client:
        case, held = await _without_card(client, "cancel")
        assert (held.status, held.ended_at) == ("canceled", unix(TRIAL_END))
        assert len(await case.invoices(held)) == 1


async def test_without_a_card_the_trial_ends_in_a_debt_by_default(sim: Sim) -> None:
    async with sim.client() as client:
        case, held = await _without_card(client, "create_invoice")
        assert held.status == "past_due"
        assert [one.status for one in await case.invoices(held)] == ["paid", "open"]


async def test_without_a_card_the_trial_ends_in_a_pause_if_wanted(sim: Sim) -> None:
    async with sim.client() as client:
        case, held = await _without_card(client, "pause")
        assert held.status == "paused"
        assert held.status_details.paused.subscription.type == "trial_end_without_payment_method"
        assert held.status_details.paused.transitioned_at == unix(TRIAL_END)
        await case.advance(at(2026, 8, 1))
        assert len(await case.invoices(held)) == 1
        assert len(await _events(case, "paused")) == 1


@pytest.mark.parametrize(
    ("anchor", "behavior", "period", "billed"),
    [
        # docs.stripe.com/billing/subscriptions/mixed-interval: the table on resuming.
        ("now", "none", (at(2026, 7, 10), at(2026, 8, 10)), [1000]),
        ("unchanged", "none", (at(2026, 6, 15), at(2026, 7, 15)), []),
        # Five of the thirty days from 15 June to 15 July.
        ("unchanged", "always_invoice", (at(2026, 6, 15), at(2026, 7, 15)), [167]),
    ],
)
async def test_a_paused_subscription_is_resumed(
    sim: Sim, anchor: Any, behavior: Any, period: Any, billed: list[int]
) -> None:
    async with sim.client() as client:
        case, held = await _without_card(client, "pause")
        await case.advance(at(2026, 7, 10))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.subscriptions.resume_async(held.id)
        assert refused.value.code == "simulator_unsupported"
        card = await client.v1.payment_methods.attach_async(
            "pm_card_visa", {"customer": case.customer}
        )
        await client.v1.customers.update_async(
            case.customer, {"invoice_settings": {"default_payment_method": card.id}}
        )
        resumed = await client.v1.subscriptions.resume_async(
            held.id,
            {"billing_cycle_anchor": {"type": anchor}, "proration_behavior": behavior},
        )
        assert resumed.status == "active"
        item = resumed["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == tuple(
            unix(one) for one in period
        )
        new = (await case.invoices(held))[1:]
        assert [one.total for one in new] == billed
        assert all(one.status == "paid" for one in new)
        await case.advance(period[1] + timedelta(hours=2))
        assert (await case.invoices(held))[-1].total == 1000


async def test_a_trial_can_be_ended_at_once(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), trial_period_days=14)
        now = at(2026, 6, 4)
        await case.advance(now)
        ended = await case.update(held, trial_end="now")
        assert (ended.status, ended.trial_end) == ("active", unix(now))
        assert ended.billing_cycle_anchor == unix(now)
        assert (amounts(ended.latest_invoice), ended.latest_invoice.status) == ([1000], "paid")
        assert ended["items"].data[0].current_period_end == unix(at(2026, 7, 4))


async def test_a_trial_can_be_extended_without_a_bill(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), trial_period_days=14)
        later = await case.update(held, trial_end=unix(at(2026, 6, 20)))
        assert later.status == "trialing"
        assert later["items"].data[0].current_period_end == unix(at(2026, 6, 20))
        assert len(await case.invoices(held)) == 1
        await case.advance(at(2026, 6, 20, 2))
        assert [one.total for one in await case.invoices(held)] == [0, 1000]


async def test_a_trial_on_a_paid_subscription_gives_back_what_is_left(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/billing-cycle: credit for the days left."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        await case.advance(at(2026, 6, 16))
        trial = await case.update(held, trial_end=unix(at(2026, 7, 1)))
        assert (trial.status, trial.trial_start) == ("trialing", unix(at(2026, 6, 16)))
        assert amounts(trial.latest_invoice) == [-500, 0]


async def test_an_end_inside_a_trial_does_not_move_the_trial(sim: Sim) -> None:
    """Flexible billing (billing-mode/compare): `trial_end` is preserved."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000), trial_period_days=14)
        ending = await case.update(held, cancel_at=unix(at(2026, 6, 10)))
        assert ending.trial_end == unix(TRIAL_END)
        await case.advance(at(2026, 6, 20))
        shown = await case.held(held)
        assert (shown.status, shown.ended_at) == ("canceled", unix(at(2026, 6, 10)))
        assert len(await case.invoices(held)) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"trial_end": unix(START)}, "in the future"),
        ({"trial_end": unix(at(2028, 6, 5))}, "730"),
        ({"trial_end": unix(TRIAL_END), "trial_period_days": 3}, "only specify one"),
    ],
)
async def test_trials_that_make_no_sense_are_refused(sim: Sim, more: Any, message: str) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        with pytest.raises(stripe.InvalidRequestError, match=message):
            await case.subscribe(await case.price(1000), **more)
