"""EV-03, SN-5: each subscriber gets each of its events at least once, whatever the others do."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.relay import Relay
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.settings import Settings, Subscriber
from dealthread.store.cases import PostgresCases
from dealthread.store.contracts import PostgresContracts
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import MOST_ATTEMPTS, Outbox, publish, retry_delay
from dealthread.store.runs import Runs
from dealthread.store.schema import deliveries

pytestmark = pytest.mark.postgres


@pytest.fixture
def outbox(store: AsyncEngine) -> Outbox:
    return Outbox(store)


async def told(
    store: AsyncEngine, number: int = 1, kind: EventType = EventType.CONTRACT_ACTIVATED
) -> None:
    async with store.begin() as connection:
        await publish(
            connection,
            BusinessEvent(
                id=f"evt_{number}",
                type=kind,
                subject="C-1",
                time=datetime(2026, 1, 1, tzinfo=UTC),
                data={"n": number},
            ),
        )


async def due(outbox: Outbox, subscriber: str = "a") -> list[str]:
    await outbox.route(subscriber, ("*",))
    return [one.event_id for one in await outbox.due(subscriber, 50)]


async def now(store: AsyncEngine) -> None:
    """Time passes until every delivery is due."""
    async with store.begin() as connection:
        await connection.execute(text("UPDATE deliveries SET next_attempt_at = now()"))


async def test_telling_twice_is_telling_once(outbox: Outbox, store: AsyncEngine) -> None:
    await asyncio.gather(*(told(store) for _ in range(5)))
    assert await due(outbox) == ["evt_1"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("*",), {1, 2, 3}),
        (("contract.*",), {1, 2}),
        (("contract.ended",), {2}),
        (("case.*", "contract.activated"), {1, 3}),
        (("invoice.*",), set()),
        ((), set()),
    ],
)
async def test_a_subscriber_gets_what_it_asked_for(
    outbox: Outbox, store: AsyncEngine, patterns: tuple[str, ...], expected: set[int]
) -> None:
    await told(store, 1)
    await told(store, 2, EventType.CONTRACT_ENDED)
    await told(store, 3, EventType.CASE_OPENED)
    await outbox.route("a", patterns)
    assert {one.body["data"]["n"] for one in await outbox.due("a", 50)} == expected  # type: ignore[index]


async def test_a_claimed_delivery_is_nobody_elses_until_the_claim_lapses(
    outbox: Outbox, store: AsyncEngine
) -> None:
    """At least once: a sender that dies after claiming loses nothing."""
    for number in range(20):
        await told(store, number)
    await outbox.route("a", ("*",))
    claimed = await asyncio.gather(*(outbox.due("a", 5) for _ in range(4)))
    ids = [one.event_id for some in claimed for one in some]
    assert len(ids) == len(set(ids))
    assert await outbox.due("a", 50) == [] or len(ids) < 20
    await now(store)
    assert len(await outbox.due("a", 50)) == 20


async def test_a_delivered_event_is_delivered_for_that_subscriber_alone(
    outbox: Outbox, store: AsyncEngine
) -> None:
    await told(store)
    await outbox.route("a", ("*",))
    await outbox.route("b", ("*",))
    (one,) = await outbox.due("a", 50)
    await outbox.delivered(one, "204")
    # A slower sender of the same delivery does not make it undelivered.
    await outbox.failed(one, "read_timeout", final=True)
    await now(store)
    assert await due(outbox, "a") == []
    assert await due(outbox, "b") == ["evt_1"]


def test_pauses_double_up_to_an_hour_with_a_jitter_that_follows_from_what_is_sent() -> None:
    for attempt in range(MOST_ATTEMPTS):
        whole = min(5 * 2**attempt, 3600)
        seconds = [retry_delay(f"evt_{n}", "a", attempt).total_seconds() for n in range(50)]
        assert all(whole / 2 <= one <= whole for one in seconds)
        assert len(set(seconds)) == 50, "events that one outage held up are spread"
        assert seconds[0] == retry_delay("evt_0", "a", attempt).total_seconds()


async def test_failed_deliveries_come_again_by_the_schedule_and_end_visible(
    outbox: Outbox, store: AsyncEngine
) -> None:
    await told(store)
    await outbox.route("a", ("*",))
    for attempt in range(MOST_ATTEMPTS - 1):
        (one,) = await outbox.due("a", 50)
        before = datetime.now(UTC)
        await outbox.failed(one, "503", final=False)
        async with store.connect() as connection:
            row = (await connection.execute(select(deliveries))).one()
        assert row.state == "pending"
        pause = (row.next_attempt_at - before).total_seconds()
        assert pause == pytest.approx(retry_delay("evt_1", "a", attempt).total_seconds(), abs=1.0)
        assert await outbox.due("a", 50) == []
        await now(store)
    (one,) = await outbox.due("a", 50)
    await outbox.failed(one, "503", final=False)
    async with store.connect() as connection:
        row = (await connection.execute(select(deliveries))).one()
    assert (row.state, row.attempts, row.answer) == ("failed", MOST_ATTEMPTS, "503")
    await now(store)
    assert await outbox.due("a", 50) == []


@dataclass
class Receivers:
    """Where events go: one receiver works, one never answers, one refuses."""

    got: list[str] = field(default_factory=list)
    three: asyncio.Event = field(default_factory=asyncio.Event)
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(
        self,
        url: str,
        secret_name: str,
        event_id: str,
        event_type: str,
        body: bytes,
        *,
        replay_id: str = "",
    ) -> Outcome[str]:
        assert not replay_id
        assert json.loads(body)["id"] == event_id
        if url == "dead":
            await self.dead.wait()
        if url == "down":
            raise VendorUnavailable("refused")
        if url == "lost":
            return Unknown(code="read_timeout")
        if url == "gone":
            return Rejected(case_kind="", code="410")
        if url == "live":
            self.got.append(event_id)
            if len(self.got) == 3:
                self.three.set()
        return Done("204")


def subscriber(url: str) -> Subscriber:
    return Subscriber(name=url, url=url, secret_name="s", types=("*",))


@pytest.fixture
def relay(store: AsyncEngine) -> tuple[Relay, Receivers]:
    receivers = Receivers()
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://unused",
            "codec_keys": json.dumps({"k": base64.b64encode(b"k" * 32).decode()}),
            "subscribers": tuple(subscriber(url) for url in ("dead", "live")),
        }
    )
    return (
        Relay(
            settings,
            cast(Client, None),
            Inbox(store),
            Runs(store),
            PostgresCases(store),
            Outbox(store),
            receivers,
            PostgresContracts(store),
        ),
        receivers,
    )


async def test_a_dead_subscriber_delays_no_other(
    relay: tuple[Relay, Receivers], store: AsyncEngine
) -> None:
    it, receivers = relay
    for number in range(3):
        await told(store, number)
    stop = asyncio.Event()
    running = asyncio.create_task(it.run(stop))
    try:
        async with asyncio.timeout(20):
            await receivers.three.wait()
    finally:
        stop.set()
        receivers.dead.set()
        await running
    assert sorted(receivers.got) == ["evt_0", "evt_1", "evt_2"]


@pytest.mark.parametrize(
    ("url", "state", "answer"),
    [
        ("live", "delivered", "204"),
        ("down", "pending", "refused"),
        ("lost", "pending", "read_timeout"),
        ("gone", "failed", "410"),
    ],
)
async def test_each_answer_of_a_subscriber_is_recorded(
    relay: tuple[Relay, Receivers], store: AsyncEngine, url: str, state: str, answer: str
) -> None:
    it, _ = relay
    await told(store)
    assert await it.deliver_events(subscriber(url)) == 1
    async with store.connect() as connection:
        row = (await connection.execute(select(deliveries))).one()
    assert (row.state, row.answer) == (state, answer)
    assert row.next_attempt_at > datetime.now(UTC) - timedelta(minutes=1)
