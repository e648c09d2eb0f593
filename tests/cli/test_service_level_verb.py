"""SN-10: what is late is listed with customer, contract, region, amount and next step."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import amendment_id, idempotency_key
from dealthread.stack.info import StackInfo
from dealthread.store.journal import PostgresJournal
from dealthread.store.runs import Runs
from dealthread.store.schema import journal
from tests.cli.conftest import Run
from tests.support.running_contract import first_context, running_contract

pytestmark = pytest.mark.postgres


async def test_nothing_is_late_then_a_change_is_and_a_monitor_sees_it(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    assert stack
    quiet = run("service-levels", "--check")
    assert (quiet.code, quiet.out.splitlines()[0]) == (0, "nothing is late")
    assert "not looked at" not in quiet.out

    contract = await running_contract(engine)
    change = amendment_id(contract.key, "006000000000001AAA")
    request = ChangeRequest(
        change_id=change,
        kind=ChangeKind.AMENDMENT,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="anna",
    )
    await Runs(engine).claim(request, contract.key)
    key = idempotency_key(change, 1, "billing", "do")
    context = first_context(contract).model_copy(update={"business_key": change})
    spec = WriteSpec(
        key=key, step="billing.change", system="billing", account="a", context=context,
        request_hash="r", money=contract.tcv(),
    )  # fmt: skip
    written = PostgresJournal(engine)
    await written.open(spec)
    await written.done(spec, "{}", "created", Effects())
    async with engine.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(hours=20, minutes=1)
        await connection.execute(
            update(journal).where(journal.c.key == key).values(finished_at=long_ago)
        )
    assert run("service-levels").code == 0
    shown = run("service-levels", "--check")
    assert shown.code == 1
    for word in ("erp confirmed", "12 h", contract.key, "Ada", "US01", str(contract.tcv())):
        assert word in " ".join(shown.out.split()), word
    (late,) = json.loads(run("service-levels", "--json").out)["late"]
    assert (late["within_hours"], late["late_hours"], late["region"]) == (8, 12, "US")
    assert late["next_step"].startswith(f"dealthread trace {change}")
