"""Waits on the process API end: at rest, or in time with a word on what is stuck."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.sandbox.errors import NoAnswer, SandboxError
from dealthread.sandbox.process import ProcessApi
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.stack.info import StackInfo

Answer = Callable[[str, int], Response]


def _row(deal_id: str, **values: Any) -> dict[str, Any]:
    return {
        "deal_id": deal_id,
        "business_key": f"quote-to-cash:org:{deal_id}",
        "contract_key": f"C-{deal_id}",
        "stage": "assessed",
        "outcome": None,
        "case_id": "",
        "case_kind": "",
        "created_at": datetime(2026, 3, 15, tzinfo=UTC).isoformat(),
        "ended_at": None,
        **values,
    }


class Bridge:
    """Answers by a function of the path and the number of the call to it."""

    def __init__(self) -> None:
        self.answer: Answer = lambda path, call: JSONResponse({}, 404)
        self._calls: dict[str, int] = {}

    async def handle(self, request: Request) -> Response:
        path = request.url.path
        self._calls[path] = self._calls.get(path, 0) + 1
        return self.answer(path, self._calls[path])


@pytest.fixture
def bridge() -> Iterator[tuple[Bridge, str]]:
    served = Bridge()
    server = BackgroundServer(Starlette(routes=[Route("/{path:path}", served.handle)]))
    server.start()
    yield served, server.url
    server.stop()


@pytest.fixture
def api(bridge: tuple[Bridge, str], stack: StackInfo) -> Iterator[ProcessApi]:
    urls = stack.urls.model_copy(update={"bridge": bridge[1]})
    with ProcessApi(stack.model_copy(update={"urls": urls}), "token") as client:
        yield client


def test_a_deal_is_waited_for_through_its_beginning_and_a_short_outage(
    bridge: tuple[Bridge, str], api: ProcessApi
) -> None:
    """404 before the webhook came and 503 while the database is away are not the end."""

    def answer(_: str, call: int) -> Response:
        if call == 1:
            return JSONResponse({}, 404)
        if call == 2:
            return JSONResponse({"code": "database"}, 503)
        outcome = "completed" if call > 3 else None
        return JSONResponse({"transaction": _row("006A", outcome=outcome)})

    bridge[0].answer = answer
    seen = api.wait_until("006A", lambda one: one.is_resting, "rest", 20)
    assert seen.outcome == "completed"


def test_a_deal_that_does_not_come_is_told_with_where_it_stands(
    bridge: tuple[Bridge, str], api: ProcessApi
) -> None:
    bridge[0].answer = lambda *_: JSONResponse({"transaction": _row("006A", stage="received")})
    with pytest.raises(SandboxError, match="did not come to rest within 0 s: received") as told:
        api.wait_until("006A", lambda one: one.is_resting, "rest", 0)
    assert "dealthread trace 006A" in told.value.mend


def test_deals_beyond_the_list_are_asked_for_one_by_one(
    bridge: tuple[Bridge, str], api: ProcessApi
) -> None:
    def answer(path: str, _: int) -> Response:
        if path == "/v1/transactions":
            return JSONResponse([_row("006A", outcome="scheduled")])
        deal_id = path.rsplit("/", 1)[-1]
        return JSONResponse({"transaction": _row(deal_id, case_id="CASE-1", case_kind="k")})

    bridge[0].answer = answer
    progress: list[int] = []
    found = api.wait_for_rest(["006A", "006B"], 20, progress.append)
    assert {deal: seen.is_resting for deal, seen in found.items()} == {"006A": True, "006B": True}
    assert progress == [2]


def test_of_two_runs_of_a_deal_the_newest_counts(
    bridge: tuple[Bridge, str], api: ProcessApi
) -> None:
    """The list is newest first."""
    rows = [_row("006A", outcome="completed"), _row("006A", outcome="compensated")]
    bridge[0].answer = lambda *_: JSONResponse(rows)
    assert api.wait_for_rest(["006A"], 20, lambda _: None)["006A"].outcome == "completed"


def test_time_ends_a_wait_for_many(bridge: tuple[Bridge, str], api: ProcessApi) -> None:
    bridge[0].answer = lambda *_: JSONResponse([_row("006A")])
    found = api.wait_for_rest(["006A"], 0, lambda _: None)
    assert not found["006A"].is_resting


def test_a_bridge_that_is_down_is_told(stack: StackInfo) -> None:
    with (
        ProcessApi(stack, "token") as api,
        pytest.raises(NoAnswer, match="does not answer"),
    ):
        api.standings()


def test_amounts_stay_exact(bridge: tuple[Bridge, str], api: ProcessApi) -> None:
    body = json.dumps({"amount": 0.1}).encode()
    bridge[0].answer = lambda *_: Response(body, media_type="application/json")
    assert str(api.case("CASE-1")["amount"]) == "0.1"
