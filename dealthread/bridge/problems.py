"""Errors as RFC 9457 problem documents: what, which field, what to do. Never a stack trace."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import DataError as PsycopgDataError
from psycopg import OperationalError as PsycopgOperationalError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from dealthread.errors import BadInput, DealthreadError, NotFound, VendorUnavailable

log = structlog.get_logger()
_CONFLICTS = {
    "case_already_decided",
    "stale_version",
    "not_ended_undone",
    "another_order_under_this_id",
    "another_receipt_under_this_id",
    "asked_elsewhere",
    "nothing_to_withdraw",
    "replay_changed",
    "nothing_to_replay",
    "not_disabled",
    "not_refused",
}
_FORBIDDEN = {"not_allowed", "same_person"}


def problem(
    status: int,
    code: str,
    *,
    field: str = "",
    action: str = "",
    retry_after_seconds: int | None = None,
    refusals: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """One answer shape for every error of the bridge; `refusals` where there are several."""
    body: dict[str, object] = {"type": "about:blank", "status": status, "code": code}
    if field:
        body["field"] = _printable(field)
    if action:
        body["action"] = _printable(action)
    if refusals:
        body["refusals"] = [
            {name: _printable(value) for name, value in one.items()} for one in refusals
        ]
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return JSONResponse(
        body, status_code=status, headers=headers, media_type="application/problem+json"
    )


class Unanswered(Exception):
    """A question to the systems that came to nothing, with the problem to show."""

    def __init__(self, answer: JSONResponse) -> None:
        super().__init__()
        self.answer = answer


def _printable(text: str) -> str:
    """A caller's own words go back only as far as UTF-8 can carry them."""
    return text.encode(errors="backslashreplace").decode()


def _not_storable() -> JSONResponse:
    return problem(
        400, "value_not_storable", action="send text without control characters, and shorter"
    )


def install(app: FastAPI) -> None:
    """Map our errors and the framework's to problem documents."""

    @app.exception_handler(DealthreadError)
    async def ours(_: Request, error: DealthreadError) -> JSONResponse:
        if isinstance(error, NotFound):
            return problem(404, error.code, action="check the id; any native id will do")
        if isinstance(error, BadInput):
            status = 409 if error.code in _CONFLICTS else 403 if error.code in _FORBIDDEN else 400
            return problem(status, error.code, field=error.field, action=error.action)
        if isinstance(error, VendorUnavailable):
            return problem(503, error.code, action="try again later", retry_after_seconds=5)
        return problem(502, error.code, action="see the logs of the bridge")

    @app.exception_handler(Unanswered)
    async def unanswered(_: Request, error: Unanswered) -> JSONResponse:
        return error.answer

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return problem(422, "invalid", field=field, action=str(first["msg"]))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        code = str(error.detail).lower().replace(" ", "_")
        # The framework's only 400: a number too long, or brackets too deep, for its reader.
        unread = error.status_code == 400
        answer = problem(
            error.status_code,
            code,
            field="body" if unread else "",
            action="send JSON with numbers and depth of a usual size" if unread else "",
        )
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(DBAPIError)
    @app.exception_handler(PsycopgOperationalError)
    @app.exception_handler(PoolTimeout)
    async def store(_: Request, error: Exception) -> JSONResponse:
        if isinstance(error, DBAPIError) and isinstance(error.orig, PsycopgDataError):
            return _not_storable()
        log.error("store_unavailable", error=type(error).__name__)
        return problem(503, "store_unavailable", action="try again later", retry_after_seconds=5)

    @app.exception_handler(UnicodeEncodeError)
    async def unpaired(_: Request, __: UnicodeEncodeError) -> JSONResponse:
        # JSON may spell half a character (an unpaired surrogate); text cannot hold it.
        return _not_storable()

    @app.exception_handler(OSError)
    async def os_error(_: Request, error: OSError) -> JSONResponse:
        log.error("unavailable", error=type(error).__name__)
        return problem(503, "unavailable", action="try again later", retry_after_seconds=5)
