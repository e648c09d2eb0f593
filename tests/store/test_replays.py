"""EV-05, RS-06: stored events are told again by key, type and time, counted first, at a rate."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.events import EventType
from dealthread.errors import BadInput
from dealthread.store.event_log import Replay, ReplayPlan, Wanted
from tests.store.telling import START, Office

pytestmark = pytest.mark.postgres
ALL = Wanted()


@pytest.fixture
def office(store: AsyncEngine) -> Office:
    return Office(store)


async def heard(office: Office) -> None:
    """Five events of two contracts and two types, all delivered."""
    await office.told(1, 2)
    await office.told(3, kind=EventType.INVOICE_POSTED)
    await office.told(4, kind=EventType.CREDIT_MEMO_CREATED, subject="C-2")
    await office.told(5, subject="C-2")
    await office.deliver()
    office.desk.got.clear()


async def plan(office: Office, wanted: Wanted = ALL) -> ReplayPlan:
    return await office.log.plan("desk", ("*",), wanted, "pat")


async def execute(office: Office, token: str, wanted: Wanted = ALL, rate: int = 50) -> Replay:
    return await office.log.replay("desk", ("*",), wanted, "pat", token, rate)


def at(hours: int) -> Any:
    return START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Wanted(), {1, 2, 3, 4, 5}),
        (Wanted(key="C-2"), {4, 5}),
        (Wanted(key="evt_3"), {3}),
        (Wanted(types=("contract.*",)), {1, 2, 5}),
        (Wanted(types=("dealthread.invoice.posted.v1", "credit_memo.*")), {3, 4}),
        (Wanted(since=at(2), until=at(4)), {2, 3}),
        (Wanted(key="C-1", types=("contract.*",), since=at(2)), {2}),
        (Wanted(key="C-9"), set()),
    ],
)
async def test_a_dry_run_counts_by_key_type_and_time_and_sends_nothing(
    office: Office, wanted: Wanted, ids: set[int]
) -> None:
    await heard(office)
    planned = await plan(office, wanted)
    assert planned.count == len(ids) == sum(planned.by_type.values())
    assert planned.sample == [f"evt_{one}" for one in sorted(ids)]
    assert {one.id for one in await office.log.listing(wanted, 50)} == set(planned.sample)
    assert await office.replayed() == 0
    assert office.desk.got == []


async def test_a_replay_sends_what_was_counted_under_the_same_ids_and_marked(
    office: Office,
) -> None:
    await heard(office)
    asked = await execute(office, (await plan(office)).token)
    assert asked.count == 5
    assert await office.deliver() == 0, "a replay is not mixed with what is new"
    assert await office.replayed() == 5
    assert office.desk.got == [(f"evt_{one}", asked.replay_id) for one in range(1, 6)]
    assert await office.replayed() == 0
    (counted,) = await office.log.replays(10)
    assert (counted.count, counted.delivered, counted.pending, counted.failed) == (5, 5, 0, 0)


async def test_who_asked_for_what_and_how_many_is_on_record_for_dry_runs_too(
    office: Office,
) -> None:
    await heard(office)
    wanted = Wanted(key="C-2")
    asked = await execute(office, (await plan(office, wanted)).token, wanted)
    records = [(row[0], row[1], dict(row[2])) for row in await office.audited()]  # type: ignore[call-overload]
    assert [(who, what) for who, what, _ in records] == [
        ("pat", "events.replay_planned"),
        ("pat", "events.replayed"),
    ]
    assert [(one["dry_run"], one["count"]) for _, _, one in records] == [(True, 2), (False, 2)]
    assert all(one["wanted"]["key"] == "C-2" for _, _, one in records)
    assert asked.actor == "pat"


async def test_a_token_is_good_for_what_it_counted_and_for_nothing_else(office: Office) -> None:
    await heard(office)
    token = (await plan(office, Wanted(key="C-1"))).token
    for wanted, given in [(ALL, token), (Wanted(key="C-1"), "1-0"), (Wanted(key="C-1"), "x")]:
        with pytest.raises(BadInput) as refused:
            await execute(office, given, wanted)
        assert refused.value.field == "token"
    nothing = Wanted(key="C-9")
    with pytest.raises(BadInput) as refused:
        await execute(office, (await plan(office, nothing)).token, nothing)
    assert refused.value.code == "nothing_to_replay"
    assert await office.replayed() == 0


async def test_what_is_told_after_the_dry_run_is_not_part_of_it(office: Office) -> None:
    await heard(office)
    token = (await plan(office)).token
    await office.told(6)
    await office.sql("UPDATE outbox SET created_at = now() WHERE id = 'evt_6'")
    assert (await execute(office, token)).count == 5


async def test_of_ten_who_execute_at_once_one_does(office: Office) -> None:
    await heard(office)
    token = (await plan(office)).token
    answers = await asyncio.gather(
        *(execute(office, token) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, Replay) for one in answers) == 1
    assert sum(isinstance(one, BadInput) for one in answers) == 9
    assert await office.replayed() == 5


async def test_failed_deliveries_are_sent_again_and_what_is_on_its_way_is_left(
    office: Office,
) -> None:
    await office.told(1)
    office.desk.answer = "refuses"
    await office.deliver()
    office.desk.answer = "down"
    await office.told(2)
    await office.deliver()
    office.desk.answer, office.desk.got[:] = "taken", []
    planned = await plan(office)
    assert planned.sample == ["evt_1"]
    asked = await execute(office, planned.token)
    await office.replayed()
    assert office.desk.got == [("evt_1", asked.replay_id)]


async def test_a_subscriber_gets_only_what_it_asks_for_in_a_replay_too(office: Office) -> None:
    await heard(office)
    planned = await office.log.plan("desk", ("invoice.*",), ALL, "pat")
    assert planned.sample == ["evt_3"]


async def test_a_replay_keeps_its_rate(office: Office) -> None:
    """No faster, though all of it is due at once."""
    await heard(office)
    await execute(office, (await plan(office)).token, rate=4)
    began = time.monotonic()
    assert await office.replayed() == 4, "a second's worth in one pass"
    assert await office.replayed() == 1
    assert time.monotonic() - began >= 1.2


async def test_a_slow_first_delivery_does_not_end_a_replay_asked_meanwhile(
    office: Office,
) -> None:
    await office.told(1)
    await office.outbox.route("desk", ("*",))
    (slow,) = await office.outbox.due("desk", 10)
    await office.sql("UPDATE deliveries SET state = 'failed'")
    asked = await execute(office, (await plan(office)).token)
    await office.outbox.delivered(slow, "204")
    await office.replayed()
    assert office.desk.got == [("evt_1", asked.replay_id)]
