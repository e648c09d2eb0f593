"""An ERP that a test switches off, under two processes of workers whose clock it moves."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from dealthread.breaker import Breaker
from dealthread.domain.circuit import Circuit, Pace
from dealthread.errors import VendorUnavailable
from dealthread.naming import erp_task_queue
from dealthread.ports.erp import ErpPort
from dealthread.store.circuits import PostgresCircuits
from dealthread.store.posters import Posters
from dealthread.watched import watched
from tests.support.saga_lab import QUICK, Lab, lab
from workers.hiring import make_workers
from workers.holding import Holding
from workers.ports import Ports, companies_of
from workers.queues import plan_queues

ERP = "tryton"
PACE = Pace(failures=3, first_pause=timedelta(seconds=15), longest_pause=timedelta(minutes=5))


@dataclass
class Clock:
    """Time as the breakers see it."""

    now: datetime = datetime(2026, 11, 1, 9, tzinfo=UTC)


@dataclass
class Switch:
    """In front of an ERP: whether it answers, and what knocked while it did not."""

    down: bool = False
    knocked: Counter[str] = field(default_factory=Counter)

    def before(self, erp: ErpPort) -> ErpPort:
        """The ERP behind the switch."""
        return cast(ErpPort, _Switched(erp, self))


class _Switched:
    def __init__(self, erp: ErpPort, switch: Switch) -> None:
        self._erp = erp
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._erp, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*given: Any, **named: Any) -> Any:
            if self._switch.down:
                self._switch.knocked[name] += 1
                raise VendorUnavailable("not_connected")
            return await found(*given, **named)

        return call


@dataclass
class Ledgers(Interceptor):
    """What runs on the companies' queues, in which process, and how much of it at once."""

    process: str
    done: list[tuple[str, str, str]] = field(default_factory=list)
    """Process, queue, activity, in the order in which they ended well."""
    attempts: Counter[str] = field(default_factory=Counter)
    running: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def of(self, process: str) -> Ledgers:
        """The same record, kept by another process."""
        return replace(self, process=process)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _Seen(super().intercept_activity(next), self)


class _Seen(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, ledgers: Ledgers) -> None:
        super().__init__(next)
        self._ledgers = ledgers

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info, seen = activity.info(), self._ledgers
        if not info.task_queue.startswith("dealthread-erp-"):
            return await super().execute_activity(input)
        seen.attempts[info.task_queue] += 1
        seen.running[info.task_queue] += 1
        seen.most[info.task_queue] = max(seen.most[info.task_queue], seen.running[info.task_queue])
        try:
            result = await super().execute_activity(input)
        finally:
            seen.running[info.task_queue] -= 1
        seen.done.append((seen.process, info.task_queue, info.activity_type))
        return result


@dataclass
class Outage:
    """A laboratory whose ERP may go away."""

    it: Lab
    switch: Switch
    clock: Clock
    holdings: list[Holding]
    circuits: PostgresCircuits
    ledgers: Ledgers
    erp: ErpPort
    """As activities of the first process reach it."""

    @property
    def circuit(self) -> Circuit:
        """As the last process sees it."""
        return self.holdings[-1].breaker.circuit(ERP)

    async def look(self) -> None:
        """Every process looks, as it does each second."""
        for holding in self.holdings:
            await holding.look()

    async def begins(self) -> None:
        """The ERP stops answering, and calls of the first process find out."""
        self.switch.down = True
        for _ in range(PACE.failures):
            with pytest.raises(VendorUnavailable):
                await self.erp.find_customer("1", "A-NOBODY")
        await self.look()

    async def lasts(self, passed: timedelta) -> int:
        """Time passes; the processes look as often as they would. How often a probe was due."""
        until, probes = self.clock.now + passed, 0
        while (due := self.circuit.next_probe_at) is not None and due <= until:
            self.clock.now = max(due, self.clock.now)
            await self.look()
            probes += 1
        self.clock.now = until
        return probes

    async def ends(self) -> None:
        """The ERP answers again, and the next probe finds out."""
        self.switch.down = False
        due = self.circuit.next_probe_at
        assert due is not None
        self.clock.now = max(due, self.clock.now)
        await self.look()

    async def first_process_dies(self) -> None:
        """Its workers and its session with the store are gone."""
        first = self.holdings.pop(0)
        await self.it.workers.stop()
        assert first.posters is not None
        await first.posters.aclose()


@asynccontextmanager
async def outage_lab(
    client: Client,
    engine: AsyncEngine,
    today: date,
    *,
    patience_minutes: int | None = None,
    turnstiles: bool = True,
) -> AsyncIterator[Outage]:
    """The laboratory under two processes, the ERP behind a switch and their breakers. Without
    turnstiles there is one process, and nothing is held back in its queue."""
    switch, clock, circuits = Switch(), Clock(), PostgresCircuits(engine)
    ledgers = Ledgers("first")
    ports_of: list[Ports] = []
    holdings: list[Holding] = []

    def exchange(ports: Ports) -> Ports:
        switched = switch.before(ports.erps[ERP])
        queues = [erp_task_queue(*one) for one in companies_of(ports)]
        for name in ("first", "second"):
            breaker = Breaker(
                circuits,
                {ERP: lambda: switched.find_customer("1", "A-PROBE")},
                name=name,
                pace=PACE,
                now=lambda: clock.now,
            )
            holdings.append(Holding(breaker, Posters(engine, queues)))
            ports_of.append(replace(ports, erps={ERP: watched(switched, ERP, breaker)}))
        if patience_minutes is not None:
            config = ports.config()
            policy = config.policy.model_copy(update={"erp_unavailable_minutes": patience_minutes})
            impatient = config.model_copy(update={"policy": policy})
            ports_of[:] = [replace(one, config=lambda: impatient) for one in ports_of]
        return ports_of[0]

    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(
            lab(
                client,
                engine,
                today,
                interceptors=(ledgers,),
                exchange=exchange,
                holding=lambda: holdings[0] if turnstiles else None,
            )
        )
        if not turnstiles:
            for holding in holdings:
                holding.posters = None
            del holdings[1]
            yield Outage(it, switch, clock, holdings, circuits, ledgers, ports_of[0].erps[ERP])
            return
        # As a process of its own has: of one connection a queue has one worker.
        other = await Client.connect(
            client.service_client.config.target_host,
            namespace=client.namespace,
            data_converter=client.data_converter,
        )
        for worker in make_workers(
            other,
            plan_queues(ports_of[1], QUICK),
            (ledgers.of("second"),),
            timedelta(0),
            holdings[1],
        ):
            await stack.enter_async_context(worker)
        for holding in holdings:
            await holding.look()
            assert holding.posters is not None
            stack.push_async_callback(holding.posters.aclose)
        yield Outage(it, switch, clock, holdings, circuits, ledgers, ports_of[0].erps[ERP])
