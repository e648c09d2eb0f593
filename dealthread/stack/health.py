"""How a part says that it is ready. Each check answers at once and never raises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from dealthread.stack.postgres import Postgres

Check = Callable[[], bool]
TIMEOUT_SECONDS = 2.0
# A part without a port touches its ready file at least this often; older means it hangs.
SIGN_OF_LIFE_SECONDS = 60.0


def http_ok(url: str) -> Check:
    """GET answers 200."""

    def check() -> bool:
        try:
            return httpx.get(url, timeout=TIMEOUT_SECONDS).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return check


def temporal_ok(ui_url: str, namespace: str, search_attributes: Iterable[str]) -> Check:
    """The server knows the namespace and all search attributes.

    The Web UI answers before the server behind it does, so its own page proves nothing.
    """
    expected = set(search_attributes)
    address = f"{ui_url}/api/v1/namespaces/{namespace}"

    def check() -> bool:
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
                if client.get(address).status_code != httpx.codes.OK:
                    return False
                if not expected:
                    return True
                answer = client.get(f"{address}/search-attributes")
                return expected <= set(answer.json().get("customAttributes", {}))
        except (httpx.HTTPError, ValueError):
            return False

    return check


def json_rpc_ok(url: str) -> Check:
    """Tryton's server says its version."""
    call = {"id": 0, "method": "common.server.version", "params": [{}]}

    def check() -> bool:
        try:
            answer = httpx.post(f"{url}/rpc/", json=call, timeout=TIMEOUT_SECONDS)
            return answer.status_code == httpx.codes.OK and "result" in answer.json()
        except (httpx.HTTPError, ValueError):
            return False

    return check


def postgres_ok(postgres: Postgres) -> Check:
    """A session answers."""
    return postgres.is_ready


def sign_of_life(path: Path) -> Check:
    """The ready file was touched a short while ago."""

    def check() -> bool:
        try:
            age = time.time() - path.stat().st_mtime
        except OSError:
            return False
        return age < SIGN_OF_LIFE_SECONDS

    return check
