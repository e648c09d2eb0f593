"""The receivers of our events: entitlement, customer success, and notices to customers."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import Fault, FaultKind, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.server import build_app
from dealthread.simulators.kit.signing import SignatureRefused, secret_key, verify
from dealthread.simulators.receivers.events import ENTERED, EnteredState, Event
from dealthread.simulators.receivers.journal import Journal
from dealthread.simulators.receivers.notices import NoticeDesk
from dealthread.simulators.receivers.state import EventRefused, Receiver


class Role(StrEnum):
    """Which of them."""

    ENTITLEMENT = "entitlement"
    CUSTOMER_SUCCESS = "customer-success"
    COMMUNICATIONS = "communications"


@dataclass(frozen=True)
class ReceiverConfig:
    """What a receiver is told from outside."""

    role: Role
    webhook_secrets: tuple[str, ...] = field(repr=False)
    token: str = field(repr=False)
    clock_offset: timedelta = timedelta(0)
    state_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse to run without protection."""
        if not self.webhook_secrets or not self.token:
            raise ValueError("webhook secrets and a token are needed")
        for secret in self.webhook_secrets:
            secret_key(secret)

    @classmethod
    def from_env(cls, role: Role, env: Mapping[str, str]) -> ReceiverConfig:
        """Read DEALTHREAD_SIM_…; raises KeyError or ValueError."""
        state_file = env.get("DEALTHREAD_SIM_STATE")
        if state_file and "://" in state_file:
            raise ValueError("DEALTHREAD_SIM_STATE is a file's path for a receiver")
        return cls(
            role=role,
            webhook_secrets=tuple(env["DEALTHREAD_SIM_WEBHOOK_SECRETS"].split()),
            token=env["DEALTHREAD_SIM_TOKEN"],
            clock_offset=timedelta(
                seconds=float(env.get("DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS", "0"))
            ),
            state_file=Path(state_file) if state_file else None,
        )


class ReceiverErrors:
    """`{"error": {"code", "message"}}`."""

    def rate_limited(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """429."""
        return _shape(fault, 429, "too many requests")

    def server_error(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """503 without an effect, 500 after one."""
        status = 500 if fault.kind is FaultKind.SERVER_ERROR_AFTER else 503
        return _shape(fault, status, "server error")

    def rejected(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """422."""
        return _shape(fault, 422, "the event was refused")

    def auth(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """401."""
        return _shape(fault, 401, "unauthorized")


def create_app(config: ReceiverConfig) -> Starlette:
    """The ASGI app of one receiver."""
    clock = SimClock(config.clock_offset)
    ledger = Ledger(clock)
    receiver: Receiver | NoticeDesk
    if config.role is Role.COMMUNICATIONS:
        receiver = NoticeDesk(clock, ledger)
    else:
        receiver = Receiver(clock, ledger, holds_entitlements=config.role is Role.ENTITLEMENT)
    journal = Journal(config.state_file) if config.state_file is not None else None
    if journal is not None:
        for message_id, body in journal.events():
            receiver.take(message_id, Event.model_validate_json(body))
        ledger.clear()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 Starlette's signature
        yield
        if journal is not None:
            journal.close()

    def reset() -> None:
        receiver.clear()
        if journal is not None:
            journal.clear()

    async def events(request: Request) -> Response:
        raw = await request.body()
        try:
            message_id = verify(
                config.webhook_secrets, request.headers, raw, machine_now=clock.machine_now()
            )
        except SignatureRefused as exc:
            return _error(401, "invalid_signature", str(exc))
        try:
            event = Event.model_validate_json(raw)
        except ValidationError as exc:
            fields = ", ".join(".".join(map(str, one["loc"])) for one in exc.errors())
            return _error(400, "invalid_event", f"not a CloudEvents 1.0 event: {fields}")
        if event.type == ENTERED:
            return _error(422, "unknown_type", "people enter this on their own page")
        if event.id != message_id and config.role is Role.COMMUNICATIONS:
            return _error(400, "invalid_event", "webhook-id and the event's id differ")
        if journal is not None and isinstance(receiver, NoticeDesk):
            # Kept before it is sent: a repeat after a crash must not be a second notice.
            journal.append(message_id, raw)
        try:
            answer = receiver.take(message_id, event)
        except EventRefused as exc:
            return _error(exc.status, exc.code, str(exc))
        if journal is not None and not isinstance(receiver, NoticeDesk):
            journal.append(message_id, raw)
        return JSONResponse(answer)

    def is_authorised(request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_known = hmac.compare_digest(token.strip().encode(), config.token.encode())
        return scheme.lower() == "bearer" and is_known

    async def enter(request: Request) -> Response:
        """What a customer-success manager enters for a contract on the service's own page."""
        if not is_authorised(request):
            return _error(401, "unauthorized", "a bearer token is needed")
        try:
            entered = EnteredState.model_validate_json(await request.body())
        except ValidationError as exc:
            fields = ", ".join(".".join(map(str, one["loc"])) for one in exc.errors())
            return _error(422, "invalid_data", f'give {{"state": "…"}}: {fields}')
        event = Event(
            specversion="1.0",
            id=f"entered-{uuid.uuid4().hex}",
            source="customer-success",
            type=ENTERED,
            subject=request.path_params["contract_key"],
            time=clock.now(),
            data=entered.model_dump(),
        )
        try:
            answer = receiver.take(event.id, event)
        except EventRefused as exc:
            return _error(exc.status, exc.code, str(exc))
        if journal is not None:
            journal.append(event.id, event.model_dump_json().encode())
        return JSONResponse(answer)

    def read(key: str, find: Any) -> Any:
        async def handler(request: Request) -> Response:
            if not is_authorised(request):
                return _error(401, "unauthorized", "a bearer token is needed")
            found = find(request.path_params[key])
            if found is None:
                return _error(404, "not_found", f"nothing is known under this {key}")
            return JSONResponse(found)

        return handler

    routes = [Route("/events", events, methods=["POST"])]
    if isinstance(receiver, NoticeDesk):
        routes.append(Route("/notices/{subject}", read("subject", receiver.notices_of)))
    elif config.role is Role.ENTITLEMENT:
        shown = read("contract_key", receiver.shown)
        routes.append(Route("/entitlements/{contract_key}", shown))
    else:
        held = read("contract_key", receiver.contract)
        routes += [
            Route("/accounts/{customer_key}", read("customer_key", receiver.account)),
            Route("/contracts/{contract_key}", held),
            Route("/contracts/{contract_key}/state", enter, methods=["PUT"]),
        ]
    return build_app(
        routes,
        ReceiverErrors(),
        clock,
        ledger,
        FaultSwitch(),
        on_reset=reset,
        lifespan=lifespan,
        name=config.role.value,
    )


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _shape(fault: Fault, status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": "application/json"}
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    body = {"error": {"code": fault.code or str(fault.kind), "message": fault.message or message}}
    return fault.status or status, headers, json.dumps(body).encode()
