"""A fresh time-skipping server with workers and relay of this process, over real adapters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from dealthread.attributes import ALL
from dealthread.bridge.relay import Relay
from dealthread.bridge.usage_duty import UsageDuty
from dealthread.domain.case import Case, Decision, DecisionKind
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.ensure import Limits
from dealthread.settings import Settings, load_settings
from dealthread.stack.info import StackInfo
from dealthread.store.amount_sources import AmountSources
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from dealthread.store.reading import Reading
from dealthread.store.runs import Runs
from dealthread.store.schema import cases, journal, runs
from dealthread.temporal import data_converter
from tests.year.clock import ServerClock, Time
from tests.year.front_desk import FrontDesk, front_desk
from workers.bootstrap import event_sender, open_ports
from workers.hiring import make_workers
from workers.queues import plan_queues

BIN = Path(sys.executable).parent
OPERATOR, APPROVER = "olga", "anna"
# Leases and look-ups wait in the machine's time, while the server's is skipped.
QUICK = Limits(
    lease=timedelta(seconds=35),
    unknown_budget=3,
    unknown_for=timedelta(0),
    late_effect=timedelta(seconds=0.5),
    first_delay=timedelta(seconds=0.05),
)
STILL = 0.8
"""Seconds of the machine without progress after which somebody waits for time to pass."""
STRIDE = timedelta(minutes=2)
HEARD = 0.5
PATIENCE = 180.0
"""Seconds of the machine that one change may take."""


class Stuck(Exception):
    """A change did not come to its end."""


@dataclass
class Office:
    """What the lives work with."""

    environment: WorkflowEnvironment
    engine: AsyncEngine
    settings: Settings
    relay: Relay
    time: Time
    runs: Runs
    cases: PostgresCases
    changes: PostgresChanges
    contracts: PostgresContracts
    api: FrontDesk

    async def ask(
        self,
        key: str,
        kind: ChangeKind,
        change_id: str,
        org: str,
        deal_id: str,
        order: ChangeOrder | None = None,
    ) -> None:
        """Ask for a change, as the edge would: order and run in the store, then the relay."""
        if order is not None:
            await self.changes.record_order(order, OPERATOR)
        request = ChangeRequest(
            change_id=change_id, kind=kind, org=org, deal_id=deal_id, requested_by=OPERATOR
        )
        await self.runs.claim(request, key)
        await self.relay.start_runs()

    async def case_or_end(self, change_id: str, outcome: str = "completed") -> Case | None:
        """Wait for a case, or for the end of the change (None). Time passes while nobody works.

        The store tells: a query that meets a contract at rest is lost on this server."""
        found: list[Case] = []

        async def is_at_rest() -> bool:
            case = await self._case(change_id)
            found.extend([case] if case is not None else [])
            ended = await self.outcome(change_id)
            # Held for a day to come, a change ends once more on it.
            return bool(found) or ended == outcome or ended not in ("", "scheduled")

        await self._until(is_at_rest, change_id)
        # The contract hears of it, and sets its next timer, before time is moved again.
        await asyncio.sleep(HEARD)
        return found[0] if found else None

    async def outcome(self, change_id: str) -> str:
        """How a change ended; "" while it has not."""
        query = select(runs.c.outcome).where(runs.c.business_key == change_id)
        async with self.engine.connect() as connection:
            return str((await connection.execute(query)).scalar() or "")

    async def decide(self, case: Case, decision: DecisionKind, reason: str) -> None:
        """As the operator, or as the second person where something is approved."""
        actor = APPROVER if decision is DecisionKind.APPROVE else OPERATOR
        await self.cases.decide(
            Decision(
                case_id=case.case_id,
                version=case.version,
                decision=decision,
                actor=actor,
                reason=reason,
            )
        )
        await self.relay.deliver_decisions()

    async def contract(self, key: str) -> Contract:
        """The present version."""
        found = await self.contracts.read(key)
        assert found is not None
        return found

    async def told(self) -> None:
        """Events go to their subscribers."""
        for one in self.settings.subscribers:
            while await self.relay.deliver_events(one):
                pass

    async def hear_bills(self) -> None:
        """What the biller told the bridge goes to its invoices."""
        while await self.relay.take_bills():
            pass

    async def send_use(self) -> None:
        """Where counted usage waits, the workflow that sends it is started."""
        await UsageDuty(self.settings, self.environment.client, self.engine).start_due()

    async def until_settled(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Look until it is so and no write is under way, for a while; whether it is, the caller
        finds out. Time is not moved: nobody waits for a day here."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            if await is_so() and not await self.uncertain():
                return
            await asyncio.sleep(0.3)

    async def uncertain(self) -> list[str]:
        """Keys of writes whose answer was lost and that nobody has looked up yet."""
        return [one.key for one in await Reading(self.engine).uncertain()]

    async def unsourced(self) -> list[str]:
        """Stored amounts that name no source, by table and row."""
        return [f"{one.table} {one.row}" for one in await AmountSources(self.engine).missing()]

    async def writes(self, business_key: str) -> dict[str, tuple[str, str, int]]:
        """Step → state, how it was known to be done, attempts."""
        query = select(journal).where(journal.c.business_key == business_key)
        async with self.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {row.key: (row.state, row.how, row.attempts) for row in rows}

    async def until_done(self, write: str) -> None:
        """Wait until a write is done."""

        async def is_done() -> bool:
            query = select(journal.c.state).where(journal.c.key == write)
            async with self.engine.connect() as connection:
                return (await connection.execute(query)).scalar() == "done"

        await self._until(is_done, write)

    async def _until(self, is_so: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look until it is so; where nothing moves, somebody waits for time to pass."""
        loop = asyncio.get_running_loop()
        until, seen, since = loop.time() + PATIENCE, None, loop.time()
        while loop.time() < until:
            await self.relay.start_runs()
            if await is_so():
                return
            now = await self._progress()
            if now != seen:
                seen, since = now, loop.time()
            elif loop.time() - since > STILL:
                await self.time.by(STRIDE)
                since = loop.time()
            await asyncio.sleep(0.1)
        raise Stuck(f"it did not come to pass: {what}")

    async def _case(self, change_id: str) -> Case | None:
        query = select(cases.c.case_id).where(
            cases.c.business_key == change_id, cases.c.state == "open"
        )
        async with self.engine.connect() as connection:
            found = (await connection.execute(query)).scalar()
        return await self.cases.show(found) if found else None

    async def _progress(self) -> tuple[object, ...]:
        """Something that changes whenever anybody does something."""
        async with self.engine.connect() as connection:
            stages = (await connection.execute(select(runs.c.business_key, runs.c.stage))).all()
            writes = (await connection.execute(select(journal.c.key, journal.c.state))).all()
        return (sorted(map(tuple, stages)), sorted(map(tuple, writes)))


def morning(day: date) -> datetime:
    """09:00 UTC of a day."""
    return datetime.combine(day, time(9), UTC)


@asynccontextmanager
async def office(stack: StackInfo, begins: date) -> AsyncIterator[Office]:
    """It is the morning of `begins`, and everybody is at work."""
    async with AsyncExitStack() as held:
        environment = await held.enter_async_context(
            await WorkflowEnvironment.start_time_skipping(
                data_converter=data_converter(load_settings().codec()),
                test_server_existing_path=str(BIN / "temporal-test-server"),
            )
        )
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace="default",
                search_attributes={key.name: key.indexed_value_type for key in ALL},
            )
        )
        clock = ServerClock()
        time_of_all = Time(environment, clock, _simulators(stack))
        held.push_async_callback(time_of_all.close)
        await time_of_all.begin(morning(begins))
        settings = load_settings().model_copy(
            update={"business_offset_seconds": int(clock.offset.total_seconds())}
        )
        ports = await held.enter_async_context(open_ports(settings, clock=clock))
        for worker in make_workers(
            environment.client, plan_queues(ports, QUICK), grace=timedelta(0)
        ):
            await held.enter_async_context(worker)
        engine = create_engine(settings.database_url.get_secret_value())
        held.push_async_callback(engine.dispose)
        events = await held.enter_async_context(event_sender(settings))
        made_runs, made_cases = Runs(engine), PostgresCases(engine)
        made_contracts = PostgresContracts(engine)
        api = await held.enter_async_context(
            front_desk(settings, environment, clock, stack.credentials.operator_token)
        )
        yield Office(
            environment,
            engine,
            settings,
            Relay(
                settings,
                environment.client,
                Inbox(engine),
                made_runs,
                made_cases,
                Outbox(engine),
                events,
                contracts=made_contracts,
            ),
            time_of_all,
            made_runs,
            made_cases,
            PostgresChanges(engine),
            made_contracts,
            api,
        )


def _simulators(stack: StackInfo) -> tuple[str, ...]:
    return (
        stack.urls.salesforce,
        stack.urls.stripe,
        stack.urls.entitlement_direct,
        stack.urls.customer_success_direct,
        stack.urls.communications,
    )
