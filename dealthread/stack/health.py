"""How a part says that it is ready. Each check answers at once and never raises."""

from __future__ import annotations

import time
from collections.abc import Callable
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
            return (
                httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False).status_code
                == httpx.codes.OK
            )
        except httpx.HTTPError:
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
