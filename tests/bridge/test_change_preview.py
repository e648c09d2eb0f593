"""PF-10: what a change would do is told before anything is written."""

from __future__ import annotations

import json
from datetime import date

import httpx
import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from dealthread.bridge.app import create_app
from dealthread.cli import contract_words
from dealthread.domain.money import Money
from dealthread.settings import Settings
from dealthread.store.engine import create_engine
from dealthread.store.schema import change_orders, contract_versions
from tests.support.change_lab import sold
from tests.support.change_orders import seats_of
from tests.support.deal_builder import CONFIG_DIR, ORG, d1
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_a_preview_tells_amounts_and_approvals_and_writes_nothing(
    dev_server: Client, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(database_url)
    async with lab(dev_server, engine, date(2026, 1, 1)) as it:
        contract = await sold(it, fresh(d1()))
        app = create_app(
            Settings.model_validate(
                {
                    "database_url": database_url,
                    "codec_keys": json.dumps({"test/1": "a2" * 21 + "s="}),
                    "config_dir": CONFIG_DIR,
                    "business_offset_seconds": it.offset_seconds(),
                    "api_tokens": json.dumps({"t": {"actor": "sam", "roles": ["deal-desk"]}}),
                    "webhook_secrets": json.dumps({f"salesforce:{ORG}": ["whsec_a2V5"]}),
                }
            )
        )
        async with app.router.lifespan_context(app):

            async def connected() -> Client:
                return dev_server

            object.__setattr__(app.state.resources, "temporal", connected)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:
                effects = list(it.world.effects)
                line = seats_of(contract)
                body = {
                    "timing": "on_date",
                    "effective_from": str(contract.start_date),
                    "lines": [
                        {
                            "action": "quantity",
                            "line_key": line.line_key,
                            "quantity": str(line.quantity + 10),
                        }
                    ],
                }
                answer = await http.post(
                    f"/v1/contracts/{contract.key}/amendments/preview",
                    json=body,
                    headers={"Authorization": "Bearer t"},
                )
                assert answer.status_code == 200, answer.text
                told = answer.json()
                assert told["accepted"] is True
                assert told["tcv_before"] == contract.tcv().model_dump(mode="json")
                after = Money.model_validate(told["tcv_after"])
                assert contract.tcv() < after
                assert it.world.effects == effects
        async with engine.connect() as connection:
            for table, count in ((change_orders, 0), (contract_versions, 1)):
                rows = await connection.execute(select(func.count()).select_from(table))
                assert rows.scalar_one() == count
        contract_words.preview(told)
        said = capsys.readouterr().out
        assert "It would be accepted." in said
        assert f"{after.amount:,} USD" in said
    await engine.dispose()
