"""PF-13: counted usage reaches the biller once, whatever fails on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.usage_inputs import SendUsage, UsageSent
from dealthread.bridge.usage_taking import take_in
from dealthread.naming import WORKFLOW_QUEUE, usage_id
from dealthread.store.usage import PostgresUsage
from dealthread.store.usage_sending import PostgresUsageSending
from tests.fakes.world import Fault, settled
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, lab
from tests.support.worked_year import WorkedYear, usage_event
from tests.unit.versions import worked as w
from workflows.usage_sending import UsageSendingWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

APRIL = date(2026, 4, 1)


async def _send(it: Lab, account: str) -> UsageSent:
    return await it.client.execute_workflow(
        UsageSendingWorkflow.run,
        SendUsage(billing_account=account, at_once=True),
        id=usage_id(account),
        task_queue=WORKFLOW_QUEUE,
    )


async def _again(engine: AsyncEngine) -> None:
    """What is to be tried again later is due."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE usage_batches SET next_attempt_at = now() - interval '1 second'"
        )


@pytest.mark.parametrize("fault", [*TRANSIENT, Fault.REJECTED])
async def test_what_was_counted_reaches_the_biller_once(
    dev_server: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """Lost, late, refused and unreachable: the biller's sum is ours in the end, never more; each
    new sum of a line is another one."""
    async with lab(dev_server, engine, APRIL) as it:
        year = WorkedYear(engine, it.erp).tell("d3")
        await year.until(APRIL)
        contract, account = year.contracts["d3"], year.contracts["d3"].billing_account
        it.world.retry_after = it.world.retry_after / 100
        noon = datetime(2026, 4, 1, 12, tzinfo=UTC)
        store = PostgresUsage(engine)

        async def use(event_id: str, calls: int) -> None:
            event = usage_event(contract, event_id, noon, calls)
            (answer,) = await take_in(store, [event], noon, w.config().policy)
            assert answer.taken is not None

        await use("1", 500_000)
        it.world.plan("billing.report_usage", fault)
        first = await _send(it, account)
        await settled(it.world)
        assert (first.sent, first.waiting) == (0, 1)
        it.world.heal()
        await use("2", 112_345)
        # While it is not known of one sum whether it is there, no other one is made.
        assert await PostgresUsageSending(engine).accounts_due(0) == ()
        for _ in range(3):
            await _again(engine)
            assert await PostgresUsageSending(engine).accounts_due(0) == (account,)
            last = await _send(it, account)
            if not last.waiting and len(it.billing.usage) == 2:
                break
        assert last.waiting == 0
        assert await PostgresUsageSending(engine).accounts_due(0) == ()
        sums = [one.quantity for one in it.billing.usage.values()]
        assert sorted(sums) == [Decimal(112_345), Decimal(500_000)]


async def test_where_somebody_else_counts_nothing_is_sent_over_it(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """A sum whose answer was lost, at a biller that has another total than ours: it waits, told."""
    async with lab(dev_server, engine, APRIL) as it:
        year = WorkedYear(engine, it.erp).tell("d3")
        await year.until(APRIL)
        contract = year.contracts["d3"]
        account, noon = contract.billing_account, datetime(2026, 4, 1, 12, tzinfo=UTC)
        event = usage_event(contract, "1", noon, 500)
        await take_in(PostgresUsage(engine), [event], noon, w.config().policy)
        it.world.plan("billing.report_usage", Fault.LOST)
        await _send(it, account)
        it.world.heal()
        (report,) = it.billing.usage.values()
        it.billing.usage["foreign"] = report.model_copy(update={"batch_key": "foreign"})
        await _again(engine)
        told = await _send(it, account)
        assert (told.sent, told.waiting, told.refusals) == (0, 1, ("counted_usage_differs",))
        assert len(it.billing.usage) == 2
        del it.billing.usage["foreign"]
        await _again(engine)
        assert (await _send(it, account)).waiting == 0
        assert len(it.billing.usage) == 1
