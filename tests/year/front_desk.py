"""The process API as people and other systems reach it: the real application, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.bridge.app import create_app
from dealthread.bridge.usage_form import MANY
from dealthread.settings import Settings
from tests.year.clock import ServerClock


class FrontDesk:
    """Asks as the operator. While an answer is awaited no time is skipped."""

    def __init__(self, http: httpx.AsyncClient, environment: WorkflowEnvironment) -> None:
        self._http = http
        self._environment = environment

    async def get(self, path: str) -> dict[str, Any]:
        """What stands there."""
        return _taken(await self._http.get(path))

    async def look(self, path: str) -> dict[str, Any]:
        """What the systems say: a workflow reads them while the caller waits."""
        with self._environment.auto_time_skipping_disabled():
            return _taken(await self._http.get(path))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to what is asked. Raises AssertionError where it is refused."""
        with self._environment.auto_time_skipping_disabled():
            return _taken(await self._http.post(path, json=body))

    async def meter(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The answers to a batch of usage events."""
        return _taken(
            await self._http.post("/v1/usage", json=events, headers={"content-type": MANY})
        )


@asynccontextmanager
async def front_desk(
    settings: Settings, environment: WorkflowEnvironment, clock: ServerClock, token: str
) -> AsyncIterator[FrontDesk]:
    """The application at the time of the lives, on their Temporal server."""
    app = create_app(settings, now=lambda: (clock.now() - clock.offset).timestamp())

    async def connected() -> Client:
        return environment.client

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://bridge",
            headers={"Authorization": f"Bearer {token}"},
        ) as http,
    ):
        app.state.resources = replace(app.state.resources, temporal=connected)
        yield FrontDesk(http, environment)


def _taken(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, f"{answer.request.url.path}: {answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
