"""RS-05, RS-06: a message that was refused has its context and is taken up again once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from dealthread.store.inbox import Inbox, InboxState
from dealthread.store.schema import audit
from tests.bridge.caller import Bridge, hint, signed

pytestmark = pytest.mark.postgres
WHY = {"reason": "the mapping was mended"}


async def refused(bridge: Bridge) -> int:
    """One message that the relay did not understand."""
    body = hint()
    await bridge.hook(body, signed(body))
    (row,) = await bridge.rows()
    await Inbox(bridge.engine).finish(row.id, InboxState.REFUSED, "unreadable: recordId")
    return int(row.id)


async def test_refused_messages_are_listed_with_owner_age_and_reason_and_no_body(
    bridge: Bridge,
) -> None:
    number = await refused(bridge)
    (seen,) = (await bridge.as_role("viewer", "GET", "/v1/inbox")).json()
    assert (seen["id"], seen["state"], seen["owner"]) == (number, "refused", "sales operations")
    assert (seen["outcome"], seen["message_id"]) == ("unreadable: recordId", "msg_1")
    assert seen["received_at"]
    assert "body" not in seen
    assert (await bridge.as_role("viewer", "GET", "/v1/inbox?state=held")).json() == []
    assert (await bridge.as_role("viewer", "GET", "/v1/inbox?state=lost")).status_code == 422


async def test_of_ten_who_replay_it_at_once_one_does_and_it_is_due_once(bridge: Bridge) -> None:
    number = await refused(bridge)
    path = f"/v1/inbox/{number}/replays"
    answers = await asyncio.gather(
        *(bridge.as_role("operator", "POST", path, WHY) for _ in range(10))
    )
    assert sorted(one.status_code for one in answers) == [202] + [409] * 9
    assert [row.id for row in await Inbox(bridge.engine).due(10)] == [number]
    async with bridge.engine.connect() as connection:
        rows = list(
            await connection.execute(select(audit).where(audit.c.stream == f"inbox:{number}"))
        )
    assert [(row.actor, row.event) for row in rows] == [("operator-person", "inbox.replayed")]
    assert rows[0].detail == {
        "was": "unreadable: recordId",
        "source": "salesforce",
        "reason": WHY["reason"],
    }


@pytest.mark.parametrize("state", [InboxState.NEW, InboxState.HANDLED, InboxState.HELD])
async def test_only_a_refused_message_is_taken_up_again(bridge: Bridge, state: InboxState) -> None:
    number = await refused(bridge)
    await Inbox(bridge.engine).finish(number, state, "")
    answer = await bridge.as_role("operator", "POST", f"/v1/inbox/{number}/replays", WHY)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refused")
    assert (await bridge.rows())[0].state == state


async def test_a_replay_needs_a_reason_and_a_message(bridge: Bridge) -> None:
    number = await refused(bridge)
    path = f"/v1/inbox/{number}/replays"
    unsaid = await bridge.as_role("operator", "POST", path, {"reason": ""})
    assert (unsaid.status_code, unsaid.json()["field"]) == (400, "reason")
    unknown = await bridge.as_role("operator", "POST", f"/v1/inbox/{number + 1}/replays", WHY)
    assert unknown.status_code == 404
