"""Serves simulators in a thread on a free port, with the kit's own server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from starlette.types import ASGIApp

from dealthread.simulators.kit.server import BackgroundServer


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """`serve(app)` starts the app and returns its URL; it is stopped after the test."""
    servers: list[BackgroundServer] = []

    def start(app: ASGIApp) -> str:
        server = BackgroundServer(app)
        servers.append(server)
        server.start()
        return server.url

    yield start
    for server in reversed(servers):
        server.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """`until(condition)` returns as soon as the condition holds; it fails after ten seconds.

    For what another thread or process brings about.
    """

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    return wait
