"""EV-05, RS-06, EV-06: events, replays and subscribers through the process API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dealthread.domain.events import BusinessEvent, EventType
from dealthread.store.outbox import Outbox, publish
from dealthread.store.schema import audit, deliveries
from dealthread.store.subscribers import Subscribers
from tests.bridge.caller import Bridge

pytestmark = pytest.mark.postgres
REPLAYS = "/v1/events/replays"


async def heard(bridge: Bridge) -> None:
    """Two events of two contracts, delivered, and one that the desk does not ask for."""
    async with bridge.engine.begin() as connection:
        for number, kind in enumerate(
            (EventType.CONTRACT_ACTIVATED, EventType.CONTRACT_ENDED, EventType.INVOICE_POSTED)
        ):
            await publish(
                connection,
                BusinessEvent(
                    id=f"evt_{number}",
                    type=kind,
                    subject=f"C-{number}",
                    time=datetime(2026, 3, 1, tzinfo=UTC),
                    data={"contract_key": f"C-{number}"},
                ),
            )
    outbox = Outbox(bridge.engine)
    await outbox.route("desk", ("contract.*",))
    for one in await outbox.due("desk", 10):
        await outbox.delivered(one, "n-1")


async def asked(bridge: Bridge, **body: object) -> tuple[int, Any]:
    answer = await bridge.as_role("operator", "POST", REPLAYS, {"subscriber": "desk"} | body)
    return answer.status_code, answer.json()


async def test_a_replay_is_a_dry_run_unless_it_says_otherwise(bridge: Bridge) -> None:
    await heard(bridge)
    status, answer = await asked(bridge)
    assert (status, answer["dry_run"], answer["replay"]) == (200, True, None)
    assert answer["plan"]["count"] == 2
    assert answer["plan"]["sample"] == ["evt_0", "evt_1"]
    async with bridge.engine.connect() as connection:
        states = list((await connection.execute(select(deliveries.c.state))).scalars())
    assert states == ["delivered", "delivered"]


async def test_executed_with_its_token_it_waits_for_the_relay_and_is_listed(
    bridge: Bridge,
) -> None:
    await heard(bridge)
    _, dry = await asked(bridge, key="C-1")
    token = dry["plan"]["token"]
    status, answer = await asked(bridge, key="C-1", dry_run=False, token=token, rate_per_second=2)
    assert status == 200
    made = answer["replay"]
    assert (made["count"], made["pending"], made["rate_per_second"]) == (1, 1, 2)
    assert made["actor"] == "operator-person"
    listed = (await bridge.as_role("viewer", "GET", REPLAYS)).json()
    assert [one["replay_id"] for one in listed] == [made["replay_id"]]
    again, refused = await asked(bridge, key="C-1", dry_run=False, token=token)
    assert (again, refused["code"], refused["field"]) == (409, "replay_changed", "token")
    async with bridge.engine.connect() as connection:
        rows = list(
            await connection.execute(
                select(audit.c.actor, audit.c.event)
                .where(audit.c.stream == "subscriber:desk")
                .order_by(audit.c.seq)
            )
        )
    assert [tuple(row) for row in rows] == [
        ("operator-person", "events.replay_planned"),
        ("operator-person", "events.replayed"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"dry_run": False}, 400, "token"),
        ({"dry_run": False, "token": "no token"}, 400, "token"),
        ({"dry_run": False, "token": "9999999999999999-0"}, 409, "token"),
        ({"subscriber": "nobody"}, 400, "subscriber"),
        ({"rate_per_second": 0}, 422, "body.rate_per_second"),
        ({"rate_per_second": 51}, 422, "body.rate_per_second"),
        ({"since": "yesterday"}, 422, "body.since"),
        ({"since": "2026-03-01T00:00:00"}, 422, "body.since"),
        ({"colour": "red"}, 422, "body.colour"),
    ],
)
async def test_a_wrong_replay_names_its_field(
    bridge: Bridge, body: dict[str, object], status: int, field: str
) -> None:
    await heard(bridge)
    answered, problem = await asked(bridge, **body)
    assert (answered, problem["field"]) == (status, field)


async def test_an_event_is_shown_as_it_was_sent_with_its_deliveries(bridge: Bridge) -> None:
    await heard(bridge)
    listed = (await bridge.as_role("viewer", "GET", "/v1/events?types=contract.*&limit=10")).json()
    assert {(one["id"], one["delivered"]) for one in listed} == {("evt_0", 1), ("evt_1", 1)}
    shown = (await bridge.as_role("viewer", "GET", "/v1/events/evt_0")).json()
    assert shown["event"]["type"] == "dealthread.contract.activated.v1"
    assert [(one["subscriber"], one["state"]) for one in shown["deliveries"]] == [
        ("desk", "delivered")
    ]
    assert (await bridge.as_role("viewer", "GET", "/v1/events/evt_9")).status_code == 404


async def test_a_disabled_subscriber_is_seen_and_enabled_again_once(bridge: Bridge) -> None:
    store = Subscribers(bridge.engine)
    assert await store.failed("desk", "refused", most=1, after=timedelta(0))
    (seen,) = (await bridge.as_role("viewer", "GET", "/v1/subscribers")).json()
    assert (seen["name"], seen["kind"]) == ("desk", "communications")
    assert (seen["standing"]["state"], seen["standing"]["last_code"]) == ("disabled", "refused")
    path, body = "/v1/subscribers/desk/enable", {"reason": "certificate renewed"}
    unsaid = await bridge.as_role("operator", "POST", path, {"reason": " "})
    assert (unsaid.status_code, unsaid.json()["field"]) == (400, "reason")
    first = await bridge.as_role("operator", "POST", path, body)
    assert first.json()["standing"]["state"] == "enabled"
    second = await bridge.as_role("operator", "POST", path, body)
    assert (second.status_code, second.json()["code"]) == (409, "not_disabled")
    nobody = await bridge.as_role("operator", "POST", "/v1/subscribers/nobody/enable", body)
    assert nobody.status_code == 404
