"""Events, replays, subscribers and refused messages on the command line (EV-05, RS-05, RS-06)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.events import BusinessEvent, EventType
from dealthread.stack.info import StackInfo
from dealthread.store.outbox import Outbox, publish
from dealthread.store.schema import inbox
from dealthread.store.subscribers import Subscribers
from tests.cli.conftest import Run

pytestmark = pytest.mark.postgres
DESK = "communications"


@pytest.fixture
async def heard(engine: AsyncEngine, stack: StackInfo) -> StackInfo:
    """One event that the desk has."""
    async with engine.begin() as connection:
        await publish(
            connection,
            BusinessEvent(
                id="evt_1",
                type=EventType.CONTRACT_ACTIVATED,
                subject="C-1",
                time=datetime(2026, 3, 1, tzinfo=UTC),
                data={"contract_key": "C-1"},
            ),
        )
    outbox = Outbox(engine)
    await outbox.route(DESK, ("*",))
    for one in await outbox.due(DESK, 10):
        await outbox.delivered(one, "n-1")
    return stack


def test_a_replay_is_counted_first_and_sent_with_the_token_it_printed(
    run: Run, heard: StackInfo
) -> None:
    assert heard
    words = ("events", "replay", DESK, "--key", "C-1", "--type", "contract.*")
    dry = run(*words)
    assert "1 events would go to communications again; nothing was sent" in dry.out
    assert "evt_1" in dry.out
    token = re.search(r"--execute (\S+)", dry.out)
    assert token is not None
    assert run("events", "replays").out.strip() == "nothing was replayed"
    done = run(*words, "--execute", token[1], "--rate", "5")
    assert re.match(r"RPL-[0-9A-F]{12}: 1 events go to communications again, 5 a second", done.out)
    (listed,) = json.loads(run("events", "replays", "--json").out)
    assert (listed["count"], listed["pending"], listed["actor"]) == (1, 1, "demo-operator")
    assert "replay changed (token)" in run(*words, "--execute", token[1]).error


def test_who_only_approves_may_not_replay(run: Run, heard: StackInfo) -> None:
    assert heard
    assert "your role may not do this" in run("events", "replay", DESK, "--as", "approver").error


def test_events_are_listed_and_shown_with_their_deliveries(run: Run, heard: StackInfo) -> None:
    assert heard
    assert "dealthread.contract.activated.v1" in run("events", "list", "--key", "C-1").out
    assert "no such event" in run("events", "list", "--type", "invoice.*").out
    shown = run("events", "show", "evt_1").out
    assert "· contract_key" in shown
    assert re.search(r"communications +delivered", shown)
    assert "event not found" in run("events", "show", "evt_9").error


async def _disabled(engine: AsyncEngine) -> None:
    assert await Subscribers(engine).failed(DESK, "refused", most=1, after=timedelta(0))


async def test_a_disabled_subscriber_is_listed_and_enabled(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    assert stack
    await _disabled(engine)
    assert re.search(r"communications +communications +disabled", run("subscribers", "list").out)
    words = ("subscribers", "enable", DESK, "--reason", "it is back")
    assert "communications is asked again" in run(*words).out
    assert "not disabled (name)" in run(*words).error


async def test_a_refused_message_is_listed_and_taken_up_again_once(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    assert stack
    async with engine.begin() as connection:
        number = (
            await connection.execute(
                inbox.insert()
                .values(
                    source="salesforce",
                    account="00D000000000001EAA",
                    message_id="msg_1",
                    content_type="application/json",
                    body=b"{}",
                    state="refused",
                    outcome="unreadable: recordId",
                )
                .returning(inbox.c.id)
            )
        ).scalar_one()
    assert "unreadable: recordId" in run("inbox", "list").out
    assert "no message is held" in run("inbox", "list", "--state", "held").out
    words = ("inbox", "replay", str(number), "--reason", "mended")
    assert f"message {number} is taken up again" in run(*words).out
    assert "not refused (id)" in run(*words).error
    assert "no message is refused" in run("inbox", "list").out
