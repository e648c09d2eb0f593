"""PF-24, EV-07: the desk that tells customers sends one notice for each business event."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.events.subscribers import SignedEventDelivery
from dealthread.domain.event_data.catalogue import CATALOGUE
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.outcome import Outcome
from dealthread.settings import Subscriber
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.receivers.app import ReceiverConfig, Role, create_app
from dealthread.simulators.receivers.notices import TEMPLATES
from dealthread.store.event_log import Wanted
from dealthread.store.outbox import publish
from tests.contracts.events import example_of
from tests.store.telling import Office

pytestmark = pytest.mark.postgres
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TOKEN = {"authorization": "Bearer token"}


class Killed(BaseException):
    """The relay is no more."""


class Mortal:
    """The real way out; it may be killed when the answer is there and nothing is recorded."""

    def __init__(self, way_out: SignedEventDelivery) -> None:
        self._way_out = way_out
        self.dies = False

    async def deliver(self, *args: Any, **more: Any) -> Outcome[str]:
        answer = await self._way_out.deliver(*args, **more)
        if self.dies:
            raise Killed
        return answer


@dataclass
class Desk:
    """A served desk with its file, and the relay's part before it."""

    server: BackgroundServer
    office: Office
    way_out: Mortal
    subscriber: Subscriber

    async def tell(self, *kinds: EventType) -> None:
        async with self.office.engine.begin() as connection:
            for kind in kinds:
                body = example_of(kind)
                event = {name: body[name] for name in ("subject", "data")}
                await publish(
                    connection,
                    BusinessEvent(
                        id=f"evt_{kind.value[11:40]}", type=kind, time=datetime.now(UTC), **event
                    ),
                )

    async def deliver(self) -> int:
        await self.office.sql("UPDATE deliveries SET next_attempt_at = now()")
        return await self.office.telling.deliver_events(self.subscriber)

    def forget(self) -> None:
        httpx.post(f"{self.server.url}/_sim/reset")

    def effects(self) -> list[str]:
        page = httpx.get(f"{self.server.url}/_sim/ledger?kind=effects").json()
        return [one["key"] for one in page["entries"]]

    def requests(self) -> int:
        page = httpx.get(f"{self.server.url}/_sim/ledger?kind=requests").json()
        return sum(one["path"] == "/events" for one in page["entries"])

    def notices(self, subject: str = "C-ABCDEFGHIJKLM") -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.server.url}/notices/{subject}", headers=TOKEN)
        found: list[dict[str, Any]] = answer.json()["notices"] if answer.is_success else []
        return found


@pytest.fixture
def config(tmp_path: Path) -> ReceiverConfig:
    return ReceiverConfig(
        role=Role.COMMUNICATIONS,
        webhook_secrets=(SECRET,),
        token="token",
        state_file=tmp_path / "communications.sqlite",
    )


@pytest.fixture
def server(config: ReceiverConfig) -> Iterator[BackgroundServer]:
    made = BackgroundServer(create_app(config))
    made.start()
    yield made
    made.stop()


@pytest_asyncio.fixture
async def desk(store: AsyncEngine, server: BackgroundServer) -> AsyncIterator[Desk]:
    adapter = SignedEventDelivery({"COMMUNICATIONS": SecretStr(SECRET)})
    way_out = Mortal(adapter)
    office = Office(store, way_out)  # type: ignore[arg-type]
    subscriber = Subscriber(
        name="communications",
        url=f"{server.url}/events",
        secret_name="COMMUNICATIONS",
        types=("*",),
        kind="communications",
    )
    yield Desk(server, office, way_out, subscriber)
    await adapter.aclose()


async def replay_all(desk: Desk) -> int:
    args = ("communications", ("*",), Wanted())
    plan = await desk.office.log.plan(*args, "pat")
    await desk.office.log.replay(*args, "pat", plan.token, 50)
    return await desk.office.telling.deliver_replays(desk.subscriber)


async def test_every_event_is_taken_and_those_that_concern_a_customer_are_told(
    desk: Desk,
) -> None:
    """Published examples, through signature and envelope: a consumer of every type."""
    await desk.tell(*CATALOGUE)
    assert await desk.deliver() == len(CATALOGUE)
    expected = {
        f"evt_{kind.value[11:40]}"
        for kind in CATALOGUE
        if kind.value.removeprefix("dealthread.").removesuffix(".v1") in TEMPLATES
    }
    assert len(expected) == len(TEMPLATES)
    assert set(desk.effects()) == expected
    assert len(desk.effects()) == len(expected)


async def test_a_replay_sends_no_second_notice(desk: Desk) -> None:
    await desk.tell(EventType.INVOICE_ISSUED, EventType.PAYMENT_SUCCEEDED)
    await desk.deliver()
    before = desk.notices()
    assert [one["template"] for one in before] in (["invoice", "receipt"], ["receipt", "invoice"])
    assert await replay_all(desk) == 2
    assert await replay_all(desk) == 2
    assert desk.requests() == 6, "the messages did come again"
    assert desk.notices() == before
    assert len(desk.effects()) == 2


async def test_a_relay_killed_between_delivery_and_record_repeats_it_under_one_id(
    desk: Desk,
) -> None:
    """At most twice, one id, one notice."""
    await desk.tell(EventType.INVOICE_ISSUED)
    desk.way_out.dies = True
    with pytest.raises(Killed):
        await desk.deliver()
    desk.way_out.dies = False
    assert await desk.deliver() == 1
    assert await desk.deliver() == 0
    assert desk.requests() == 2
    assert len(desk.effects()) == len(desk.notices()) == 1


async def test_a_desk_started_again_remembers_what_it_told(
    desk: Desk, config: ReceiverConfig
) -> None:
    await desk.tell(EventType.INVOICE_ISSUED)
    await desk.deliver()
    before = desk.notices()
    again = BackgroundServer(create_app(config))
    again.start()
    try:
        desk.server = again
        desk.subscriber = desk.subscriber.model_copy(update={"url": f"{again.url}/events"})
        assert await replay_all(desk) == 1
        assert (desk.notices(), desk.effects()) == (before, [])
    finally:
        again.stop()


@pytest.mark.parametrize("seed", range(5))
async def test_shuffled_and_repeated_deliveries_leave_the_same_notices(
    desk: Desk, seed: int
) -> None:
    """EV-04: by the events' own times, not by their arrival."""
    kinds = [kind for kind in CATALOGUE if kind.value.split(".")[1] in ("invoice", "payment")]
    bodies = []
    for hour, kind in enumerate(kinds):
        body = example_of(kind) | {
            "id": f"evt_{hour}",
            "subject": "C-1",
            "time": f"2026-03-01T{hour:02}:00:00+00:00",
        }
        bodies.append(BusinessEvent.model_validate(body))

    async def outcome(order: list[BusinessEvent]) -> list[dict[str, Any]]:
        desk.forget()
        for event in order:
            text = httpx.Request("POST", "http://x", json=event.cloud_event()).content
            await desk.way_out.deliver(
                desk.subscriber.url, "COMMUNICATIONS", event.id, event.type, text
            )
        return desk.notices("C-1")

    inorder = await outcome(bodies)
    shuffled = bodies * 3
    random.Random(seed).shuffle(shuffled)  # noqa: S311 an order that comes again
    assert await outcome(shuffled) == inorder
    assert len(inorder) == len([kind for kind in kinds if kind.value[11:-3] in TEMPLATES])
