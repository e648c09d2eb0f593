"""What people say to a pursuit, through the process API (PF-16, PF-21)."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.bridge.app import create_app
from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeOutcome
from dealthread.settings import Settings
from dealthread.store.schema import audit
from tests.support.deal_builder import d2
from tests.support.overdue import owed
from tests.support.saga_lab import fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@asynccontextmanager
async def process_api(
    url: str, client: Client, **settings: object
) -> AsyncIterator[httpx.AsyncClient]:
    """The real bridge over the laboratory's store and server, without a network between."""
    roles = {"token-finance": ["finance"], "token-viewer": ["viewer"]}
    app = create_app(
        Settings.model_validate(
            {
                "database_url": url,
                "codec_keys": json.dumps({"kek/1": base64.b64encode(b"k" * 32).decode()}),
                "api_tokens": json.dumps(
                    {key: {"actor": f"{key}-person", "roles": held} for key, held in roles.items()}
                ),
                **settings,
            }
        )
    )

    async def temporal() -> Client:
        return client

    async with app.router.lifespan_context(app):
        app.state.resources = replace(app.state.resources, temporal=temporal)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://bridge.test/v1",
            headers={"authorization": "Bearer token-finance"},
        ) as http:
            yield http


async def test_a_promise_a_pause_and_a_stop_reach_the_pursuit_and_are_on_record(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str
) -> None:
    async with (
        owed(skipping_server, engine) as debt,
        process_api(database_url, skipping_server.client) as api,
    ):
        number, path = debt.bill.number, f"/collections/{debt.bill.number}/orders"
        promise = {"kind": "promise", "until": "2026-01-20", "reason": "by transfer"}
        assert (await api.post(path, json=promise)).status_code == 404
        await debt.pursue()
        await debt.go_to(date(2026, 1, 5))
        for body, status, code in (
            ({"kind": "pause"}, 400, "reason_needed"),
            ({"kind": "resume", "until": "2026-01-20"}, 400, "no_date_needed"),
            ({"kind": "resume"}, 409, "not_paused"),
            ({"kind": "promise"}, 409, "date_needed"),
            ({"kind": "promise", "until": "2026-12-01"}, 409, "promise_too_long"),
            ({"kind": "forgive"}, 422, "invalid"),
        ):
            refused = await api.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
            assert status == 422 or refused.json()["action"]
        viewer = {"authorization": "Bearer token-viewer"}
        assert (await api.post(path, json=promise, headers=viewer)).status_code == 403
        for _ in range(3):
            assert (await api.post(path, json=promise)).status_code == 202
            paused = await debt.until(lambda found: found.state == "paused")
            assert paused.promised_until == date(2026, 1, 20)
        await debt.quiet()
        assert (await debt.stands()) == paused, "asked three times, heard once"
        shown = (await api.get(f"/collections/{number}")).json()
        assert (shown["state"], shown["promised_until"]) == ("paused", "2026-01-20")
        contract = (await api.get(f"/contracts/{debt.contract.key}")).json()
        assert [one["invoice_number"] for one in contract["collections"]] == [number]
        listed = (await api.get("/collections", params={"customer_key": "A-OTHER"})).json()
        assert listed == []
        stop = {"kind": "stop", "reason": "disputed"}
        assert (await api.post(path, json=stop)).status_code == 202
        assert await debt.ended() == "stopped"
        late = await api.post(path, json=promise)
        assert (late.status_code, late.json()["code"]) == (409, "pursuit_over")
        assert (await api.get("/collections")).json() == []
        assert len((await api.get("/collections", params={"closed": True})).json()) == 1
        async with engine.connect() as connection:
            rows = await connection.execute(
                select(audit.c.event, audit.c.actor, audit.c.detail)
                .where(audit.c.event.startswith("collections."), audit.c.actor != "saga")
                .order_by(audit.c.seq)
            )
            told = [(row.event, row.actor, row.detail["reason"]) for row in rows]
        assert told == [
            ("collections.paused", "token-finance-person", "promise: by transfer"),
            ("collections.closed", "token-finance-person", "stop: disputed"),
        ]


async def test_a_new_deal_of_a_customer_in_collections_waits_for_approval(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """V25: at another company too."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 5))
        deal = fresh(d2())
        assert deal.account is not None
        same = {"account": deal.account.model_copy(update={"key": debt.contract.customer_key})}
        deal = deal.model_copy(update=same)
        run = await debt.it.start(deal)
        case = await debt.it.case(deal)
        assert case.kind == "deal.approval"
        assert "V25" in case.evidence
        await debt.it.decide(case, DecisionKind.APPROVE, actor="ben")
        result = await run.result()
        assert result.outcome is ChangeOutcome.SCHEDULED, "it starts in March"
