"""AG-04, AG-05, OB-04: a person decides a case once, in a role, with a reason, on record."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from dealthread.domain.case import KINDS, CaseOpening, DecisionKind
from dealthread.store.schema import audit, case_decisions
from tests.bridge.caller import Bridge

pytestmark = pytest.mark.postgres
DECIDERS = {"operator", "finance", "deal-desk", "finance-systems"}
APPROVERS = {"approver", "finance"}
ROLES = ("viewer", "operator", "approver", "finance", "deal-desk", "finance-systems")
CONTRACT = "C-ABCDEFGHIJKLM"


async def opened(
    bridge: Bridge, case_id: str = "case-1", kind: str = "catalogue.unmapped", asked_by: str = ""
) -> str:
    """A case that waits for a decision."""
    await bridge.held.cases.open(
        CaseOpening(
            case_id=case_id,
            occurrence=1,
            kind=kind,
            business_key="quote-to-cash:o:d",
            generation=1,
            contract_key=CONTRACT,
            workflow_id="quote-to-cash:o:d",
            step="assess",
            code="unmapped",
            summary="A product is mapped nowhere",
            allowed=tuple(DecisionKind) if kind != "deal.approval" else KINDS[kind].decisions,
            requested_by=asked_by,
        )
    )
    return case_id


async def decide(
    bridge: Bridge, role: str, decision: str = "retry", case_id: str = "case-1", **more: Any
) -> httpx.Response:
    body = {"version": 1, "decision": decision, "reason": "because"} | more
    return await bridge.as_role(role, "POST", f"/v1/cases/{case_id}/decisions", body)


async def on_record(bridge: Bridge) -> list[tuple[str, str]]:
    """Audit of the contract: what, and who."""
    async with bridge.engine.connect() as connection:
        rows = await connection.execute(
            select(audit.c.event, audit.c.actor)
            .where(audit.c.stream == CONTRACT)
            .order_by(audit.c.seq)
        )
        return [(row.event, row.actor) for row in rows]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_takes_the_decisions_of_its_row_and_a_refused_try_is_on_record(
    bridge: Bridge, role: str
) -> None:
    for number, decision in enumerate(DecisionKind):
        case_id = await opened(bridge, f"case-{number}", asked_by="somebody else")
        allowed = APPROVERS if decision in ("approve", "reject") else DECIDERS
        more: dict[str, Any] = {"link_to": "in_1"}
        if decision is DecisionKind.RETRY_WITH:
            more["correction"] = {"po_number": "1"}
        if decision is DecisionKind.EXTEND:
            more["until"] = "2026-12-31"
        answer = await decide(bridge, role, decision, case_id, **more)
        last = (await on_record(bridge))[-1]
        if role in allowed:
            assert answer.status_code == 201, answer.text
            assert answer.json()["decided_by"] == f"{role}-person"
            assert last == ("case.decided", f"{role}-person")
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
            assert last == ("case.decision_denied", f"{role}-person")
            shown = (await bridge.as_role("viewer", "GET", f"/v1/cases/{case_id}")).json()
            assert shown["state"] == "open"


async def test_a_decision_is_taken_in_the_role_that_allows_it(bridge: Bridge) -> None:
    """Also for a person with every role, whose list is longer than the record's field."""
    await opened(bridge)
    assert (await decide(bridge, "all")).status_code == 201
    async with bridge.engine.connect() as connection:
        assert (await connection.execute(select(case_decisions.c.role))).scalar() == "operator"
    await opened(bridge, "case-2", "deal.approval", asked_by="webhook:o")
    assert (await decide(bridge, "all", "approve", "case-2")).status_code == 201
    async with bridge.engine.connect() as connection:
        query = select(case_decisions.c.role).where(case_decisions.c.case_id == "case-2")
        assert (await connection.execute(query)).scalar() == "approver"


async def test_who_asked_does_not_approve(bridge: Bridge) -> None:
    await opened(bridge, kind="deal.approval", asked_by="approver-person")
    for decision in ("approve", "reject"):
        answer = await decide(bridge, "approver", decision)
        assert (answer.status_code, answer.json()["code"]) == (403, "same_person")
    assert (await decide(bridge, "finance", "approve")).status_code == 201


async def test_of_ten_decisions_at_once_one_wins_and_nine_conflict(bridge: Bridge) -> None:
    await opened(bridge)
    answers = await asyncio.gather(*(decide(bridge, "operator") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert (await on_record(bridge)).count(("case.decided", "operator-person")) == 1


async def test_a_decision_on_another_version_conflicts(bridge: Bridge) -> None:
    await opened(bridge)
    for version in (0, 2, -1, 10**30):
        answer = await decide(bridge, "operator", version=version)
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
    assert (await decide(bridge, "operator")).status_code == 201
    late = await decide(bridge, "operator")
    assert (late.status_code, late.json()["code"]) == (409, "case_already_decided")


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [
        ({"reason": ""}, 400, "reason"),
        ({"reason": "  \n"}, 400, "reason"),
        ({"reason": None}, 422, "body.reason"),
        ({"version": "one"}, 422, "body.version"),
        ({"decision": "perhaps"}, 422, "body.decision"),
        ({"decision": "link"}, 400, "link_to"),
        ({"decision": "retry_with", "correction": {"no_such": 1}}, 400, "no_such"),
        ({"decision": "retry_with", "correction": {"term_months": "x"}}, 400, "term_months"),
        ({"decision": "retry_with", "correction": {"start_date": "soon"}}, 400, "start_date"),
        ({"decision": "retry_with", "correction": {"product_map": {"a": 1}}}, 400, "product_map.a"),
        ({"decision": "retry_with", "correction": {}}, 400, "correction"),
        ({"decision": "retry", "correction": {"po_number": "1"}}, 400, "correction"),
        ({"unknown": 1}, 422, "body.unknown"),
    ],
)
async def test_a_decision_that_cannot_be_carried_out_names_its_field(
    bridge: Bridge, more: dict[str, Any], status: int, field: str
) -> None:
    await opened(bridge)
    answer = await decide(bridge, "operator", **more)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.json()["action"]
    assert (await on_record(bridge)) == [("case.opened", "saga")]


@pytest.mark.parametrize(
    "more", [{"reason": "a\0b"}, {"decision": "link", "link_to": "\0"}, {"reason": "\ud800"}]
)
async def test_text_that_no_store_can_hold_is_the_callers_mistake(
    bridge: Bridge, more: dict[str, Any]
) -> None:
    await opened(bridge)
    assert (await decide(bridge, "operator", **more)).status_code in (400, 422)
    assert (await on_record(bridge)) == [("case.opened", "saga")]


async def test_a_decision_that_the_case_does_not_offer_is_refused(bridge: Bridge) -> None:
    await opened(bridge, kind="deal.approval")
    answer = await decide(bridge, "operator", "retry")
    assert (answer.status_code, answer.json()["field"]) == (400, "decision")
    assert "approve, reject" in answer.json()["action"]


async def test_no_case_no_decision(bridge: Bridge) -> None:
    assert (await decide(bridge, "operator", case_id="no-such")).status_code == 404
    assert (await decide(bridge, "viewer", case_id="no-such")).status_code == 404


async def test_cases_are_listed_by_state_and_queue_oldest_first(bridge: Bridge) -> None:
    for number in range(3):
        await opened(bridge, f"case-{number}")
    await decide(bridge, "operator", case_id="case-1")

    async def ids(query: str) -> list[str]:
        answer = await bridge.as_role("viewer", "GET", f"/v1/cases{query}")
        return [one["case_id"] for one in answer.json()]

    assert await ids("") == ["case-0", "case-2"]
    assert await ids("?any_state=true") == ["case-0", "case-1", "case-2"]
    assert await ids("?state=decided") == ["case-1"]
    assert await ids("?queue=catalogue&limit=1") == ["case-0"]
    assert await ids("?queue=tax") == []
