"""JSON-RPC to Tryton: session, time limits, and what an error means for a read and for a write.

A read fails with a transport error. A write fails with one of three things: a transport error
that excludes an effect, `StepRejected` (Tryton understood and rolled back), or `OutcomeUnknown`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import httpx

from adapters.erp.tryton import codec
from adapters.erp.tryton.manifest import MANIFEST
from adapters.erp.tryton.settings import TrytonSettings
from adapters.http import CallMeter, NoMeter
from adapters.manifest import Manifest
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    OutcomeUnknown,
    RateLimited,
    StepRejected,
    VendorUnavailable,
)

ERP_REJECTED = "erp.rejected"
# Raised by httpx before a byte of the request has left.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LARGEST_MESSAGE = 500
"""Characters of Tryton's own message kept as evidence."""

Row = dict[str, Any]


class TrytonRpc:
    """One user of one database. Safe to share between tasks."""

    def __init__(
        self,
        settings: TrytonSettings,
        http: httpx.AsyncClient,
        meter: CallMeter | None = None,
        manifest: Manifest = MANIFEST,
    ) -> None:
        self._settings = settings
        self._manifest = manifest
        self._meter = meter or NoMeter()
        self._http = http
        self._url = f"{settings.url.rstrip('/')}/{settings.database}/rpc/"
        self._timeout = httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds)
        self._session = ""
        self._login_lock = asyncio.Lock()
        self._ids = itertools.count(1)

    async def read(self, method: str, *arguments: Any, context: Mapping[str, Any]) -> Any:
        """Call a method that changes nothing."""
        return await self._call(method, [*arguments, dict(context)], case_kind="")

    async def write(
        self, method: str, *arguments: Any, context: Mapping[str, Any], case_kind: str
    ) -> Any:
        """Call a method that changes something; a refusal opens a case of `case_kind`."""
        return await self._call(method, [*arguments, dict(context)], case_kind=case_kind)

    async def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        context: Mapping[str, Any],
        limit: int | None = None,
        order: Sequence[Any] | None = None,
    ) -> list[Row]:
        """Records that match, as plain rows."""
        method = f"model.{model}.search_read"
        rows = await self.read(method, domain, 0, limit, order, fields, context=context)
        if not isinstance(rows, list) or any("id" not in row for row in rows):
            raise ContractDrift("rows_expected", method=method)
        return rows

    async def _call(self, method: str, params: list[Any], *, case_kind: str) -> Any:
        """`case_kind` empty means a read."""
        session = self._session or await self._login(stale="")
        answer = await self._post(method, params, session, is_write=bool(case_kind))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # Refused before the method ran: sessions end after five idle minutes.
            session = await self._login(stale=session)
            answer = await self._post(method, params, session, is_write=bool(case_kind))
        if answer.status_code != httpx.codes.OK:
            _raise_for_status(answer, method, case_kind)
        try:
            document = codec.loads(answer.content)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not ({"result", "error"} & document.keys()):
            _raise_lost("malformed_answer", method, is_write=bool(case_kind))
        if "error" in document:
            _raise_for_error(document["error"], method, case_kind)
        return document["result"]

    async def _login(self, *, stale: str) -> str:
        """Log in once for all waiting tasks; `stale` is the session that stopped working."""
        async with self._login_lock:
            if self._session and self._session != stale:
                return self._session
            user = self._settings.user
            secret = {"password": self._settings.password.get_secret_value()}
            answer = await self._post("common.db.login", [user, secret, "en"], "", is_write=False)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise AuthRejected("login_refused")
            if answer.status_code != httpx.codes.OK:
                _raise_for_status(answer, "common.db.login", "")
            try:
                user_id, token, *_ = codec.loads(answer.content)["result"]
            except (ValueError, KeyError, TypeError) as failure:
                raise ContractDrift("login_answer") from failure
            self._session = base64.b64encode(f"{user}:{user_id}:{token}".encode()).decode()
            return self._session

    async def _post(
        self, method: str, params: list[Any], session: str, *, is_write: bool
    ) -> httpx.Response:
        self._manifest.require("RPC", method)
        self._meter.count(self._settings.instance, method)
        body = {"id": next(self._ids), "method": method, "params": codec.encode(params)}
        headers = {"Authorization": f"Session {session}"} if session else {}
        try:
            return await self._http.post(
                self._url, json=body, headers=headers, timeout=self._timeout
            )
        except _NOT_SENT as failure:
            raise VendorUnavailable("not_connected", method=method) from failure
        except httpx.TimeoutException:
            _raise_lost("read_timeout", method, is_write=is_write)
        except httpx.TransportError:
            _raise_lost("connection_reset", method, is_write=is_write)
        except httpx.DecodingError:
            _raise_lost("malformed_answer", method, is_write=is_write)


def _raise_lost(code: str, method: str, *, is_write: bool, status: int = 0) -> NoReturn:
    """No usable answer: harmless for a read; a write may have had its effect."""
    if is_write:
        raise OutcomeUnknown(code, method=method, status=str(status))
    if code in ("malformed_answer", "unexpected_status"):
        raise ContractDrift(code, method=method, status=str(status))
    raise VendorUnavailable(code, method=method)


def _raise_for_status(answer: httpx.Response, method: str, case_kind: str) -> NoReturn:
    status = answer.status_code
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise AuthRejected(f"http_{status}", method=method)
    if status == httpx.codes.NOT_FOUND:
        # No such database, decided before anything ran. It may be being made.
        raise VendorUnavailable("no_database", method=method)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimited("rate_limited", retry_after=_retry_after(answer), method=method)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        # 503 says a lock was not obtained, mostly after a rollback. The server can also fail
        # after its commit (queued tasks, session renewal), so it proves nothing for a write.
        if not case_kind:
            raise VendorUnavailable(
                "server_error", retry_after=_retry_after(answer), method=method, status=str(status)
            )
        raise OutcomeUnknown(
            "server_error", retry_after=_retry_after(answer), method=method, status=str(status)
        )
    if case_kind and status >= httpx.codes.BAD_REQUEST:
        raise StepRejected(f"http_{status}", case_kind=case_kind, method=method)
    _raise_lost("unexpected_status", method, is_write=bool(case_kind), status=status)


def _raise_for_error(error: Any, method: str, case_kind: str) -> NoReturn:
    """Tryton names four kinds of error; everything else is a fault inside the server."""
    kind, detail = "", []
    if isinstance(error, list) and error:
        kind = str(error[0])
        detail = error[1] if len(error) > 1 and isinstance(error[1], list) else []
    match kind:
        case "UserError":
            message = " ".join(str(part) for part in detail[:2] if part)[:_LARGEST_MESSAGE]
            raise StepRejected(
                "user_error",
                case_kind=case_kind or ERP_REJECTED,
                field=_field_of(detail),
                message=message,
                method=method,
            )
        case "UserWarning":
            message = str(detail[1])[:_LARGEST_MESSAGE] if len(detail) > 1 else ""
            raise StepRejected(
                "user_warning",
                case_kind=case_kind or ERP_REJECTED,
                message=message,
                method=method,
                warning=str(detail[0])[:_LARGEST_MESSAGE] if detail else "",
            )
        case "ConcurrencyException":
            raise Conflict("changed_meanwhile", method=method)
        case "LoginException":
            raise AuthRejected("login_refused", method=method)
        case "RateLimitException":
            raise RateLimited("rate_limited", method=method)
    if case_kind:
        # Raised inside the transaction or in a task after its commit: the answer does not say.
        raise OutcomeUnknown("internal_error", method=method)
    raise ContractDrift("internal_error", method=method)


def _field_of(detail: Sequence[Any]) -> str:
    """Offending field, from the domain that Tryton adds to validation errors."""
    domain = detail[2] if len(detail) > 2 else None
    while isinstance(domain, list) and domain:
        if isinstance(domain[0], str):
            return domain[0] if domain[0] not in ("AND", "OR") else ""
        domain = domain[0]
    return ""


def _retry_after(answer: httpx.Response) -> timedelta | None:
    value = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(value)) if value.isdigit() else None
