"""PF-10: what is ordered by the process API is what the sagas do; customer success is heard by the
contract itself. With the relay, the contract's workflow and systems in memory."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from dealthread.bridge.app import create_app
from dealthread.domain.contract import Contract
from dealthread.naming import contract_key, contract_workflow_id
from dealthread.settings import Settings
from dealthread.store.engine import create_engine
from tests.support.change_orders import seats_of
from tests.support.deal_builder import CONFIG_DIR, D1_TODAY, ORG, d1
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
STARTED = D1_TODAY.replace(year=2026, month=1, day=1)


def settings_of(url: str, client: Client, it: Lab) -> Settings:
    return Settings.model_validate(
        {
            "database_url": url,
            "config_dir": str(CONFIG_DIR),
            "codec_keys": json.dumps({"test/1": "a2" * 21 + "s="}),
            "temporal_address": client.service_client.config.target_host,
            "business_offset_seconds": it.offset_seconds(),
            "api_tokens": json.dumps({"seller": {"actor": "sam", "roles": ["deal-desk"]}}),
            "webhook_secrets": json.dumps({f"salesforce:{ORG}": ["whsec_a2V5"]}),
        }
    )


class Caller:
    """A caller of one contract, and the relay that carries what he asks."""

    def __init__(self, http: httpx.AsyncClient, office: Office, key: str) -> None:
        self._http, self._office, self._root = http, office, f"/v1/contracts/{key}"
        self._who = {"Authorization": "Bearer seller"}

    async def post(self, path: str, body: object) -> dict[str, Any]:
        answer = await self._http.post(f"{self._root}/{path}", json=body, headers=self._who)
        assert answer.status_code in (200, 202), answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def done(self, change_id: str) -> dict[str, Any]:
        """The contract as shown the first time that a change is told as ended."""
        await self._office.relayed()
        for _ in range(600):
            shown: dict[str, Any] = (await self._http.get(self._root, headers=self._who)).json()
            for one in (*shown["ended"], *(one for one in shown["changes"] if one["held"])):
                if one["change_id"] == change_id:
                    return shown
            await asyncio.sleep(0.02)
        raise AssertionError(f"{change_id} did not end: {shown['changes']}")


async def test_what_is_ordered_is_done_and_a_risk_is_heard(
    dev_server: Client, database_url: str
) -> None:
    engine = create_engine(database_url)
    async with lab(dev_server, engine, STARTED) as it:
        office = Office(it, database_url, dev_server)
        app = create_app(settings_of(database_url, dev_server, it))
        async with office.pool, app.router.lifespan_context(app):

            async def connected() -> Client:
                return dev_server

            object.__setattr__(app.state.resources, "temporal", connected)
            deal = fresh(d1())
            it.world.deals[deal.deal_id] = deal
            await office.webhook(deal, "m-1")
            await office.relayed()
            assert await office.ended(deal) == "completed"
            key = contract_key(deal.org, deal.deal_id)
            contract = await it.contracts.read(key)
            assert contract is not None
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:
                caller = Caller(http, office, key)
                await _amended_as_previewed(caller, contract)
                await _declined(caller)
                await caller.post("signals/risk", {"level": "high", "reason": "a champion left"})
            view = await dev_server.get_workflow_handle(contract_workflow_id(key)).query("status")
            assert view["risk"] == "high"
    await engine.dispose()


async def _amended_as_previewed(caller: Caller, contract: Contract) -> None:
    line = {"action": "quantity", "line_key": seats_of(contract).line_key, "quantity": 200}
    body = {"lines": [line], "source_id": "A1"}
    told = await caller.post("amendments/preview", body)
    assert told["accepted"] is True
    made = await caller.post("amendments", body)
    shown = await caller.done(made["business_key"])
    # The first answer that tells the change as ended tells its version and its money too.
    assert (shown["version"], shown["money"]["tcv"]) == (2, told["tcv_after"])
    assert [one["kind"] for one in shown["versions"]] == ["quote_to_cash", "amendment"]
    assert any(line["quantity"] == "200" for line in shown["lines"])
    assert await caller.post("amendments", body) == made | {"created": False}


async def _declined(caller: Caller) -> None:
    made = await caller.post("renewals", {"decision": "decline"})
    shown = await caller.done(made["business_key"])
    assert shown["state"] == "active"
    assert shown["term"]["end_date"] == "2027-01-01"
    assert shown["term"]["auto_renew"] is False
