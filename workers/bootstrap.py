"""The one place that knows everyone: settings in, ports, activities and workers out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from activities.adoption import (
    AdoptionActivities,
    TakeOverActivities,
    TakeOverLedgerActivities,
)
from activities.assessment import AssessmentActivities
from activities.billing import BillingActivities
from activities.billing_change import BillingChangeActivities
from activities.cash import CashActivities, LedgerCashActivities
from activities.change_assessment import ChangeAssessmentActivities
from activities.change_hub import ChangeHubActivities
from activities.closing import ClosingActivities, ClosingHubActivities
from activities.collections import (
    AccessHoldActivities,
    OverdueActivities,
    PursuitActivities,
    PursuitMirrorActivities,
)
from activities.credit import CreditActivities
from activities.crm import CrmActivities
from activities.crm_change import CrmChangeActivities
from activities.entitlement import EntitlementActivities
from activities.entitlement_change import EntitlementChangeActivities
from activities.erp import ErpActivities
from activities.erp_adjustment import ErpAdjustmentActivities
from activities.hub import HubActivities
from activities.invoice import BillActivities, InvoiceMirrorActivities, LedgerActivities
from activities.recognition import RecognitionActivities
from activities.recognition_posting import RecognitionPostingActivities
from activities.rescission import RescissionActivities
from activities.usage import UsageActivities
from adapters import registry as adapters
from adapters.http import CallMeter
from dealthread.breaker import Breaker
from dealthread.config import ConfigSource
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.circuit import Pace
from dealthread.ensure import Ensure, Limits
from dealthread.errors import BadInput
from dealthread.hub import Bills, Cases, Changes, Contracts, Journal, Pursuits
from dealthread.hub_adoption import Adoption
from dealthread.hub_closing import Closing
from dealthread.hub_recognition import Recognition
from dealthread.hub_usage import UsageSendingStore
from dealthread.naming import (
    BILLING_QUEUE,
    CRM_QUEUE,
    ENTITLEMENT_QUEUE,
    WORKFLOW_QUEUE,
    erp_task_queue,
)
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.entitlement import EntitlementPort
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
from dealthread.store.posters import Posters
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.usage_sending import PostgresUsageSending
from dealthread.watched import watched
from workers import looking, money_beside
from workers.holding import Holding, at_once
from workers.interceptors import ErrorTranslation
from workers.ownership import refuse_unowned_writes
from workers.registry import WORKFLOWS, QueuePlan, activities_of
from workers.sandboxed import sandbox

log = structlog.get_logger()

CACHED = 1000
"""Runs in a worker's memory, the engine's own figure (docs/performance.md has what one weighs)."""
GRACE = timedelta(seconds=40)
"""On shutdown running activities are awaited this long: start-to-close and a margin. A write
that is cut off would be an unknown outcome."""


@dataclass(frozen=True)
class Ports:
    """Everything activities reach."""

    crm: CrmPort
    billing: BillingPort
    erps: Mapping[str, ErpPort]
    entitlement: EntitlementPort
    journal: Journal
    contracts: Contracts
    changes: Changes
    bills: Bills
    cases: Cases
    pursuits: Pursuits
    recognition: Recognition
    closing: Closing
    usage: UsageSendingStore
    adoption: Adoption
    clock: BusinessClock
    config: Callable[[], ConfigSet]


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
            recognition=PostgresRecognition(engine),
            closing=PostgresClosing(engine, settings.tenant),
            usage=PostgresUsageSending(engine),
            adoption=PostgresAdoption(engine),
            clock=clock,
            config=source.current,
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


def companies_of(ports: Ports) -> list[tuple[str, str]]:
    """Every ledger that is posted to: ERP and company."""
    return sorted({(one.erp_instance, one.erp_company) for one in ports.config().legal_entities})


def _bad_setting(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    field = f"{error.title}.{'.'.join(str(part) for part in first['loc'])}"
    return BadInput("bad_setting", field=field, action=f"{first['msg']} (docs/settings.md)")


def plan_queues(ports: Ports, limits: Limits) -> list[QueuePlan]:
    """One queue for workflows, one per vendor account, one per company of a ledger."""
    refuse_unowned_writes()
    ensure = Ensure(ports.journal, limits)
    take_over = TakeOverActivities(
        ports.crm, ports.billing, ensure, ports.contracts, ports.adoption, ports.clock
    )
    erp = activities_of(
        ErpActivities(ports.erps, ensure, ports.contracts),
        ErpAdjustmentActivities(ports.erps, ensure),
        LedgerActivities(ports.erps, ensure, ports.contracts),
        LedgerCashActivities(ports.erps, ensure),
        *looking.on_the_ledger(ports.erps),
        *money_beside.on_the_ledger(ports.erps, ensure, ports.clock),
        RecognitionActivities(ports.erps, ports.recognition, ports.config, ports.clock),
        RecognitionPostingActivities(ports.erps, ensure, ports.recognition, ports.clock),
        ClosingActivities(
            ports.erps, ensure, ports.closing, ports.recognition, ports.config, ports.clock
        ),
        TakeOverLedgerActivities(ports.erps, ensure, ports.adoption),
    )
    return [
        QueuePlan(
            WORKFLOW_QUEUE,
            activities_of(
                HubActivities(ports.cases, ports.contracts, ports.clock),
                ChangeHubActivities(ports.contracts, ports.changes, ports.clock),
                PursuitActivities(ports.pursuits, ports.clock),
                ClosingHubActivities(ports.closing, ports.clock),
                RescissionActivities(ports.contracts, ports.changes, ports.config),
            ),
            WORKFLOWS,
        ),
        QueuePlan(
            CRM_QUEUE,
            activities_of(
                CrmActivities(ports.crm, ensure, ports.contracts, ports.config, ports.clock),
                CrmChangeActivities(
                    ports.crm, ensure, ports.contracts, ports.changes, ports.config, ports.clock
                ),
                InvoiceMirrorActivities(ports.crm, ensure, ports.contracts, ports.clock),
                PursuitMirrorActivities(ports.crm, ensure),
                take_over,
                *money_beside.in_the_crm(ports.crm, ensure, ports.clock),
                *looking.in_the_crm(ports.crm),
            ),
        ),
        QueuePlan(
            BILLING_QUEUE,
            activities_of(
                BillingActivities(ports.billing, ensure, ports.contracts, ports.clock),
                AssessmentActivities(
                    ports.billing,
                    ports.erps,
                    ports.contracts,
                    ports.pursuits,
                    ports.config,
                    ports.clock,
                ),
                BillingChangeActivities(ports.billing, ensure),
                take_over,
                AdoptionActivities(
                    ports.crm,
                    ports.billing,
                    ports.erps,
                    ports.adoption,
                    ports.config,
                    ports.clock,
                ),
                CreditActivities(
                    ports.billing, ensure, ports.contracts, ports.changes, ports.config
                ),
                BillActivities(ports.billing, ports.contracts, ports.bills, ports.clock),
                CashActivities(ports.billing, ports.bills, ensure, ports.config),
                *looking.at_the_biller(ports.billing),
                *money_beside.at_the_biller(
                    ports.billing,
                    ensure,
                    ports.contracts,
                    ports.changes,
                    ports.config,
                    ports.clock,
                    ports.closing,
                ),
                UsageActivities(ports.billing, ports.usage, ports.config, ports.clock),
                OverdueActivities(ports.billing, ports.contracts, ports.config),
                ChangeAssessmentActivities(
                    ports.crm,
                    ports.billing,
                    ports.erps,
                    ports.contracts,
                    ports.changes,
                    ports.config,
                    ports.clock,
                ),
            ),
        ),
        QueuePlan(
            ENTITLEMENT_QUEUE,
            activities_of(
                EntitlementActivities(ports.entitlement, ensure, ports.clock),
                EntitlementChangeActivities(ports.entitlement, ensure),
                AccessHoldActivities(ports.entitlement, ensure, ports.clock),
                *looking.at_the_service(ports.entitlement),
            ),
        ),
        *(
            # A ledger of a company is posted serially: one slot.
            QueuePlan(
                erp_task_queue(name, company),
                erp,
                max_concurrent_activities=1,
                vendor=name,
                account=company,
            )
            for name, company in companies_of(ports)
        ),
    ]


def make_workers(
    client: Client,
    plans: Sequence[QueuePlan],
    interceptors: Sequence[Interceptor] = (),
    grace: timedelta = GRACE,
    holding: Holding | None = None,
    cached: int = CACHED,
) -> list[Worker]:
    """One worker per task queue, all in this process; `holding` holds back those of ERPs. `cached`:
    runs that are kept in memory between two of their tasks."""
    return [
        Worker(
            client,
            task_queue=plan.task_queue,
            workflows=list(plan.workflows),
            activities=list(plan.activities),
            workflow_runner=sandbox(),
            max_cached_workflows=cached,
            interceptors=[
                ErrorTranslation(),
                *interceptors,
                *(holding.interceptors(plan) if holding else ()),
            ],
            **(holding.slots(plan) if holding else at_once(plan)),
            graceful_shutdown_timeout=grace,
        )
        for plan in plans
    ]


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
