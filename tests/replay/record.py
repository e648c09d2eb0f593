"""Records histories of running and ended runs: `python -m tests.replay.record`.

Systems in memory, invented customers, no encryption: the files are readable. Run it when a release
is made. It writes only what is not there: older files stay, and every one must replay on the
present code for ever. What a release runs differently is recorded under a new name.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from dealthread.attributes import ALL
from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.naming import contract_key, contract_workflow_id, quote_to_cash_id
from dealthread.stack.postgres import PostgresProgram
from dealthread.store.engine import create_engine
from tests.conftest import migrate
from tests.fakes.world import Fault
from tests.plugins.temporal_servers import registration
from tests.replay.portable import portable
from tests.replay.record_changes import CHANGES, Recorded
from tests.replay.record_checks import CHECKS
from tests.replay.record_closing import CLOSES
from tests.replay.record_collections import PURSUITS
from tests.replay.record_contracts import CONTRACTS
from tests.replay.record_credits import CREDITS
from tests.replay.record_recognition import RECOGNITIONS
from tests.replay.record_settlement import SETTLEMENTS
from tests.replay.record_summaries import SUMMARIES
from tests.support.deal_builder import d1, d2
from tests.support.office import Office
from tests.support.overdue import owed
from tests.support.saga_lab import Lab, fresh, lab
from tests.support.summary_lab import summarising
from workers.ports import Ports

HERE = Path(__file__).parent / "histories"
BIN = Path(sys.executable).parent


async def completed(it: Lab) -> Deal:
    """Every step, with the review policy."""
    deal = fresh(d2())
    await (await it.start(deal)).result()
    return deal


async def waiting_for_a_person(it: Lab) -> Deal:
    """Stuck after the pivot, still running."""
    deal = fresh(d2())
    it.world.plan("erp.confirm_booking", Fault.REJECTED, times=0)
    await it.start(deal)
    await it.case(deal)
    return deal


async def waiting_for_approval(it: Lab) -> Deal:
    """Dated back, still running."""
    deal = fresh(d2().model_copy(update={"signed_on": None}))
    early = {"start_date": date(2026, 1, 10), "end_date": date(2027, 1, 10)}
    deal = deal.model_copy(update=early)
    await it.start(deal)
    await it.case(deal)
    return deal


async def compensated(it: Lab) -> Deal:
    """Refused before the pivot, aborted, undone in every system."""
    deal = fresh(d2())
    it.world.plan("billing.release_first_invoice", Fault.REJECTED, times=0)
    handle = await it.start(deal)
    await it.decide(await it.case(deal), DecisionKind.ABORT)
    await handle.result()
    return deal


async def cancelled(it: Lab) -> Deal:
    """Cancelled while it waited for a person."""
    deal = fresh(d2())
    it.world.plan("erp.draft_booking", Fault.REJECTED, times=0)
    handle = await it.start(deal)
    await it.case(deal)
    await handle.cancel()
    try:
        await handle.result()
    except WorkflowFailureError:
        return deal
    raise AssertionError("it was not cancelled")


SAGAS: tuple[Callable[[Lab], Awaitable[Deal]], ...] = (
    completed,
    waiting_for_a_person,
    waiting_for_approval,
    compensated,
    cancelled,
)


def _missing(name: str) -> bool:
    return not (HERE / f"{name}.json").exists()


async def _keep(client: Client, workflow_id: str, name: str, run_id: str | None = None) -> None:
    if not _missing(name):
        return
    history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    (HERE / f"{name}.json").write_text(portable(history.to_json()) + "\n")


async def _contract(it: Lab, url: str, client: Client) -> None:
    """A contract from its first message to its rest: the run that worked, the one that rests."""
    office = Office(it, url, client)
    async with office.pool:
        deal = fresh(d1())
        it.world.deals[deal.deal_id] = deal
        await office.webhook(deal, f"m-{deal.deal_id}")
        await office.relayed()
        await office.ended(deal)
        workflow_id = contract_workflow_id(contract_key(deal.org, deal.deal_id))
        for _ in range(100):
            history = await client.get_workflow_handle(workflow_id).fetch_history()
            first = history.events[0].workflow_execution_started_event_attributes
            if first.continued_execution_run_id:
                await _keep(client, workflow_id, "contract_at_rest")
                await _keep(
                    client, workflow_id, "contract_first_run", first.continued_execution_run_id
                )
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the contract did not come to rest")


@asynccontextmanager
async def _laboratory(
    engine: AsyncEngine,
    today: date,
    exchange: Callable[[Ports], Ports] = lambda ports: ports,
) -> AsyncIterator[Lab]:
    environment = await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        search_attributes=list(ALL),
        dev_server_existing_path=str(BIN / "temporal"),
    )
    async with environment, lab(environment.client, engine, today, exchange=exchange) as it:
        yield it


@asynccontextmanager
async def _skipping() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=str(BIN / "temporal-test-server"),
    )
    async with environment:
        await environment.client.operator_service.add_search_attributes(registration())
        yield environment


async def _each(it: Lab, *stories: Callable[[Lab], Awaitable[Recorded]]) -> None:
    for story in stories:
        if _missing(story.__name__):
            kept = await story(it)
            await _keep(it.client, kept.workflow_id, story.__name__, kept.run_id)
            it.world.heal()


async def record(url: str) -> None:
    """Record everything that is not there."""
    HERE.mkdir(exist_ok=True)
    engine = create_engine(url)
    async with _laboratory(engine, date(2026, 3, 15)) as it:
        for saga in SAGAS:
            if _missing(saga.__name__):
                deal = await saga(it)
                saga_id = quote_to_cash_id(deal.org, deal.deal_id)
                await _keep(it.client, saga_id, saga.__name__)
                it.world.heal()
    if _missing("contract_at_rest") or _missing("contract_first_run"):
        async with _laboratory(engine, date(2026, 1, 5)) as it:
            await _contract(it, url, it.client)
    async with _laboratory(engine, date(2026, 1, 1)) as it:
        await _each(
            it,
            *CHANGES,
            *CONTRACTS,
            *CREDITS,
            *RECOGNITIONS,
            *CLOSES,
            *CHECKS,
            *SETTLEMENTS,
        )
    async with _laboratory(engine, date(2026, 1, 1), summarising) as it:
        await _each(it, *SUMMARIES)
    for pursuit in PURSUITS:
        if _missing(pursuit.__name__):
            async with _skipping() as server, owed(server, engine) as debt:
                kept = await pursuit(debt)
                await _keep(server.client, kept.workflow_id, pursuit.__name__, kept.run_id)
    await engine.dispose()


def main() -> None:
    """Entry point."""
    with tempfile.TemporaryDirectory(prefix="dt-pg-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        base.chmod(0o755)
        with PostgresProgram(base / "data", base / "s").running(durable=False) as server:
            server.ensure_role("dealthread")
            server.ensure_database("record", "dealthread")
            url = server.url("record", "dealthread")
            migrate(url)
            asyncio.run(record(url))


if __name__ == "__main__":
    main()
