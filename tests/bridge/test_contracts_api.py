"""PF-10…PF-13: changes of a live contract are ordered once, refused clearly, and seen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from temporalio.service import RPCError, RPCStatusCode

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeOutcome, RiskLevel, RiskSignal
from dealthread.naming import withdrawal_id
from dealthread.store.contracts import PostgresContracts
from dealthread.store.runs import Runs
from dealthread.store.schema import audit, change_orders, outbox, runs
from tests.bridge.caller import DEAL, ORG, Bridge
from tests.store.test_changes import context_of, second_version
from tests.support.change_orders import seats_of
from tests.support.events_told import breaches_of
from tests.support.running_contract import TODAY, running_contract, worked_contract

pytestmark = pytest.mark.postgres
UNKNOWN = "C-NNNNNNNNNNNNN"


async def contract_of(bridge: Bridge, state: ContractState = ContractState.ACTIVE) -> Contract:
    """A contract of the org, seen on a day within its term."""
    bridge.clock.at = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
    return await running_contract(bridge.engine, worked_contract(ORG, DEAL), state)


def more_seats(contract: Contract, quantity: str = "25", **more: Any) -> dict[str, Any]:
    line = {
        "action": "quantity",
        "line_key": seats_of(contract).line_key,
        "quantity": quantity,
    }
    return {"lines": [line]} | more


async def asked(bridge: Bridge, contract: Contract | str, what: str, body: Any, role="operator"):
    key = contract if isinstance(contract, str) else contract.key
    return await bridge.as_role(role, "POST", f"/v1/contracts/{key}/{what}", body)


async def counted(bridge: Bridge) -> tuple[int, int, int]:
    """Rows of runs, orders and audit entries: what an order could leave."""
    async with bridge.engine.connect() as connection:
        found = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (runs, change_orders, audit)
        ]
    return (found[0], found[1], found[2])


async def test_an_amendment_is_stored_audited_and_handed_to_its_contract(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    answer = await asked(bridge, contract, "amendments", more_seats(contract, source_id="A-1"))
    change_id = f"amendment:{contract.key}:A-1"
    assert answer.status_code == 202, answer.text
    assert answer.json() == {
        "business_key": change_id,
        "generation": 1,
        "contract_key": contract.key,
        "created": True,
    }
    ((request, key),) = await Runs(bridge.engine).undelivered(10)
    assert (request.change_id, request.kind, key) == (change_id, "amendment", contract.key)
    order = await bridge.held.changes.order(change_id)
    assert order is not None
    assert order.accepted_on == TODAY
    async with bridge.engine.connect() as connection:
        (entry,) = await connection.execute(select(audit).where(audit.c.event == "change.ordered"))
    assert (entry.actor, entry.key) == ("operator-person", change_id)


async def test_the_same_order_twice_is_one_change_also_on_another_day(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    first = await asked(bridge, contract, "amendments", more_seats(contract))
    bridge.clock.at += 86_400
    again = await asked(bridge, contract, "amendments", more_seats(contract))
    assert again.json() == first.json() | {"created": False}
    at_once = await asyncio.gather(
        *(asked(bridge, contract, "amendments", more_seats(contract, "30")) for _ in range(8))
    )
    assert [one.json()["created"] for one in at_once].count(True) == 1
    assert {one.json()["business_key"] for one in at_once} != {first.json()["business_key"]}


async def test_another_order_under_a_known_id_is_refused(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    await asked(bridge, contract, "amendments", more_seats(contract, source_id="A-1"))
    before = await counted(bridge)
    other = await asked(bridge, contract, "amendments", more_seats(contract, "9", source_id="A-1"))
    assert (other.status_code, other.json()["code"], other.json()["field"]) == (
        409,
        "another_order_under_this_id",
        "source_id",
    )
    assert await counted(bridge) == before


async def test_an_order_that_ended_undone_is_run_again_only_when_asked(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    body = more_seats(contract)
    first = (await asked(bridge, contract, "amendments", body)).json()
    running = await asked(bridge, contract, "amendments", body | {"again": True})
    assert (running.status_code, running.json()["code"]) == (409, "not_ended_undone")
    await PostgresContracts(bridge.engine).record_outcome(
        context_of(contract, first["business_key"]),
        ChangeOutcome.COMPENSATED,
        ContractState.ACTIVE,
        (),
    )
    assert (await asked(bridge, contract, "amendments", body)).json()["created"] is False
    again = await asked(bridge, contract, "amendments", body | {"again": True})
    assert (again.json()["generation"], again.json()["created"]) == (2, True)


async def test_a_term_is_renewed_or_declined_once(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    answer = await asked(bridge, contract, "renewals", {"uplift_percent": "4"})
    assert answer.json()["business_key"] == f"renewal:{contract.key}:{contract.end_date}"
    declined = await asked(bridge, contract, "renewals", {"decision": "decline"})
    assert declined.status_code == 409
    silent = await asked(bridge, contract, "renewals", {"decision": "automatic"})
    assert (silent.status_code, silent.json()["field"]) == (400, "decision")


async def test_a_cancellation_is_ordered_and_withdrawn(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    body = {"timing": "term_end", "reason": "moves on", "source_id": "X-1"}
    ended = (await asked(bridge, contract, "cancellations", body)).json()
    assert ended["business_key"] == f"cancellation:{contract.key}:X-1"
    target = {"change_id": ended["business_key"]}
    taken = await asked(bridge, contract, "withdrawals", target)
    assert taken.status_code == 202, taken.text
    assert taken.json()["business_key"] == withdrawal_id(ended["business_key"])
    again = await asked(bridge, contract, "withdrawals", target)
    assert again.json() == taken.json() | {"created": False}


async def test_what_came_to_nothing_is_not_withdrawn(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    made = (await asked(bridge, contract, "amendments", more_seats(contract))).json()
    await PostgresContracts(bridge.engine).record_outcome(
        context_of(contract, made["business_key"]),
        ChangeOutcome.COMPENSATED,
        ContractState.ACTIVE,
        (),
    )
    before = await counted(bridge)
    refused = await asked(bridge, contract, "withdrawals", {"change_id": made["business_key"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_withdraw")
    unknown = await asked(bridge, contract, "withdrawals", {"change_id": "amendment:x:y"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "change_not_found")
    assert await counted(bridge) == before


ORDERS = {
    "amendments": {"payment_terms": "NET45"},
    "renewals": {},
    "cancellations": {"timing": "now"},
    "withdrawals": {"change_id": "x"},
    "amendments/preview": {"payment_terms": "NET45"},
    "renewals/preview": {},
    "cancellations/preview": {"timing": "now"},
}


@pytest.mark.parametrize("what", sorted(ORDERS))
async def test_an_unknown_contract_is_not_found_and_nothing_is_written(
    bridge: Bridge, what: str
) -> None:
    answer = await asked(bridge, UNKNOWN, what, ORDERS[what])
    assert (answer.status_code, answer.json()["code"]) == (404, "contract_not_found")
    assert await counted(bridge) == (0, 0, 0)


@pytest.mark.parametrize("what", sorted(set(ORDERS) - {"withdrawals"}))
async def test_an_ended_contract_is_not_changed_and_nothing_is_written(
    bridge: Bridge, what: str
) -> None:
    contract = await contract_of(bridge, ContractState.ENDED)
    before = await counted(bridge)
    answer = await asked(bridge, contract, what, ORDERS[what])
    assert (answer.status_code, answer.json()["code"]) == (409, "contract_ended")
    assert await counted(bridge) == before


@pytest.mark.parametrize(
    ("what", "body", "status", "field"),
    [
        ("amendments", {}, 400, "lines"),
        ("amendments", {"lines": [{"action": "quantity", "line_key": "L-NONE", "quantity": "2"}]},
         400, None),
        ("amendments", {"lines": [{"action": "quantity", "line_key": "?", "quantity": "-2"}]},
         400, None),
        ("amendments", {"lines": [{"action": "quantity", "line_key": "?", "quantity": 1.5}]},
         422, "body.lines.0.quantity"),
        ("amendments", {"lines": [{"action": "quantity", "line_key": "?", "quantity": "1E99"}]},
         422, "body.lines.0.quantity"),
        ("amendments",
         {"lines": [{"action": "price", "line_key": "?",
                     "unit_price": {"amount": "9", "currency": "EUR"}}]}, 400, None),
        ("amendments",
         {"lines": [{"action": "price", "line_key": "?",
                     "unit_price": {"amount": 9.5, "currency": "USD"}}]},
         422, "body.lines.0.unit_price.amount"),
        ("amendments", {"payment_terms": "NEVER"}, 400, "payment_terms"),
        ("amendments", {"source_id": "a b", "payment_terms": "NET45"}, 422, "body.source_id"),
        ("amendments", {"source_id": "a\n", "payment_terms": "NET45"}, 422, "body.source_id"),
        ("amendments", {"colour": "red"}, 422, "body.colour"),
        ("amendments", {"payment_terms": "NET45", "base_version": 7}, 400, "base_version"),
        ("amendments", {"payment_terms": "NET45", "timing": "on_date"}, 400, "effective_from"),
        ("amendments",
         {"payment_terms": "NET45", "timing": "on_date", "effective_from": "9999-12-31"},
         422, "body.effective_from"),
        ("amendments",
         {"payment_terms": "NET45", "timing": "on_date", "effective_from": "2024-01-01"},
         400, "effective_from"),
        ("renewals", {"term_months": 0}, 422, "body.term_months"),
        ("renewals", {"uplift_percent": "-100"}, 400, "uplift_percent"),
        ("cancellations", {}, 422, "body.timing"),
        ("cancellations", {"timing": "on_date"}, 400, "effective_from"),
        ("withdrawals", {}, 422, "body.change_id"),
        ("withdrawals", {"change_id": "a\x00"}, 422, "body.change_id"),
        ("amendments", {"payment_terms": "NET45", "reason": "a\x00b"}, 422, "body.reason"),
    ],
)  # fmt: skip
async def test_a_wrong_order_names_its_field_and_leaves_nothing(
    bridge: Bridge, what: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    contract = await contract_of(bridge)
    for line in body.get("lines", ()):
        if line["line_key"] == "?":
            line["line_key"] = seats_of(contract).line_key
    before = await counted(bridge)
    answer = await asked(bridge, contract, what, body)
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert found["action"]
    if field is not None:
        assert found["field"] == field
    assert await counted(bridge) == before


async def test_every_reason_against_an_order_is_told(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    answer = await asked(
        bridge, contract, "amendments", {"payment_terms": "NEVER", "base_version": 9}
    )
    told = answer.json()
    assert [one["field"] for one in told["refusals"]] == ["base_version", "payment_terms"]
    assert told["code"] == told["refusals"][0]["code"]


async def test_a_contract_shows_lines_versions_waiting_changes_and_money(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    await second_version(bridge.engine, contract, "amendment:x")
    order = (await asked(bridge, contract, "amendments", more_seats(contract))).json()
    answer = await bridge.as_role("viewer", "GET", f"/v1/contracts/{contract.key}")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["state"], shown["version"], shown["seller"]) == ("active", 2, contract.seller)
    assert shown["customer_key"] == contract.customer_key
    assert shown["term"]["end_date"] == str(contract.end_date)
    assert [one["number"] for one in shown["versions"]] == [1, 2]
    assert shown["versions"][1]["change_id"] == "amendment:x"
    assert shown["versions"][1]["working"] == {}
    assert {line["line_key"] for line in shown["lines"]} == {
        line.line_key for line in contract.lines
    }
    assert [(one["change_id"], one["held"]) for one in shown["changes"]] == [
        (order["business_key"], False)
    ]
    money = shown["money"]
    assert money["tcv"] == contract.tcv().model_dump(mode="json")
    assert [(one["month"], one["amount"]["amount"]) for one in money["revenue"]] == [
        ("2026-01-01", "70.00"),
        ("2026-02-01", "30.00"),
    ]
    missing = await bridge.as_role("viewer", "GET", f"/v1/contracts/{UNKNOWN}")
    assert missing.status_code == 404


class Temporal:
    """Keeps what workflows were signalled, or fails as the server does."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, object]] = []
        self.failing: RPCStatusCode | None = None
        self._workflow = ""

    def get_workflow_handle(self, workflow_id: str) -> Temporal:
        self._workflow = workflow_id
        return self

    async def signal(self, name: str, said: object, **_: object) -> None:
        if self.failing is not None:
            raise RPCError("no", self.failing, b"")
        self.got.append((self._workflow, name, said))


@pytest.fixture
def temporal(bridge: Bridge) -> Iterator[Temporal]:
    """In the place of a server."""
    made, original = Temporal(), bridge.held.temporal

    async def connected() -> Temporal:
        return made

    object.__setattr__(bridge.held, "temporal", connected)
    yield made
    object.__setattr__(bridge.held, "temporal", original)


@pytest.mark.tells(EventType.RENEWAL_RISK_RAISED)
async def test_customer_success_signals_a_risk_and_may_do_nothing_else(
    bridge: Bridge, temporal: Temporal
) -> None:
    contract = await contract_of(bridge)
    body = {"level": "high", "reason": "champion left"}
    answer = await asked(bridge, contract, "signals/risk", body, role="customer-success")
    assert (answer.status_code, answer.json()["level"]) == (202, "high")
    assert temporal.got == [
        (
            f"contract:{contract.key}",
            "risk_signalled",
            RiskSignal(level=RiskLevel.HIGH, reason="champion left"),
        )
    ]
    async with bridge.engine.connect() as connection:
        (entry,) = await connection.execute(select(audit).where(audit.c.event == "risk.signalled"))
    assert (entry.actor, entry.detail) == ("customer-success-person", {"level": "high"})
    await asked(bridge, contract, "signals/risk", body, role="customer-success")
    low = await asked(bridge, contract, "signals/risk", {"level": "low"}, role="customer-success")
    assert low.status_code == 202
    async with bridge.engine.connect() as connection:
        (told,) = (await connection.execute(select(outbox.c.body))).scalars()
    assert told["type"] == "dealthread.renewal_risk.raised.v1"
    assert told["data"] == {
        "contract_key": contract.key,
        "customer_key": contract.customer_key,
        "signal": "risk_high",
        "source": "customer-success",
        "term_end_date": contract.end_date.isoformat() if contract.end_date else None,
    }
    assert breaches_of(told) == []
    for what, order in ORDERS.items():
        denied = await asked(bridge, contract, what, order, role="customer-success")
        assert (denied.status_code, denied.json()["code"]) == (403, "not_allowed"), what


async def test_a_risk_of_an_unknown_or_ended_contract_is_refused(
    bridge: Bridge, temporal: Temporal
) -> None:
    body = {"level": "low"}
    assert (await asked(bridge, UNKNOWN, "signals/risk", body)).status_code == 404
    contract = await contract_of(bridge)
    temporal.failing = RPCStatusCode.NOT_FOUND
    ended = await asked(bridge, contract, "signals/risk", body)
    assert (ended.status_code, ended.json()["code"]) == (409, "contract_ended")
    temporal.failing = RPCStatusCode.UNAVAILABLE
    assert (await asked(bridge, contract, "signals/risk", body)).status_code == 503
    async with bridge.engine.connect() as connection:
        told = select(audit).where(audit.c.event == "risk.signalled")
        assert (await connection.execute(told)).all() == []
    wrong = await asked(bridge, contract, "signals/risk", {"level": "medium"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "body.level")
