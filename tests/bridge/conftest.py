"""The real bridge over a database of its own, without a network between."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from dealthread.bridge.app import create_app
from dealthread.settings import Settings
from dealthread.store.engine import create_engine
from tests.bridge.caller import (
    ACCOUNT,
    CODEC_TOKEN,
    NEXT_SECRET,
    ORG,
    OUTBOUND_TOKEN,
    SECRET,
    STRIPE_SECRET,
    TOKENS,
    UI,
    Bridge,
    Clock,
)


def settings_of(database_url: str) -> Settings:
    """Settings with one org, one billing account and a token for each role."""
    return Settings.model_validate(
        {
            "database_url": database_url,
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
        }
    )


@pytest_asyncio.fixture
async def bridge(database_url: str) -> AsyncIterator[Bridge]:
    """The application, started; what it raises reaches the test."""
    clock = Clock()
    app = create_app(settings_of(database_url), now=clock)
    engine = create_engine(database_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://bridge.test"
        ) as http,
    ):
        yield Bridge(http, app.state.resources, clock, engine)
    await engine.dispose()
