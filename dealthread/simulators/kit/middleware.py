"""Applies faults and keeps the request ledger, in front of a simulator's app (pure ASGI)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dealthread.simulators.kit.faults import (
    Fault,
    FaultKind,
    FaultSwitch,
    RequestView,
    VendorErrors,
)
from dealthread.simulators.kit.ledger import Ledger, RequestEntry

TRANSPORT_EXTENSION = "dealthread.transport"
"""Where the kit's server puts the connection's transport, so that it can be cut."""

FAULT_EXTENSION = "dealthread.fault"
"""Where a handler finds the fault it has to carry out itself (stale read)."""

Identify = Callable[[Mapping[str, str], str], tuple[str | None, str | None]]
"""(headers with lower-case names, path) -> (account, idempotency key) for the ledger."""

Answer = tuple[int, dict[str, str], bytes]


def identify_by_headers(
    headers: Mapping[str, str],
    path: str,  # noqa: ARG001 part of the signature
) -> tuple[str | None, str | None]:
    """No account; the idempotency key from `idempotency-key` or `webhook-id`."""
    return None, headers.get("idempotency-key") or headers.get("webhook-id")


class FaultMiddleware:
    """Strikes requests with the faults of the switch; leaves `/_sim/…` alone."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: FaultSwitch,
        ledger: Ledger,
        vendor_errors: VendorErrors,
        identify: Identify = identify_by_headers,
    ) -> None:
        self._app = app
        self._faults = faults
        self._ledger = ledger
        self._errors = vendor_errors
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sim/"):
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            return  # the client went away before it had asked anything
        path = _path_with_query(scope)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        account, key = self._identify(headers, path)
        entry = self._ledger.request(
            scope["method"], path, account=account, idempotency_key=key, body=body
        )
        fault = None
        if not self._faults.is_empty:
            fault = self._faults.take(RequestView(scope["method"], path, body))
        replay = _replay(body, receive)
        if fault is None:
            await self._app(scope, replay, _noting(send, entry))
            return
        entry.fault = fault.kind.value
        await self._strike(fault, entry, scope, replay, receive, send)

    async def _strike(
        self,
        fault: Fault,
        entry: RequestEntry,
        scope: Scope,
        replay: Receive,
        receive: Receive,
        send: Send,
    ) -> None:
        kind = fault.kind
        if kind is FaultKind.STALE_READ:
            scope.setdefault("extensions", {})[FAULT_EXTENSION] = fault
            await self._app(scope, replay, _noting(send, entry))
            return
        refusal = self._refusal(fault)
        if refusal is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            await _answer(send, entry, refusal)
            return
        if kind is FaultKind.REFUSE:
            await _cut(scope, receive)
            return
        if kind is FaultKind.LATE_EFFECT:
            await asyncio.sleep(fault.delay)
        status, headers, body = await self._run(scope, replay)
        entry.handler_status = status
        if kind is FaultKind.LOSE_ANSWER:
            await _cut(scope, receive)
            return
        if kind is FaultKind.SERVER_ERROR_AFTER:
            await _answer(send, entry, self._errors.server_error(fault))
            return
        if kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay)
        elif kind is FaultKind.MALFORMED:
            status, body = 200, body[: len(body) // 2] or b"{"
            headers["content-type"] = headers.get("content-type", "application/json")
        await _answer(send, entry, (status, headers, body))

    def _refusal(self, fault: Fault) -> Answer | None:
        """The vendor's answer for a fault without an effect, or None for the other kinds."""
        if fault.kind is FaultKind.RATE_LIMIT:
            return self._errors.rate_limited(fault)
        if fault.kind is FaultKind.SERVER_ERROR:
            return self._errors.server_error(fault)
        if fault.kind is FaultKind.REJECT:
            return self._errors.rejected(fault)
        if fault.kind is FaultKind.AUTH:
            return self._errors.auth(fault)
        if fault.kind is FaultKind.HTML:
            page = (
                b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
            )
            return fault.status or 502, {"content-type": "text/html"}, page
        return None

    async def _run(self, scope: Scope, replay: Receive) -> Answer:
        """Run the app to its end and keep its answer instead of sending it."""
        status = 500
        headers: dict[str, str] = {}
        chunks: list[bytes] = []

        async def keep(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                for name, value in message.get("headers", []):
                    headers[name.decode("latin-1").lower()] = value.decode("latin-1")
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        await self._app(scope, replay, keep)
        headers.pop("content-length", None)
        headers.pop("transfer-encoding", None)
        return status, headers, b"".join(chunks)


async def _read_body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read already, then whatever follows."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if not is_given:
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _noting(send: Send, entry: RequestEntry) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry.status = entry.handler_status = message["status"]
        await send(message)

    return note


async def _answer(send: Send, entry: RequestEntry, answer: Answer) -> None:
    status, headers, body = answer
    entry.status = status
    pairs = [(name.lower(), value) for name, value in headers.items()]
    if status not in (204, 304):
        pairs.append(("content-length", str(len(body))))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if status in (204, 304) else body})


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer and wait until the server has noticed."""
    transport = scope.get("extensions", {}).get(TRANSPORT_EXTENSION)
    if transport is None:
        raise RuntimeError("connections can be cut only under dealthread.simulators.kit.server")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue


def _path_with_query(scope: Scope) -> str:
    path: str = scope["path"]
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('latin-1')}" if query else path
