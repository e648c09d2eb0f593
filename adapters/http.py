"""What every HTTP adapter shares: time limits, host pinning, throttle, error questions, meter.

Limits follow one rule: a call ends before the activity's start-to-close (30 s), so that an
attempt Temporal gave up on is dead in its process too. TLS verification cannot be switched off
here; plain http is accepted for loopback addresses only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from adapters.manifest import Manifest
from dealthread.errors import (
    AuthRejected,
    DealthreadError,
    InvariantBroken,
    RateLimited,
    VendorUnavailable,
)
from dealthread.outcome import Unknown

T = TypeVar("T")

CONNECT_SECONDS = 3.05
"""A little over 3 s, the time after which a lost TCP SYN is repeated."""
READ_SECONDS = 20.0
TOTAL_SECONDS = 24.5
DEFAULT_RETRY_AFTER = timedelta(seconds=5)
MAX_RETRY_AFTER = timedelta(hours=1)
TIMEOUT = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)

_REVISION = re.compile(r"~\d+\Z")
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)


class CallMeter(Protocol):
    """Counts vendor calls, for the measured cost of a run."""

    def count(self, system: str, operation: str) -> None:
        """One request is about to leave."""


class NoMeter:
    """Counts nothing."""

    def count(self, system: str, operation: str) -> None:
        """Nothing to do."""


class TallyMeter:
    """Counts in memory, by (system, operation)."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], int] = {}

    def count(self, system: str, operation: str) -> None:
        """One more."""
        key = (system, operation)
        self.calls[key] = self.calls.get(key, 0) + 1

    def of(self, system: str) -> int:
        """Calls to one system."""
        return sum(n for (name, _), n in self.calls.items() if name == system)


class RateLimiter:
    """Token bucket: at most `per_second` calls a second, with a burst of one second's worth.

    Waiters are served in the order they came: each takes the next free slot, then sleeps to it.
    """

    def __init__(
        self,
        per_second: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if per_second <= 0:
            raise ValueError("calls per second must be positive")
        self._gap = 1.0 / per_second
        self._burst = max(1.0, per_second)
        self._now = now
        self._sleep = sleep
        self._next_free = -math.inf

    async def take(self) -> None:
        """Wait for this call's turn."""
        now = self._now()
        # The slot may lie up to one burst in the past: that is the unused allowance.
        slot = max(self._next_free, now - (self._burst - 1) * self._gap)
        self._next_free = slot + self._gap
        if slot > now:
            await self._sleep(slot - now)


def secure_base_url(url: str) -> str:
    """The URL without a trailing slash. Raises ValueError unless https, or http on loopback."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("an address needs a host and no user, query or fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return url.rstrip("/")
    raise ValueError("an address must be https; plain http is for loopback only")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by literal address or the name localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


class PinnedTransport(httpx.AsyncBaseTransport):
    """Lets declared requests to one configured origin pass; all others never leave."""

    def __init__(
        self,
        allowed_url: str,
        inner: httpx.AsyncBaseTransport,
        manifest: Manifest | None = None,
    ) -> None:
        self._allowed = origin(secure_base_url(allowed_url))
        self._inner = inner
        self._manifest = manifest

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises InvariantBroken for a foreign origin or an operation nobody declared."""
        if origin(str(request.url)) != self._allowed:
            raise InvariantBroken("foreign_host", expected=self._allowed[1])
        if self._manifest is not None:
            self._manifest.require(request.method, request.url.path)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def make_client(
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client pinned to one origin: time limits on, redirects off, environment ignored.

    `transport` replaces the network in tests; the pin stays in front of it.
    """
    return httpx.AsyncClient(
        base_url=secure_base_url(base_url),
        headers=dict(headers or {}),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        transport=PinnedTransport(base_url, transport or httpx.AsyncHTTPTransport()),
    )


async def within_total(work: Awaitable[T], seconds: float = TOTAL_SECONDS) -> T:
    """Bound the whole call: read time-outs alone let a trickling body last for ever.

    Raises TimeoutError, which counts as possibly sent."""
    async with asyncio.timeout(seconds):
        return await work


async def to_its_end(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Await a write to its end even when the caller is cancelled, then honour the cancellation.

    A write abandoned in flight would have its effect after the undo that follows it."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()
        raise asyncio.CancelledError
    return task.result()


def certainly_not_sent(error: BaseException | None) -> bool:
    """Whether the request cannot have reached the other side."""
    return isinstance(error, _NOT_SENT)


def refuse_unanswered(response: httpx.Response, token_refused: str) -> None:
    """Raises what an answer to a read says where it gives none: AuthRejected (by the reason
    `token_refused`), RateLimited or VendorUnavailable."""
    status = response.status_code
    if status in (401, 403):
        raise AuthRejected(token_refused, status=str(status))
    if status == 429:
        raise RateLimited("rate_limited")
    if status >= 500:
        raise VendorUnavailable("server_error", status=str(status))


def read_failure(error: BaseException) -> DealthreadError:
    """What a failed read means: it can be repeated."""
    return VendorUnavailable("not_sent" if certainly_not_sent(error) else seen(error))


def write_failure(error: BaseException) -> Unknown:
    """What a failed write means: Unknown. Raises VendorUnavailable where nothing was sent."""
    if certainly_not_sent(error):
        raise VendorUnavailable("not_sent") from error
    return Unknown(seen(error))


def seen(error: BaseException | None) -> str:
    """Short code for what was seen of a transport failure."""
    if isinstance(error, httpx.ReadTimeout):
        return "read_timeout"
    if isinstance(error, httpx.WriteTimeout):
        return "write_timeout"
    if isinstance(error, TimeoutError):
        return "total_timeout"
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        return "connection_reset"
    return "transport_failure"


def act_key(idempotency_key: str) -> str:
    """The key of the business act, without the revision (`~2`) that a corrected repeat carries.

    Marks on vendor objects hold this form, so that a look-up finds every revision."""
    return _REVISION.sub("", idempotency_key)


def parse_retry_after(
    value: str | None,
    *,
    default: timedelta = DEFAULT_RETRY_AFTER,
    cap: timedelta = MAX_RETRY_AFTER,
    now: datetime | None = None,
) -> timedelta:
    """Retry-After as seconds or HTTP date (RFC 9110 §10.2.3); absent or garbage → the default.

    Never negative and never above the cap: a stray year would park a deal for ever."""
    delay = default
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        delay = timedelta(seconds=min(int(text[:9]), int(cap.total_seconds())))
    elif text:
        try:
            at = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError):
            return min(default, cap)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        # The date is the vendor's wall clock, not business time: machine time is the right one.
        delay = at - (now or datetime.now(UTC))
    return min(max(delay, timedelta(0)), cap)
