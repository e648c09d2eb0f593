"""Phases that begin inside a billing period: prorated as they say, or with a cycle of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe_case import Case, amounts, new_case, to_the_second
from tests.simulators.stripe_support import Sim, at, running, unix

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
