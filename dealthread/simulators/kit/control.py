"""The `/_sim/…` routes that every simulated party has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.simulators.kit import snapshot
from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import FaultSpec, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.state import KeptWorld
from dealthread.simulators.kit.webhook_sender import WebhookSender


class _Refused(Exception):
    """The control request makes no sense; the text says why."""


def control_routes(
    *,
    name: str,
    clock: SimClock,
    ledger: Ledger,
    faults: FaultSwitch,
    webhooks: WebhookSender | None = None,
    on_reset: Callable[[], None] | None = None,
    world: KeptWorld | None = None,
    on_restore: Callable[[], None] | None = None,
) -> list[Route]:
    """Clock, ledger, faults, reset, health; the sender and snapshots where the party has them."""

    async def health(request: Request) -> Response:  # noqa: ARG001 Starlette's signature
        return JSONResponse({"status": "ok", "name": name})

    async def clock_route(request: Request) -> Response:
        if request.method == "POST":
            _move(clock, await _object(request))
        return JSONResponse(
            {
                "now": clock.now().isoformat(),
                "offset_seconds": clock.offset.total_seconds(),
                "frozen": clock.is_frozen,
            }
        )

    async def ledger_route(request: Request) -> Response:
        if request.method == "DELETE":
            ledger.clear()
            return Response(status_code=204)
        return JSONResponse(_ledger_page(ledger, dict(request.query_params)))

    async def faults_route(request: Request) -> Response:
        if request.method == "POST":
            try:
                fault_id = faults.add(FaultSpec.model_validate(await _object(request)))
            except (ValidationError, ValueError) as exc:
                raise _Refused(str(exc)) from exc
            return JSONResponse({"id": fault_id}, status_code=201)
        if request.method == "DELETE":
            faults.clear()
            return Response(status_code=204)
        return JSONResponse({"faults": faults.as_json()})

    async def one_fault(request: Request) -> Response:
        is_removed = faults.remove(request.path_params["fault_id"])
        return Response(status_code=204 if is_removed else 404)

    async def reset(request: Request) -> Response:  # noqa: ARG001 Starlette's signature
        faults.clear()
        if webhooks is not None:
            webhooks.clear()
        if on_reset is not None:
            on_reset()
        ledger.clear()
        return Response(status_code=204)

    routes = [
        Route("/_sim/health", _guard(health), methods=["GET"]),
        Route("/_sim/clock", _guard(clock_route), methods=["GET", "POST"]),
        Route("/_sim/ledger", _guard(ledger_route), methods=["GET", "DELETE"]),
        Route("/_sim/faults", _guard(faults_route), methods=["GET", "POST", "DELETE"]),
        Route("/_sim/faults/{fault_id}", _guard(one_fault), methods=["DELETE"]),
        Route("/_sim/reset", _guard(reset), methods=["POST"]),
    ]
    if world is not None:
        routes.append(_snapshot_route(name, clock, ledger, faults, webhooks, world, on_restore))
    return routes + (_webhook_routes(webhooks) if webhooks is not None else [])


def _snapshot_route(
    name: str,
    clock: SimClock,
    ledger: Ledger,
    faults: FaultSwitch,
    webhooks: WebhookSender | None,
    world: KeptWorld,
    on_restore: Callable[[], None] | None,
) -> Route:
    async def snapshot_route(request: Request) -> Response:
        if request.method == "GET":
            taken = snapshot.take(name, clock, world)
            return Response(taken.model_dump_json(), media_type="application/json")
        try:
            given = snapshot.Snapshot.model_validate_json(await request.body())
            snapshot.put_back(given, name, clock, world)
        except ValueError as exc:
            raise _Refused(str(exc)) from exc
        faults.clear()
        if webhooks is not None:
            webhooks.clear()
        ledger.clear()
        if on_restore is not None:
            on_restore()
        return Response(status_code=204)

    return Route("/_sim/snapshot", _guard(snapshot_route), methods=["GET", "PUT"])


def _webhook_routes(webhooks: WebhookSender) -> list[Route]:
    async def settings(request: Request) -> Response:
        if request.method == "POST":
            try:
                webhooks.configure(await _object(request))
            except ValidationError as exc:
                raise _Refused(str(exc)) from exc
        return JSONResponse(webhooks.as_json())

    async def redeliver(request: Request) -> Response:
        body = await _object(request)
        if body == {"all": True}:
            return JSONResponse({"redelivered": webhooks.redeliver()})
        if set(body) != {"id"} or not isinstance(body["id"], str):
            raise _Refused('say {"id": "…"} or {"all": true}')
        count = webhooks.redeliver(body["id"])
        if not count:
            return JSONResponse({"error": "no message with this id"}, status_code=404)
        return JSONResponse({"redelivered": count})

    return [
        Route("/_sim/webhooks", _guard(settings), methods=["GET", "POST"]),
        Route("/_sim/webhooks/redeliver", _guard(redeliver), methods=["POST"]),
    ]


def _guard(handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def guarded(request: Request) -> Response:
        try:
            answer: Response = await handler(request)
        except _Refused as exc:
            return JSONResponse({"error": str(exc)}, status_code=400)
        return answer

    return guarded


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise _Refused("the body is not JSON") from exc
    if not isinstance(body, dict):
        raise _Refused("the body is not a JSON object")
    return body


def _move(clock: SimClock, body: dict[str, Any]) -> None:
    match body:
        case {"offset_seconds": int() | float() as seconds, **rest} if not rest:
            clock.set(timedelta(seconds=seconds))
        case {"freeze": str() as text, **rest} if not rest:
            try:
                clock.freeze(datetime.fromisoformat(text))
            except ValueError as exc:
                raise _Refused(str(exc)) from exc
        case {"advance_seconds": int() | float() as seconds, **rest} if not rest:
            clock.advance(timedelta(seconds=seconds))
        case {"unfreeze": True, **rest} if not rest:
            clock.unfreeze()
        case _:
            raise _Refused("say one of offset_seconds, freeze, advance_seconds, unfreeze: true")


def _ledger_page(ledger: Ledger, query: dict[str, str]) -> dict[str, Any]:
    """Filters: `path` and `effect` are regular expressions, the others are exact values."""
    kind = query.pop("kind", "requests")
    if kind not in ("requests", "effects"):
        raise _Refused("kind is requests or effects")
    names = {"path": "path", "effect": "kind"}
    exact = {"method", "account", "object_id", "key", "idempotency_key", "fault"}
    unknown = set(query) - set(names) - exact - {"since"}
    if unknown:
        raise _Refused(f"unknown filter {sorted(unknown)}")
    try:
        patterns = {names[name]: re.compile(query[name]) for name in names if name in query}
        since = int(query.get("since", "0"))
    except (re.error, ValueError) as exc:
        raise _Refused(str(exc)) from exc
    values = {name: query[name] for name in exact if name in query}

    def matches(entry: dict[str, Any]) -> bool:
        return (
            entry["seq"] > since
            and all(pattern.search(str(entry.get(name, ""))) for name, pattern in patterns.items())
            and all(entry.get(name) == value for name, value in values.items())
        )

    return ledger.as_json(kind, matches=matches)
