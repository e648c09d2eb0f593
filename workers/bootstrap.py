"""The one place that names adapters and the store: settings in, ports out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import structlog
from pydantic import ValidationError

from adapters import registry as adapters
from adapters.http import CallMeter
from dealthread.breaker import Breaker
from dealthread.config import ConfigSource
from dealthread.domain.circuit import Pace
from dealthread.ensure import Limits
from dealthread.errors import BadInput
from dealthread.naming import (
    erp_task_queue,
)
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.erp import ErpPort
from dealthread.ports.events import EventPort
from dealthread.settings import OffsetClock, Settings, Subscriber
from dealthread.store.adoption import PostgresAdoption
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.circuits import PostgresCircuits
from dealthread.store.closing import PostgresClosing
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine
from dealthread.store.journal import PostgresJournal
from dealthread.store.payments import PostgresPayments
from dealthread.store.posters import Posters
from dealthread.store.posting_summaries import PostgresSummaries
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.services import PostgresServices
from dealthread.store.usage_sending import PostgresUsageSending
from dealthread.watched import watched
from workers.holding import Holding
from workers.ports import Ports, companies_of

log = structlog.get_logger()


def limits_of(settings: Settings) -> Limits:
    """Times and budgets of writes from settings."""
    return Limits(
        lease=timedelta(seconds=settings.lease_seconds),
        unknown_budget=settings.unknown_budget,
        unknown_for=timedelta(minutes=settings.unknown_minutes),
        late_effect=timedelta(seconds=settings.late_effect_seconds),
    )


@asynccontextmanager
async def open_ports(
    settings: Settings, meter: CallMeter | None = None, clock: BusinessClock | None = None
) -> AsyncIterator[Ports]:
    """Real adapters and the real store, closed at the end. Raises BadInput naming a setting.

    `clock` takes the place of the machine's time with the settings' offset.
    """
    clock = clock or OffsetClock(settings.business_offset_seconds)
    source = ConfigSource(
        settings.config_dir,
        on_problems=lambda problems: log.error("config_invalid", problems=len(problems)),
    )
    config = source.current()
    async with AsyncExitStack() as stack:
        try:
            crm = adapters.crm(clock, meter)
            stack.push_async_callback(crm.aclose)
            billing = adapters.billing(clock, meter)
            stack.push_async_callback(billing.aclose)
            entitlement = adapters.entitlement(clock, meter)
            stack.push_async_callback(entitlement.aclose)
            readable = {}
            for one in settings.subscribers:
                if one.read_url:
                    look_up = adapters.customer_success(one.read_url, one.token_name, meter)
                    stack.push_async_callback(look_up.aclose)
                    readable[one.name] = look_up.port
            erps = {}
            for name in sorted({entity.erp_instance for entity in config.legal_entities}):
                opened = adapters.ERPS[name](clock, meter)
                stack.push_async_callback(opened.aclose)
                erps[name] = opened.port
        except ValidationError as error:
            raise _bad_setting(error) from None
        engine = create_engine(settings.database_url.get_secret_value(), pool_size=20)
        stack.push_async_callback(engine.dispose)
        yield Ports(
            crm=crm.port,
            billing=billing.port,
            erps=erps,
            entitlement=entitlement.port,
            journal=PostgresJournal(engine),
            contracts=PostgresContracts(engine),
            changes=PostgresChanges(engine, subscribers_by_kind(settings.subscribers)),
            bills=PostgresBills(engine),
            cases=PostgresCases(engine),
            pursuits=PostgresPursuits(engine),
            services=PostgresServices(engine),
            recognition=PostgresRecognition(engine),
            closing=PostgresClosing(engine, settings.tenant),
            payments=PostgresPayments(engine, settings.tenant),
            usage=PostgresUsageSending(engine),
            adoption=PostgresAdoption(engine),
            summaries=PostgresSummaries(engine),
            clock=clock,
            config=source.current,
            customer_success=readable,
        )


def subscribers_by_kind(subscribers: Iterable[Subscriber]) -> dict[str, tuple[str, ...]]:
    """Names of the subscribers of each kind; those without one are of none."""
    found: dict[str, tuple[str, ...]] = {}
    for one in subscribers:
        if one.kind:
            found[one.kind] = (*found.get(one.kind, ()), one.name)
    return found


@asynccontextmanager
async def hold_back(
    settings: Settings, ports: Ports, name: str
) -> AsyncIterator[tuple[Ports, Holding]]:
    """The same ports with a circuit breaker before each ERP, and what holds its queues back while
    one is open or another process posts for the company. `name` is this process's."""
    # Its own connections: who posts must not depend on a pool that is used up.
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=2)
    companies = companies_of(ports)
    breaker = Breaker(
        PostgresCircuits(engine),
        {erp: _probe(ports.erps[erp], company) for erp, company in reversed(companies)},
        name=name,
        pace=Pace(
            failures=settings.circuit_failures,
            first_pause=timedelta(seconds=settings.circuit_probe_seconds),
            longest_pause=timedelta(seconds=settings.circuit_longest_pause_seconds),
        ),
    )
    posters = Posters(engine, [erp_task_queue(*one) for one in companies])
    erps = {erp: watched(port, erp, breaker) for erp, port in ports.erps.items()}
    holding = Holding(breaker, posters)
    try:
        async with holding.kept():
            yield replace(ports, erps=erps), holding
    finally:
        await engine.dispose()


def _probe(erp: ErpPort, company: str) -> Callable[[], Awaitable[object]]:
    """A cheap read: nobody has this key."""
    return lambda: erp.find_customer(company, "A-PROBE")


def _bad_setting(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    field = f"{error.title}.{'.'.join(str(part) for part in first['loc'])}"
    return BadInput("bad_setting", field=field, action=f"{first['msg']} (docs/settings.md)")


@asynccontextmanager
async def event_sender(settings: Settings) -> AsyncIterator[EventPort]:
    """Delivery of events to subscribers, for the relay."""
    del settings  # secrets of subscribers are the adapter's own settings
    opened = adapters.events()
    try:
        yield opened.port
    finally:
        await opened.aclose()


@asynccontextmanager
async def crm_reader(settings: Settings) -> AsyncIterator[CrmPort]:
    """The CRM, for the relay: which deals are won. Raises BadInput naming a setting."""
    try:
        opened = adapters.crm(OffsetClock(settings.business_offset_seconds))
    except ValidationError as error:
        raise _bad_setting(error) from None
    try:
        yield opened.port
    finally:
        await opened.aclose()
