"""RS-08: a circuit is seen by who may read, and switched by who may hold work back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from dealthread.domain.circuit import Circuit, Pace
from dealthread.store.circuits import PostgresCircuits
from tests.bridge.caller import Bridge

pytestmark = pytest.mark.postgres
WHY = {"reason": "month end"}
OPEN, CLOSE = "/v1/circuits/tryton/openings", "/v1/circuits/tryton/closings"


async def test_every_erp_is_listed_closed_until_somebody_opens_it(bridge: Bridge) -> None:
    (seen,) = (await bridge.as_role("viewer", "GET", "/v1/circuits")).json()
    assert (seen["circuit"]["vendor"], seen["circuit"]["state"]) == ("tryton", "closed")
    assert seen["waiting"] is None, "no Temporal here: unknown is not nought"
    for role, path in (("viewer", OPEN), ("approver", OPEN), ("viewer", CLOSE)):
        assert (await bridge.as_role(role, "POST", path, WHY)).status_code == 403
    opened = await bridge.as_role("operator", "POST", OPEN, WHY | {"account": "2"})
    assert opened.status_code == 201
    shown = (await bridge.as_role("viewer", "GET", "/v1/circuits")).json()
    assert [(one["circuit"]["account"], one["circuit"]["state"]) for one in shown] == [
        ("", "closed"),
        ("2", "open"),
    ]
    held = shown[1]["circuit"]
    assert (held["opened_by"], held["reason"], held["next_probe_at"]) == (
        "operator-person",
        "month end",
        None,
    )


async def test_of_ten_hands_at_once_all_find_it_open_and_there_is_one_outage(
    bridge: Bridge,
) -> None:
    answers = await asyncio.gather(
        *(bridge.as_role("operator", "POST", OPEN, WHY) for _ in range(10))
    )
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["incident"] for one in answers}) == 1
    (outage,) = (await bridge.as_role("viewer", "GET", "/v1/circuits/outages")).json()
    assert (outage["opened_by"], outage["closed_at"]) == ("operator-person", None)


async def test_a_hand_on_what_the_breaker_opened_holds_it_and_a_close_ends_the_outage(
    bridge: Bridge,
) -> None:
    circuits = PostgresCircuits(bridge.engine)
    closed, now = Circuit(vendor="tryton"), datetime.now(UTC)
    opened = closed.opened(now, "unreachable: not_connected", "breaker", Pace())
    assert await circuits.change(closed, opened, at=now, actor="breaker", reason=opened.reason)
    held = (await bridge.as_role("finance-systems", "POST", OPEN, WHY)).json()
    assert (held["incident"], held["next_probe_at"]) == (opened.incident, None)
    over = (await bridge.as_role("operator", "POST", CLOSE, WHY)).json()
    assert (over["state"], over["incident"]) == ("closed", "")
    assert (await bridge.as_role("operator", "POST", CLOSE, WHY)).json()["version"] == (
        over["version"]
    ), "closing it again changes nothing"
    (outage,) = (await bridge.as_role("viewer", "GET", "/v1/circuits/outages")).json()
    assert (outage["incident"], outage["closed_by"], outage["closing_reason"]) == (
        opened.incident,
        "operator-person",
        "month end",
    )


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/circuits/netsuite/openings", WHY, "vendor"),
        (OPEN, WHY | {"account": "99"}, "account"),
        (CLOSE, {"reason": " "}, "reason"),
        (CLOSE, {}, "reason"),
    ],
)
async def test_what_cannot_be_switched_is_named(
    bridge: Bridge, path: str, body: dict[str, str], field: str
) -> None:
    answer = await bridge.as_role("operator", "POST", path, body)
    assert answer.status_code in (400, 422)
    assert answer.json()["field"].rpartition(".")[2] == field
    assert answer.json()["action"]
    assert await PostgresCircuits(bridge.engine).all() == []
