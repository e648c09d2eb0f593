"""The real bridge over a database of its own, without a network between."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.app import create_app
from dealthread.settings import Settings
from tests.bridge.caller import (
    ACCOUNT,
    CODEC_TOKEN,
    NEXT_SECRET,
    ORG,
    OUTBOUND_TOKEN,
    SECRET,
    START,
    STRIPE_SECRET,
    TOKENS,
    UI,
    Bridge,
    Clock,
)
from tests.store.shared import shared_engine as shared_engine
from tests.store.shared import shared_url as shared_url
from tests.store.shared import store as store


def settings_of(database_url: str) -> Settings:
    """Settings with one org, one billing account and a token for each role."""
    return Settings.model_validate(
        {
            "database_url": database_url,
            # Nobody is there; on the usual port another test's stack may be.
            "temporal_address": "127.0.0.1:9",
            "codec_keys": json.dumps({"kek/1": base64.b64encode(b"k" * 32).decode()}),
            "api_tokens": json.dumps(TOKENS),
            "webhook_secrets": json.dumps(
                {
                    f"salesforce:{ORG}": [SECRET, NEXT_SECRET],
                    f"salesforce-outbound:{ORG}": [OUTBOUND_TOKEN],
                    f"stripe:{ACCOUNT}": [STRIPE_SECRET],
                }
            ),
            "codec_token": CODEC_TOKEN,
            "codec_origins": json.dumps([UI]),
            "ui_url": UI,
            "subscribers": json.dumps(
                [
                    {
                        "name": "desk",
                        "url": "https://desk.example.com/events",
                        "secret_name": "DESK",
                        "types": ["contract.*"],
                        "kind": "communications",
                    }
                ]
            ),
        }
    )


@pytest_asyncio.fixture(scope="session")
async def application(shared_url: str) -> AsyncIterator[tuple[FastAPI, Clock]]:
    """The application, started once."""
    clock = Clock()
    app = create_app(settings_of(shared_url), now=clock)
    async with app.router.lifespan_context(app):
        yield app, clock


@pytest_asyncio.fixture
async def bridge(application: tuple[FastAPI, Clock], store: AsyncEngine) -> AsyncIterator[Bridge]:
    """The application over an empty store; what it raises reaches the test."""
    app, clock = application
    clock.at = START
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://bridge.test"
    ) as http:
        yield Bridge(http, app.state.resources, clock, store)
