"""A reverse proxy with the simulators' fault switch and ledger, before a party that has neither.

`python -m dealthread.simulators.faultproxy --target URL --host 127.0.0.1 --port N`. Tryton is real
and unmodified, so it cannot lose its own answers; the proxy does it for it. Which calls a fault
strikes is chosen by path and by a pattern in the body (`model\\.sale\\.sale\\.confirm`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import Fault, FaultKind, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.server import build_app, run

TRYTON = "tryton"
TIMEOUT_SECONDS = 120.0
"""Longer than any client's: a slow target is the client's to give up on."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110 §7.6.1: they concern one connection and are not forwarded."""


class ProxyErrors:
    """Error shapes: plain JSON, or a Tryton UserError for a rejection with that dialect."""

    def rate_limited(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """429."""
        return _plain(fault, 429, "too many requests")

    def server_error(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """503 without an effect, 500 after one."""
        status = 500 if fault.kind is FaultKind.SERVER_ERROR_AFTER else 503
        return _plain(fault, status, "server error")

    def rejected(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """A business rejection; Tryton answers those with 200 and an error in the body."""
        if fault.spec.dialect == TRYTON:
            error = [fault.code or "UserError", [fault.message or "Refused.", "", None]]
            body = {"id": _request_id(fault), "error": error}
            headers = {"content-type": "application/json"}
            return fault.status or 200, headers, json.dumps(body).encode()
        return _plain(fault, 422, "rejected")

    def auth(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """401; Tryton's own answer to a dead session has no useful body."""
        if fault.spec.dialect == TRYTON:
            return fault.status or 401, {"content-type": "text/html"}, b"Unauthorized"
        return _plain(fault, 401, "unauthorized")


def create_app(target: str, *, clock: SimClock | None = None) -> Starlette:
    """The proxy before `target` (an http:// address, perhaps with a path)."""
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
        raise ValueError("the target must be an http address")
    base = target.rstrip("/")
    sim_clock = clock or SimClock()
    client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 Starlette's signature
        nonlocal client
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False, follow_redirects=False
        ) as opened:
            client = opened
            yield
            client = None

    async def forward(request: Request) -> Response:
        if client is None:
            raise RuntimeError("the proxy runs only inside its lifespan")
        path = request.scope.get("raw_path", request.scope["path"].encode()).decode("ascii")
        query = request.scope.get("query_string", b"").decode("ascii")
        try:
            answer = await client.request(
                request.method,
                f"{base}{path}" + (f"?{query}" if query else ""),
                content=await request.body(),
                headers=_forwarded(request.headers.items(), drop={"host", "content-length"}),
            )
        except httpx.HTTPError as exc:
            body = {"error": "bad gateway", "detail": type(exc).__name__}
            return Response(json.dumps(body), status_code=502, media_type="application/json")
        # httpx has unpacked the body, so the target's length and encoding no longer describe it.
        dropped = {"content-length", "content-encoding"}
        response = Response(answer.content, status_code=answer.status_code)
        for name, value in _forwarded(answer.headers.multi_items(), drop=dropped):
            response.headers.append(name, value)
        return response

    return build_app(
        [Route("/{path:path}", forward, methods=METHODS)],
        ProxyErrors(),
        sim_clock,
        Ledger(sim_clock),
        FaultSwitch(dialects=frozenset({TRYTON})),
        identify=_identify,
        lifespan=lifespan,
        name="faultproxy",
    )


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dealthread.simulators.faultproxy")
    parser.add_argument("--target", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    try:
        app = create_app(arguments.target)
    except ValueError as exc:
        parser.error(str(exc))
    run(app, arguments.host, arguments.port)
    return 0


def _identify(headers: Mapping[str, str], path: str) -> tuple[str | None, str | None]:
    """The first part of the path is Tryton's database, one for each company."""
    database = path.lstrip("/").partition("/")[0].partition("?")[0]
    return database or None, headers.get("idempotency-key") or headers.get("webhook-id")


def _forwarded(headers: list[tuple[str, str]], *, drop: set[str]) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _HOP_BY_HOP and name.lower() not in drop
    ]


def _request_id(fault: Fault) -> object:
    try:
        body = json.loads(fault.request.body) if fault.request is not None else None
    except ValueError:
        return None
    return body.get("id") if isinstance(body, dict) else None


def _plain(fault: Fault, status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": "application/json"}
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    body = {"error": {"code": fault.code or str(fault.kind), "message": fault.message or message}}
    return fault.status or status, headers, json.dumps(body).encode()


if __name__ == "__main__":
    sys.exit(main())
