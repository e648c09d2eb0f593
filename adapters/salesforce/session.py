"""The HTTP session under simple-salesforce: time limits, host guard, usage meter.

The library sets no time-out on any call, follows redirects with the bearer token, and hard-codes
`https://` before the host. All three are put right here, below it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from adapters.http import (
    CONNECT_SECONDS,
    READ_SECONDS,
    TOTAL_SECONDS,
    is_loopback,
    origin,
    secure_base_url,
)
from adapters.salesforce.manifest import MANIFEST
from dealthread.errors import InvariantBroken

MAX_BODY_BYTES = 16 * 1024 * 1024
"""No answer we ask for is near this; a larger one is not read into memory."""

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")


class UsageMeter:
    """Latest `Sforce-Limit-Info: api-usage=18/5000`: requests used and allowed in 24 hours."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.used: int | None = None
        self.allowed: int | None = None

    def note(self, header: str | None) -> None:
        """Remember what an answer said; garbage is ignored."""
        found = _USAGE.search(header or "")
        if found:
            with self._lock:
                self.used, self.allowed = int(found[1]), int(found[2])


class GuardedAdapter(HTTPAdapter):
    """Sends to one configured origin only, within time limits.

    simple-salesforce always builds `https://<host>`; where the configured origin is plain http
    (a simulator on loopback) the request's scheme is put back to it.
    """

    def __init__(self, instance_url: str, usage: UsageMeter) -> None:
        self._origin = origin(secure_base_url(instance_url))
        self._usage = usage
        self.retry_after: str | None = None
        """Retry-After of the last answer; the library's exceptions do not carry headers."""
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,  # noqa: ARG002
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises InvariantBroken for another host, or for what the manifest does not declare."""
        self._guard(request)
        if verify is False:
            raise InvariantBroken("tls_verification_off")
        self.retry_after = None
        deadline = time.monotonic() + TOTAL_SECONDS
        response = super().send(
            request,
            stream=True,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            verify=verify,
            cert=cert,
            proxies=proxies,
        )
        self._usage.note(response.headers.get("Sforce-Limit-Info"))
        self.retry_after = response.headers.get("Retry-After")
        self._read(response, deadline)
        return response

    def _guard(self, request: requests.PreparedRequest) -> None:
        scheme, host, port = self._origin
        url = request.url or ""
        parts = urlsplit(url)
        explicit = parts.port or (port if port in (80, 443) else None)
        if (parts.hostname or "").lower() != host or explicit != port:
            raise InvariantBroken("foreign_host", expected=host)
        MANIFEST.require(str(request.method), parts.path.rstrip("/"))
        if scheme == "http":
            if not is_loopback(host):
                raise InvariantBroken("plain_http_beyond_loopback", expected=host)
            request.url = urlunsplit(("http", parts.netloc, parts.path, parts.query, ""))

    def _read(self, response: requests.Response, deadline: float) -> None:
        # The read time-out restarts with each byte; the deadline bounds a trickling body.
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(64 * 1024):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                response.close()
                raise requests.exceptions.ContentDecodingError("answer_too_large")
            if time.monotonic() > deadline:
                response.close()
                raise requests.exceptions.ReadTimeout("total_timeout")
        # requests has no public way to hand over a body that was already read.
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]


class GuardedSession(requests.Session):
    """Follows no redirect and ignores the environment: a .netrc would replace the token."""

    def __init__(self, instance_url: str, usage: UsageMeter) -> None:
        super().__init__()
        self.trust_env = False
        self.guarded = GuardedAdapter(instance_url, usage)
        self.mount("https://", self.guarded)
        self.mount("http://", self.guarded)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests does, without redirects."""
        kwargs["allow_redirects"] = False
        return super().request(method, url, *args, **kwargs)
