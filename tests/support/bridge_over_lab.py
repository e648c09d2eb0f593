"""The real bridge over a laboratory's workers, and callers of it with a role each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from temporalio.client import Client

from dealthread.bridge.app import create_app
from dealthread.settings import Settings
from tests.support.deal_builder import CONFIG_DIR, ORG
from tests.support.saga_lab import Lab

ROLES = ("finance", "approver", "viewer")


class Asks:
    """A caller: as `role`, unless a request says another. Without a body it reads."""

    def __init__(self, http: httpx.AsyncClient, role: str) -> None:
        self._http, self._role = http, role

    async def __call__(
        self, path: str, body: object = None, *, role: str = "", expect: int = 200
    ) -> Any:
        answer = await self._http.request(
            "GET" if body is None else "POST",
            path,
            json=body,
            headers={"Authorization": f"Bearer {role or self._role}"},
        )
        assert answer.status_code == expect, answer.text
        is_json = answer.headers["content-type"].endswith("json")
        return answer.json() if is_json else answer.text


def settings_of(it: Lab, url: str) -> Settings:
    """Of the laboratory's business time; one person of each role, whose token is its name."""
    people = {name: {"actor": f"{name}-person", "roles": [name]} for name in ROLES}
    return Settings.model_validate(
        {
            "database_url": url,
            "codec_keys": json.dumps({"test/1": "a2" * 21 + "s="}),
            "config_dir": CONFIG_DIR,
            "business_offset_seconds": it.offset_seconds(),
            "api_tokens": json.dumps(people),
            "webhook_secrets": json.dumps({f"salesforce:{ORG}": ["whsec_a2V5"]}),
        }
    )


@asynccontextmanager
async def served(
    settings: Settings, client: Client
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """The bridge, with a Temporal server that is there, and whoever calls it."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):

        async def connected() -> Client:
            return client

        object.__setattr__(app.state.resources, "temporal", connected)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:
            yield app, http


@asynccontextmanager
async def bridge_over(
    it: Lab, url: str, client: Client, role: str = "finance"
) -> AsyncIterator[Asks]:
    """With the laboratory's business time and Temporal server; one person of each role."""
    async with served(settings_of(it, url), client) as (_, http):
        yield Asks(http, role)
