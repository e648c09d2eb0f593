"""A laboratory for sagas: real workflows, activities and journal, systems in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from google.protobuf.empty_pb2 import Empty
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker

from dealthread.config import load_config
from dealthread.domain.case import Case, Decision, DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import (
    ChangeKind,
    ChangeRequest,
    Environment,
    QuoteToCashInput,
)
from dealthread.ensure import Limits
from dealthread.naming import WORKFLOW_QUEUE, contract_key, erp_document_key, quote_to_cash_id
from dealthread.settings import Settings
from dealthread.store.adoption import PostgresAdoption
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.closing import PostgresClosing
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from dealthread.store.payments import PostgresPayments
from dealthread.store.posting_summaries import PostgresSummaries
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.reading import Reading
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.runs import Runs
from dealthread.store.schema import cases
from dealthread.store.services import PostgresServices
from dealthread.store.usage_sending import PostgresUsageSending
from tests.fakes.billing import FakeBilling
from tests.fakes.clock import FakeClock
from tests.fakes.crm import FakeCrm
from tests.fakes.entitlement import FakeEntitlement
from tests.fakes.erp import FakeErp
from tests.fakes.world import World
from tests.support.left_running import LeftRunning
from workers.hiring import CACHED, make_workers
from workers.holding import Holding
from workers.ports import Ports
from workers.queues import plan_queues
from workflows.quote_to_cash import QuoteToCashWorkflow

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
QUICK = Limits(
    lease=timedelta(seconds=0.2),
    unknown_budget=3,
    unknown_for=timedelta(0),
    # Real time, while waits are skipped: a few attempts long, within any patience.
    late_effect=timedelta(seconds=0.06),
    first_delay=timedelta(seconds=0.05),
)
_serial = itertools.count(1)


def fresh(deal: Deal) -> Deal:
    """The same deal under an id that no other test uses, of a customer of its own."""
    number = next(_serial)
    deal_id = f"006{number:0>12}AAA"
    account = deal.account
    if account is not None:
        account = account.model_copy(update={"key": f"{account.key}-{number}"})
    return deal.model_copy(
        update={
            "deal_id": deal_id,
            "ref": deal.ref.model_copy(update={"native_id": deal_id}),
            "account": account,
        }
    )


class Workers:
    """One worker on every queue, in this process."""

    def __init__(self, hire: Callable[[], list[Worker]]) -> None:
        self._hire = hire
        self._at_work = AsyncExitStack()

    async def start(self) -> None:
        """New workers: they know nothing of what earlier ones had in memory."""
        self._at_work = AsyncExitStack()
        for worker in self._hire():
            await self._at_work.enter_async_context(worker)

    async def stop(self) -> None:
        """Nobody works until the next start."""
        await self._at_work.aclose()


@dataclass
class Lab:
    """One test's world and the means to run deals in it."""

    client: Client
    engine: AsyncEngine
    world: World
    crm: FakeCrm
    billing: FakeBilling
    erp: FakeErp
    entitlement: FakeEntitlement
    contracts: PostgresContracts
    changes: PostgresChanges
    cases: PostgresCases
    runs: Runs
    reading: Reading
    workers: Workers
    clock: FakeClock

    async def follow_the_server(self) -> None:
        """From now on business time passes as the server's does, skipped time included."""
        self.clock.offset = self.world.today - await self._server_now()

    async def business_now(self) -> datetime:
        """Business time where it follows the server's."""
        return await self._server_now() + (self.clock.offset or timedelta(0))

    async def start(self, deal: Deal, generation: int = 1) -> WorkflowHandle[object, object]:
        """Start one saga directly, without its contract."""
        self.world.deals[deal.deal_id] = deal
        request = ChangeRequest(
            change_id=quote_to_cash_id(deal.org, deal.deal_id),
            kind=ChangeKind.QUOTE_TO_CASH,
            generation=generation,
            org=deal.org,
            deal_id=deal.deal_id,
            requested_by="webhook:test",
        )
        key = contract_key(deal.org, deal.deal_id)
        await self.runs.claim(request, key)
        return await self.client.start_workflow(
            QuoteToCashWorkflow.run,
            QuoteToCashInput(
                request=request,
                contract_key=key,
                environment=Environment(
                    business_offset_seconds=self._offset(await self._server_now())
                ),
            ),
            id=request.change_id,
            task_queue=WORKFLOW_QUEUE,
        )

    def offset_seconds(self) -> int:
        """Business time of the world over the machine's."""
        return self._offset(datetime.now(UTC))

    def _offset(self, now: datetime) -> int:
        return int((self.world.today - now).total_seconds())

    async def _server_now(self) -> datetime:
        """The server's time: one that skips may be years ahead after an earlier deal's end."""
        try:
            answer = await self.client.test_service.get_current_time(Empty())
        except RPCError:
            return datetime.now(UTC)
        return answer.time.ToDatetime(UTC)

    async def case(
        self, deal: Deal, *, version: int = 1, kind: str = "", within: float = 30.0
    ) -> Case:
        """The open case of a deal, as soon as it has at least this version and is of this kind."""
        key = contract_key(deal.org, deal.deal_id)
        return await self.case_of(key, version=version, kind=kind, within=within)

    async def case_of(
        self, key: str, *, version: int = 1, kind: str = "", within: float = 30.0
    ) -> Case:
        """The same for a contract."""
        query = select(cases.c.case_id).where(
            cases.c.contract_key == key, cases.c.state == "open", cases.c.version >= version
        )
        if kind:
            query = query.where(cases.c.kind == kind)
        deadline = asyncio.get_running_loop().time() + within
        while True:
            async with self.engine.connect() as connection:
                found = (await connection.execute(query)).scalar()
            if found is not None:
                return await self.cases.show(found)
            assert asyncio.get_running_loop().time() < deadline, "no case was opened"
            await asyncio.sleep(0.02)

    async def open_case(self, key: str) -> Case | None:
        """The open case of a contract, if there is one now."""
        query = select(cases.c.case_id).where(cases.c.contract_key == key, cases.c.state == "open")
        async with self.engine.connect() as connection:
            found = (await connection.execute(query)).scalar()
        return None if found is None else await self.cases.show(found)

    async def decide(
        self, case: Case, decision: DecisionKind, actor: str = "olga", **more: object
    ) -> None:
        """Decide in the store and deliver to the workflow, as the relay does."""
        taken = Decision(
            case_id=case.case_id,
            version=case.version,
            decision=decision,
            actor=actor,
            reason="test",
            **more,  # type: ignore[arg-type]
        )
        await self.cases.decide(taken)
        approval = decision in (DecisionKind.APPROVE, DecisionKind.REJECT)
        await self.client.get_workflow_handle(case.workflow_id).execute_update(
            "approve" if approval else "decide", taken, id=f"{case.case_id}:{case.version}"
        )

    def bookings(self, deal: Deal, seller: str, generation: int = 1) -> int:
        """Live bookings of a deal."""
        key = erp_document_key("default", seller, "booking", deal.deal_id, generation)
        return len(self.erp.live(key))

    def did(self, deal: Deal) -> list[str]:
        """Every write for a deal and its customer that took effect, in order."""
        account = deal.account
        keys = (account.key,) if account is not None else ()
        return self.world.did(contract_key(deal.org, deal.deal_id), *keys)

    def agreements(self, deal: Deal) -> int:
        """Live agreements of a deal."""
        return len(self.billing.live(contract_key(deal.org, deal.deal_id)))


@asynccontextmanager
async def lab(
    client: Client,
    engine: AsyncEngine,
    today: date,
    interceptors: tuple[Interceptor, ...] = (),
    limits: Limits = QUICK,
    exchange: Callable[[Ports], Ports] = lambda ports: ports,
    holding: Callable[[], Holding | None] = lambda: None,
    cached: int = CACHED,
) -> AsyncIterator[Lab]:
    """Workers on every queue over fakes, until the block ends. `exchange` puts real parts in the
    place of some; `holding` holds the queues of ERPs back; `cached` runs stay in memory."""
    world = World()
    world.today = world.today.replace(year=today.year, month=today.month, day=today.day)
    crm, billing, erp = FakeCrm(world), FakeBilling(world), FakeErp(world)
    entitlement = FakeEntitlement(world)
    config = load_config(CONFIG_DIR)
    clock = FakeClock(world)
    ports = Ports(
        crm=crm,
        billing=billing,
        erps={"tryton": erp},
        entitlement=entitlement,
        journal=PostgresJournal(engine),
        contracts=PostgresContracts(engine),
        changes=PostgresChanges(engine),
        bills=PostgresBills(engine),
        cases=PostgresCases(engine),
        pursuits=PostgresPursuits(engine),
        services=PostgresServices(engine),
        recognition=PostgresRecognition(engine),
        closing=PostgresClosing(engine),
        payments=PostgresPayments(engine),
        usage=PostgresUsageSending(engine),
        adoption=PostgresAdoption(engine),
        summaries=PostgresSummaries(engine),
        clock=clock,
        config=lambda: config,
    )
    plans = plan_queues(exchange(ports), limits)
    left = LeftRunning()
    workers = Workers(
        lambda: make_workers(client, plans, (*interceptors, left), timedelta(0), holding(), cached)
    )
    await workers.start()
    try:
        yield Lab(
            client,
            engine,
            world,
            crm,
            billing,
            erp,
            entitlement,
            PostgresContracts(engine),
            PostgresChanges(engine),
            PostgresCases(engine),
            Runs(engine),
            Reading(engine),
            workers,
            clock,
        )
    finally:
        await workers.stop()
        await left.end(client)


def settings_for(url: str, keys: str) -> Settings:
    """Settings of a test process."""
    return Settings.model_validate({"database_url": url, "codec_keys": keys})
