"""Calls to one org: simple-salesforce in direct mode, one renewal of the token, nothing more."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import local
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from adapters.http import CallMeter, NoMeter, to_its_end
from adapters.salesforce.errors import (
    VendorError,
    connection_failed,
    from_exception,
    is_dead_session,
    parse_error,
)
from adapters.salesforce.manifest import PARTS
from adapters.salesforce.session import GuardedSession, UsageMeter
from adapters.salesforce.settings import SalesforceSettings
from adapters.salesforce.token import TokenSource, mint_token
from adapters.salesforce.wire import encode
from dealthread.errors import VendorUnavailable

T = TypeVar("T")
Part = dict[str, Any]


class CallFailed(Exception):
    """Salesforce answered with an error."""

    def __init__(self, error: VendorError) -> None:
        super().__init__(error.code)
        self.error = error


class AnswerLost(Exception):
    """The request may have arrived; no usable answer came back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PartAnswer:
    """One part of a composite answer."""

    def __init__(self, reference: str, status: int, body: Any) -> None:
        self.reference = reference
        self.status = status
        self.body = body

    def error(self) -> VendorError | None:
        """None when this part went through."""
        if self.status < 300:
            return None
        return parse_error(self.status, self.body, self.reference)


class SalesforceClient:
    """Runs blocking calls on its own threads. One HTTP session per thread, one token for all."""

    def __init__(self, settings: SalesforceSettings, meter: CallMeter | None = None) -> None:
        self._settings = settings
        self._meter = meter or NoMeter()
        self._local = local()
        self._sessions: list[requests.Session] = []
        self.usage = UsageMeter()
        self.tokens = TokenSource(lambda: mint_token(settings, self._session(), self._meter))
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="salesforce")

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking work; a cancelled caller still waits for its end, then is cancelled.

        A thread cannot be cancelled: a task that left it behind would report "cancelled" while
        the write goes on."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._pool, context.run, work))

    async def aclose(self) -> None:
        """Let running calls end, then close the connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        for session in self._sessions:
            session.close()

    def composite(
        self,
        operation: str,
        parts: Sequence[Part],
        *,
        all_or_none: bool,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, PartAnswer]:
        """One composite request; at most 25 parts, of them 5 queries. Raises CallFailed when
        the whole was refused, AnswerLost when no usable answer came, InvariantBroken for a part
        that the manifest does not declare."""
        for part in parts:
            PARTS.require(part["method"], urlsplit(part["url"]).path)
        body = encode({"allOrNone": all_or_none, "compositeRequest": list(parts)})
        answer = self._call(operation, "composite", body.encode(), dict(headers or {}))
        return _parts_of(answer, [part["referenceId"] for part in parts])

    def get(self, operation: str, path: str) -> Any:
        """One resource. Raises CallFailed and AnswerLost."""
        return self._call(operation, path, None, {})

    def _call(self, operation: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        token = self.tokens.current()
        try:
            return self._once(operation, token, path, body, headers)
        except CallFailed as failure:
            if not is_dead_session(failure.error):
                raise
        # The library would repeat without our headers; this repeats the whole call with them.
        return self._once(operation, self.tokens.renew(token), path, body, headers)

    def _once(
        self, operation: str, token: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Any:
        self._meter.count("salesforce", operation)
        session = self._session()
        salesforce = Salesforce(
            session_id=token,
            instance_url=self._settings.instance_url,
            version=self._settings.api_version,
            session=session,
            # Money must not pass through a binary float on its way in.
            parse_float=Decimal,
            object_pairs_hook=dict,
        )
        try:
            method = "GET" if body is None else "POST"
            return salesforce.restful(path, method=method, data=body, headers=headers)
        except SalesforceError as error:
            raise CallFailed(from_exception(error, session.guarded.retry_after)) from None
        except requests.RequestException as error:
            seen = connection_failed(error)
            if not seen.sent:
                raise VendorUnavailable(seen.code) from error
            raise AnswerLost(seen.code) from None
        except (ValueError, TypeError):
            raise AnswerLost("malformed_answer") from None

    def _session(self) -> GuardedSession:
        session: GuardedSession | None = getattr(self._local, "session", None)
        if session is None:
            session = GuardedSession(self._settings.instance_url, self.usage)
            self._local.session = session
            self._sessions.append(session)
        return session


def _parts_of(answer: Any, references: Sequence[str]) -> dict[str, PartAnswer]:
    rows = answer.get("compositeResponse") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise AnswerLost("malformed_answer")
    parts: dict[str, PartAnswer] = {}
    for row in rows:
        status = row.get("httpStatusCode") if isinstance(row, dict) else None
        reference = row.get("referenceId") if isinstance(row, dict) else None
        if not isinstance(status, int) or not isinstance(reference, str):
            raise AnswerLost("malformed_answer")
        parts[reference] = PartAnswer(reference, status, row.get("body"))
    if set(parts) != set(references):
        raise AnswerLost("malformed_answer")
    return parts
