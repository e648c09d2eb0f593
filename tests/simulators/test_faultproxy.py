"""The fault proxy before a JSON-RPC party."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dealthread.simulators.faultproxy import create_app

Serve = Callable[[ASGIApp], str]
Until = Callable[[Callable[[], bool]], None]


class Books:
    """A JSON-RPC party that knows nothing of faults."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.seen: dict[str, str] = {}

    def app(self) -> Starlette:
        async def rpc(request: Request) -> Response:
            call = await request.json()
            self.calls.append(call["method"])
            self.seen = dict(request.headers)
            answer = JSONResponse({"id": call["id"], "result": call["params"]})
            answer.headers.append("set-cookie", "a=1")
            answer.headers.append("set-cookie", "b=2")
            return answer

        async def path(request: Request) -> Response:
            raw = request.scope["raw_path"].decode()
            return JSONResponse({"path": raw, "query": request.url.query})

        return Starlette(
            routes=[
                Route("/company/", rpc, methods=["POST"]),
                Route("/{rest:path}", path, methods=["GET"]),
            ]
        )


class Wired:
    """The party behind the proxy."""

    def __init__(self, serve: Serve) -> None:
        self.books = Books()
        self.url = serve(create_app(serve(self.books.app())))

    def call(self, method: str, call_id: int = 7, **more: Any) -> httpx.Response:
        body = {"id": call_id, "method": method, "params": [[1], {"amount": "1.10"}]}
        return httpx.post(f"{self.url}/company/", json=body, **more)

    def fault(self, **spec: Any) -> None:
        answer = httpx.post(f"{self.url}/_sim/faults", json=spec)
        assert answer.status_code == 201, answer.text


@pytest.fixture
def wired(serve: Serve) -> Wired:
    return Wired(serve)


def test_without_faults_the_proxy_is_transparent(wired: Wired) -> None:
    """Body, headers, cookies, status, escaped paths and queries pass through; all is recorded."""
    answer = wired.call("model.sale.sale.read", headers={"authorization": "bearer x"})
    assert answer.json() == {"id": 7, "result": [[1], {"amount": "1.10"}]}
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert wired.books.seen["authorization"] == "bearer x"
    escaped = httpx.get(f"{wired.url}/a%2Fb/c?x=%20y")
    assert escaped.json() == {"path": "/a%2Fb/c", "query": "x=%20y"}
    page = httpx.get(f"{wired.url}/_sim/ledger", params={"account": "company"}).json()
    assert [one["status"] for one in page["entries"]] == [200]


def test_a_tryton_user_error_strikes_only_the_calls_its_pattern_names(wired: Wired) -> None:
    """200 with an error of the request's own id; the party was not called."""
    wired.fault(
        kind="reject",
        dialect="tryton",
        body=r"model\.sale\.sale\.confirm",
        message="The period is closed.",
    )
    assert wired.call("model.sale.sale.create").json()["id"] == 7
    refused = wired.call("model.sale.sale.confirm", 8)
    assert refused.status_code == 200
    assert refused.json() == {"id": 8, "error": ["UserError", ["The period is closed.", "", None]]}
    assert wired.books.calls == ["model.sale.sale.create"]
    assert wired.call("model.sale.sale.confirm", 9).json()["id"] == 9


def test_a_lost_answer_has_its_effect_at_the_party(wired: Wired) -> None:
    """K2 before an unmodified server."""
    wired.fault(kind="lose_answer", body="confirm")
    with pytest.raises(httpx.TransportError):
        wired.call("model.sale.sale.confirm")
    assert wired.books.calls == ["model.sale.sale.confirm"]


def test_a_late_effect_reaches_the_party_after_the_client_has_gone(
    wired: Wired, until: Until
) -> None:
    """K5 before an unmodified server."""
    wired.fault(kind="late_effect", delay=0.5)
    with pytest.raises(httpx.ReadTimeout):
        wired.call("model.sale.sale.confirm", timeout=0.1)
    assert wired.books.calls == []
    until(lambda: wired.books.calls == ["model.sale.sale.confirm"])


def test_refused_limited_and_malformed_calls(wired: Wired) -> None:
    """K1, K3, K6."""
    wired.fault(kind="refuse")
    with pytest.raises(httpx.TransportError):
        wired.call("x")
    wired.fault(kind="rate_limit", retry_after=3)
    assert wired.call("x").headers["retry-after"] == "3"
    wired.fault(kind="malformed")
    with pytest.raises(json.JSONDecodeError):
        wired.call("x").json()
    wired.fault(kind="reject", status=409, code="busy")
    assert wired.call("x").status_code == 409
    assert wired.books.calls == ["x"]


def test_a_party_that_is_down_is_a_bad_gateway(serve: Serve) -> None:
    """502; the proxy itself is up."""
    url = serve(create_app("http://127.0.0.1:9"))
    assert httpx.get(f"{url}/x").status_code == 502
    assert httpx.get(f"{url}/_sim/health").json()["status"] == "ok"


def test_an_unknown_dialect_or_target_is_refused(wired: Wired) -> None:
    """At the switch, not at the request."""
    spec = {"kind": "reject", "dialect": "cobol"}
    assert httpx.post(f"{wired.url}/_sim/faults", json=spec).status_code == 400
    with pytest.raises(ValueError, match="http address"):
        create_app("ftp://127.0.0.1")
