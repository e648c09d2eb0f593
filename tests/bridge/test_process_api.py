"""PF-01: the process API asks twice without harm, and refuses what it cannot read."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.store.schema import runs
from tests.bridge.caller import DEAL, ORG, Bridge

pytestmark = pytest.mark.postgres
CHECK = f"/v1/deals/{DEAL}/check"
SUBMIT = f"/v1/deals/{DEAL}/quote-to-cash"
KEY = quote_to_cash_id(ORG, DEAL)


async def test_a_deal_submitted_twice_is_one_run(bridge: Bridge) -> None:
    first = await bridge.as_role("operator", "POST", SUBMIT, {})
    assert first.status_code == 202
    assert first.json() == {
        "business_key": KEY,
        "generation": 1,
        "contract_key": contract_key(ORG, DEAL),
        "created": True,
    }
    short = await bridge.as_role(
        "deal-desk", "POST", f"/v1/deals/{DEAL[:15]}/quote-to-cash", {"org": ORG}
    )
    assert short.json() == first.json() | {"created": False}
    shown = (await bridge.as_role("viewer", "GET", f"/v1/transactions/{DEAL}")).json()
    assert shown["transaction"]["requested_by"] == "operator-person"
    assert shown["ui_url"].endswith(KEY)


async def test_ten_submissions_at_once_are_one_run(bridge: Bridge) -> None:
    answers = await asyncio.gather(
        *(bridge.as_role("operator", "POST", SUBMIT, {}) for _ in range(10))
    )
    assert [answer.json()["created"] for answer in answers].count(True) == 1
    assert len((await bridge.as_role("viewer", "GET", "/v1/transactions")).json()) == 1


async def _end(bridge: Bridge, outcome: str, generation: int = 1) -> None:
    async with bridge.engine.begin() as connection:
        await connection.execute(
            update(runs).where(runs.c.generation == generation).values(outcome=outcome)
        )


@pytest.mark.parametrize("outcome", ["compensated", "cancelled"])
async def test_a_deal_runs_again_only_after_it_was_undone(bridge: Bridge, outcome: str) -> None:
    again = {"again": True}
    await bridge.as_role("operator", "POST", SUBMIT, {})
    running = await bridge.as_role("operator", "POST", SUBMIT, again)
    assert (running.status_code, running.json()["code"]) == (409, "not_ended_undone")
    await _end(bridge, "completed")
    assert (await bridge.as_role("operator", "POST", SUBMIT, again)).status_code == 409
    await _end(bridge, outcome)
    answers = await asyncio.gather(
        *(bridge.as_role("operator", "POST", SUBMIT, again) for _ in range(5))
    )
    made = [answer.json() for answer in answers if answer.status_code == 202]
    assert [one["created"] for one in made].count(True) == 1
    assert {one["generation"] for one in made} == {2}
    # Asked without `again`, it names the run that exists now.
    plain = await bridge.as_role("operator", "POST", SUBMIT, {})
    assert (plain.json()["generation"], plain.json()["created"]) == (2, False)
    in_order = select(runs.c.generation).order_by(runs.c.generation)
    async with bridge.engine.connect() as connection:
        assert list((await connection.execute(in_order)).scalars()) == [1, 2]


@pytest.mark.parametrize(
    ("deal", "body", "status", "field"),
    [
        ("x", {}, 400, "deal_id"),
        ("0065g00000AbCdEAAA", {}, 400, "deal_id"),
        (DEAL, {"org": "00D000000000002EAA"}, 400, "org"),
        (DEAL, {"organisation": "x"}, 422, "body.organisation"),
        (DEAL, {"\ud800": 1}, 422, "body"),
        (DEAL, {"again": "perhaps"}, 422, "body.again"),
        (DEAL, [], 422, "body"),
    ],
)
async def test_a_wrong_submission_names_its_field(
    bridge: Bridge, deal: str, body: object, status: int, field: str
) -> None:
    answer = await bridge.as_role("operator", "POST", f"/v1/deals/{deal}/quote-to-cash", body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_short_and_the_long_id_of_an_org_are_one_org(bridge: Bridge) -> None:
    """A webhook and a submission of the same deal must meet in one business key."""
    answer = await bridge.as_role("operator", "POST", SUBMIT, {"org": ORG[:15]})
    assert answer.json()["business_key"] == KEY


@pytest.mark.parametrize("path", ["/v1/transactions/%00", "/v1/cases/a%00b", "/v1/writes/%00"])
async def test_what_no_store_can_hold_is_a_mistake_of_the_caller(bridge: Bridge, path: str) -> None:
    answer = await bridge.as_role("viewer", "GET", path)
    assert answer.status_code in (400, 404)


async def test_a_body_over_the_limit_is_refused_before_anybody_is_asked_who_calls(
    bridge: Bridge,
) -> None:
    """SC-01: a caller without a token cannot fill the memory."""
    big = b'{"org":"' + b"x" * (1024 * 1024) + b'"}'
    sent = 0

    async def chunks():
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 65_536

    for path, content in ((SUBMIT, big), (CHECK, big), (SUBMIT, chunks())):
        answer = await bridge.http.post(
            path, content=content, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert sent <= 18


async def test_other_methods_and_paths_are_problems_too(bridge: Bridge) -> None:
    answer = await bridge.as_role("viewer", "DELETE", "/v1/cases")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    answer = await bridge.http.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for unread in (b'{"again":' + b"9" * 5000 + b"}", b"[" * 5000):
        answer = await bridge.http.post(
            SUBMIT,
            content=unread,
            headers={"authorization": "Bearer token-all", "content-type": "application/json"},
        )
        assert (answer.status_code, answer.json()["field"]) == (400, "body")
        assert "usual size" in answer.json()["action"]


async def test_health_needs_no_token(bridge: Bridge) -> None:
    assert (await bridge.http.get("/healthz")).json() == {"status": "ok"}
    assert (await bridge.http.get("/readyz")).json() == {"status": "ready"}
    assert "/webhooks/salesforce/{org}" in (await bridge.http.get("/openapi.json")).json()["paths"]
