"""HTTP sessions that reach this machine only: the sandbox never talks to a real vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from dealthread.sandbox.errors import SandboxError

TIMEOUT_SECONDS = (5.0, 60.0)
"""Connect and read. A collection of 200 records that start workflows takes its time."""


class _LoopbackAdapter(HTTPAdapter):
    """Sends to the loopback address, in plain http.

    simple-salesforce writes `https://` before every host; the simulator speaks plain http.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises SandboxError for another machine."""
        parts = urlsplit(request.url or "")
        if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise SandboxError(f"the sandbox does not talk to {parts.hostname}")
        request.url = parts._replace(scheme="http").geturl()
        return super().send(request, stream, timeout or TIMEOUT_SECONDS, verify, cert, proxies)


def loopback_session() -> requests.Session:
    """A session without proxies and .netrc that refuses every other machine."""
    session = requests.Session()
    session.trust_env = False
    adapter = _LoopbackAdapter(max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
