"""PF-03: one HTTP call answers accept or reject with reasons inside its budget; a slow system
yields a time-out answer, not a hang."""

from __future__ import annotations

import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.app import create_app
from dealthread.settings import Settings
from dealthread.store.engine import create_engine
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, ORG, d1
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
HEADERS = {"Authorization": "Bearer seller"}


def _settings(url: str, client: Client, it: Lab) -> Settings:
    return Settings.model_validate(
        {
            "database_url": url,
            "codec_keys": json.dumps({"test/1": "a2" * 21 + "s="}),
            "temporal_address": client.service_client.config.target_host,
            "business_offset_seconds": it.offset_seconds(),
            "api_tokens": json.dumps({"seller": {"actor": "sam", "roles": ["viewer"]}}),
            "webhook_secrets": json.dumps({f"salesforce:{ORG}": ["whsec_a2V5"]}),
        }
    )


async def test_a_deal_is_accepted_rejected_or_answered_in_time(
    dev_server: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written by a check, whatever it answers."""
    engine: AsyncEngine = create_engine(database_url)
    async with lab(dev_server, engine, D1_TODAY) as it:
        app = create_app(_settings(database_url, dev_server, it))
        async with app.router.lifespan_context(app):
            held = app.state.resources

            async def connected() -> Client:
                return dev_server

            object.__setattr__(held, "temporal", connected)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:
                good = fresh(d1())
                it.world.deals[good.deal_id] = good
                answer = await http.post(
                    f"/v1/deals/{good.deal_id}/check", json={}, headers=HEADERS
                )
                assert answer.status_code == 200
                assert answer.json()["accepted"] is True
                assert answer.json()["gross"] == "15891.00"

                line = good.lines[0].model_copy(update={"product_code": "SEAT-EDU"})
                bad = fresh(good.model_copy(update={"lines": (line, *good.lines[1:])}))
                it.world.deals[bad.deal_id] = bad
                answer = await http.post(f"/v1/deals/{bad.deal_id}/check", json={}, headers=HEADERS)
                assert answer.json()["accepted"] is False
                first = answer.json()["reasons"][0]
                assert (first["rule"], first["value"], first["owner"]) == (
                    "V09",
                    "SEAT-EDU",
                    "catalogue",
                )
                what_if = {"correction": {"product_map": {"SEAT-EDU": "SEAT-STD"}}}
                answer = await http.post(
                    f"/v1/deals/{bad.deal_id}/check", json=what_if, headers=HEADERS
                )
                assert answer.json()["accepted"] is True

                it.world.plan("billing.preview", Fault.REFUSED, times=0)
                answer = await http.post(
                    f"/v1/deals/{good.deal_id}/check", json={}, headers=HEADERS
                )
                assert (answer.status_code, answer.json()["code"]) == (504, "check_timed_out")
                it.world.heal()
                answer = await http.post(
                    f"/v1/deals/{good.deal_id}/check",
                    json={"budget_seconds": 0.0001},
                    headers=HEADERS,
                )
                assert answer.status_code == 504
                assert it.world.effects == []
                assert await it.reading.outcomes() == {}
    await engine.dispose()
