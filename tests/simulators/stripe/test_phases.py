"""Phases that begin inside a billing period: prorated as they say, or with a cycle of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import Case, amounts, new_case, to_the_second
from tests.simulators.stripe.support import Sim, at, running, unix

START, HALF, NEXT = at(2026, 4, 1), at(2026, 4, 16), at(2026, 5, 1)
LATER = timedelta(hours=2)


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def _schedule(case: Case, phases: list[Any], **more: Any) -> tuple[Any, Any]:
    given: Any = {
        "customer": case.customer,
        "start_date": unix(START),
        "end_behavior": "release",
        "phases": phases,
        "expand": ["subscription"],
        **more,
    }
    made: Any = await case.client.v1.subscription_schedules.create_async(given)
    return made, made.subscription


async def _two(case: Case, behavior: str, **second: Any) -> list[Any]:
    price = await case.price(1000)
    return [
        {"items": [{"price": price, "quantity": 2}], "end_date": unix(HALF)},
        {
            "items": [{"price": price, "quantity": 5}],
            "duration": {"interval": "year"},
            "proration_behavior": behavior,
            **second,
        },
    ]


@pytest.mark.parametrize(
    ("behavior", "pending", "invoices"),
    [
        ("none", [], [[2000], [5000]]),
        ("create_prorations", [-1000, 2500], [[2000], [-1000, 2500, 5000]]),
        ("always_invoice", [], [[2000], [-1000, 2500], [5000]]),
    ],
)
async def test_a_phase_inside_a_period_is_prorated_as_it_says(
    sim: Sim, behavior: str, pending: list[int], invoices: list[list[int]]
) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        _, held = await _schedule(case, await _two(case, behavior))
        item = held["items"].data[0].id
        await case.advance(HALF + LATER)
        shown = (await case.held(held))["items"].data[0]
        assert (shown.id, shown.quantity, shown.current_period_end) == (item, 5, unix(NEXT))
        assert await case.pending() == pending
        await case.advance(NEXT + LATER)
        assert [amounts(one) for one in await case.invoices(held)] == invoices


async def test_other_prices_make_other_items(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        phases = await _two(case, "create_prorations")
        phases[1]["items"] = [{"price": await case.price(3000)}]
        _, held = await _schedule(case, phases)
        await case.advance(HALF + LATER)
        after = await case.held(held)
        assert after["items"].data[0].id != held["items"].data[0].id
        assert await case.pending() == [1500, -1000]


async def test_a_phase_may_count_its_periods_from_its_own_start(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        phases = await _two(case, "create_prorations", billing_cycle_anchor="phase_start")
        phases[1]["items"] = [{"price": await case.price(24_000, "year")}]
        _, held = await _schedule(case, phases)
        await case.advance(HALF + LATER)
        after = await case.held(held)
        assert after.billing_cycle_anchor == unix(HALF)
        item = after["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == (
            unix(HALF),
            unix(at(2027, 4, 16)),
        )
        last = (await case.invoices(held))[-1]
        assert (sorted(amounts(last)), last.status) == ([-1000, 24_000], "paid")


async def test_the_last_phase_ends_the_subscription_inside_a_period(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: the period that holds the end is shortened."""
    async with sim.client() as client:
        case = await new_case(client, START)
        end = at(2026, 6, 11)
        phases = [
            {
                "items": [{"price": await case.price(3000)}],
                "end_date": unix(end),
            }
        ]
        _, held = await _schedule(case, phases, end_behavior="cancel")
        assert held.cancel_at == unix(end)
        await case.advance(NEXT + LATER)
        await case.advance(at(2026, 6, 1) + LATER)
        part = to_the_second(3000, at(2026, 6, 1), end, (at(2026, 6, 1), at(2026, 7, 1)))
        assert [one.total for one in await case.invoices(held)] == [3000, 3000, part]
        await case.advance(end + LATER)
        assert (await case.held(held)).status == "canceled"


async def test_a_running_schedule_is_cancelled_with_credit_and_a_final_invoice(sim: Sim) -> None:
    """`prorate` and `invoice_now` are true unless told otherwise (docstrings, stripe 16.1)."""
    async with sim.client() as client:
        case = await new_case(client, START)
        schedule, held = await _schedule(case, await _two(case, "none"))
        await case.advance(START + LATER)
        await case.advance(HALF - LATER)
        ended = await client.v1.subscription_schedules.cancel_async(schedule.id)
        assert ended.status == "canceled"
        credit = to_the_second(2000, HALF - LATER, NEXT, (START, NEXT))
        final = (await case.invoices(held))[-1]
        assert (amounts(final), final.status) == ([-credit], "paid")
        assert (await client.v1.customers.retrieve_async(case.customer)).balance == -credit


async def test_a_schedule_lets_its_subscription_go_in_the_middle_of_a_period(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        phases = (await _two(case, "none"))[:1]
        schedule, held = await _schedule(case, phases)
        await case.advance(NEXT + LATER)
        assert [one.total for one in await case.invoices(held)] == [2000, 2000]
        released = await client.v1.subscription_schedules.retrieve_async(schedule.id)
        assert (released.status, released.released_subscription) == ("released", held.id)


async def test_a_scheduled_subscription_is_changed_by_its_schedule_only(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        _, held = await _schedule(case, await _two(case, "none"))
        item = held["items"].data[0].id
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await case.update(held, items=[{"id": item, "quantity": 7}])
        assert refused.value.code == "simulator_unsupported"


async def _from(case: Case, subscription: Any) -> Any:
    return await case.client.v1.subscription_schedules.create_async(
        {"from_subscription": subscription.id}
    )


async def test_a_schedule_made_from_a_subscription_has_its_current_period(sim: Sim) -> None:
    """Docstring of `from_subscription`: its items, no other parameter beside it."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(1000))
        schedule = await _from(case, held)
        assert (schedule.status, schedule.subscription) == ("active", held.id)
        (phase,) = schedule.phases
        assert (phase.start_date, phase.end_date) == (unix(START), unix(NEXT))
        assert [(one.price, one.quantity) for one in phase["items"]] == [
            (held["items"].data[0].price.id, 1)
        ]
        assert (await case.held(held)).schedule == schedule.id
        with pytest.raises(stripe.InvalidRequestError, match="already attached"):
            await _from(case, held)
        # Left alone, it lets the subscription go when the period ends.
        await case.advance(NEXT + LATER)
        assert (await case.held(held)).schedule is None
        assert [one.total for one in await case.invoices(held)] == [1000, 1000]


async def test_a_downgrade_waits_for_the_end_of_the_period(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/change-price#subscription-schedules."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(3000))
        schedule = await _from(case, held)
        phase = schedule.phases[0]
        await case.advance(HALF)
        given: Any = {
            "phases": [
                {
                    "start_date": phase.start_date,
                    "end_date": phase.end_date,
                    "items": [{"price": one.price, "quantity": 1} for one in phase["items"]],
                },
                {
                    "items": [{"price": await case.price(1000)}],
                    "duration": {"interval": "month", "interval_count": 2},
                },
            ],
            "end_behavior": "cancel",
        }
        changed = await client.v1.subscription_schedules.update_async(schedule.id, given)
        assert [one.end_date for one in changed.phases] == [unix(NEXT), unix(at(2026, 7, 1))]
        assert await case.pending() == []
        assert (await case.held(held)).cancel_at is None
        await case.advance(NEXT + LATER)
        assert (await case.held(held)).cancel_at == unix(at(2026, 7, 1))
        await case.advance(at(2026, 6, 1) + LATER)
        assert [one.total for one in await case.invoices(held)] == [3000, 1000, 1000]
        await case.advance(at(2026, 7, 1) + LATER)
        assert (await case.held(held)).status == "canceled"


async def test_the_current_phase_goes_on_billing_the_same(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await case.subscribe(await case.price(3000))
        schedule = await _from(case, held)
        phase = schedule.phases[0]
        item = {"price": phase["items"][0].price, "quantity": 2}
        for more in (
            {"start_date": phase.start_date, "items": [item]},
            {"start_date": phase.start_date + 1, "items": [{**item, "quantity": 1}]},
        ):
            given: Any = {"phases": [{**more, "end_date": phase.end_date}]}
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await client.v1.subscription_schedules.update_async(schedule.id, given)
            assert refused.value.code == "simulator_unsupported"
        shown = await client.v1.subscription_schedules.retrieve_async(schedule.id)
        assert shown.phases[0]["items"][0].quantity == 1


async def test_a_schedule_that_has_not_begun_can_be_given_other_phases(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        phases = await _two(case, "none")
        phases[0]["end_date"] = unix(at(2026, 6, 1))
        schedule, _ = await _schedule(case, phases, start_date=unix(NEXT))
        later = unix(at(2026, 5, 10))
        phases[0] = {**phases[0], "start_date": later}
        given: Any = {"phases": phases[:1]}
        changed = await client.v1.subscription_schedules.update_async(schedule.id, given)
        assert [one.start_date for one in changed.phases] == [later]
        await case.advance(NEXT + LATER)
        assert (await client.v1.subscriptions.list_async({"customer": case.customer})).data == []
        await case.advance(at(2026, 5, 10) + LATER)
        rows = await client.v1.subscriptions.list_async({"customer": case.customer})
        assert [row.start_date for row in rows.data] == [later]
