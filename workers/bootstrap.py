"""The one place that knows everyone: settings in, ports, activities and workers out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.assessment import AssessmentActivities
from activities.billing import BillingActivities
from activities.billing_change import BillingChangeActivities
from activities.change_assessment import ChangeAssessmentActivities
from activities.change_hub import ChangeHubActivities
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
from activities.money_check import BillCheckActivities, LedgerCheckActivities
from activities.recognition import RecognitionActivities
from activities.recognition_posting import RecognitionPostingActivities
from activities.rescission import RescissionActivities
from adapters import registry as adapters
from adapters.http import CallMeter
from dealthread.config import ConfigSource
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.ownership import WRITE_MODELS, unowned_fields
from dealthread.ensure import Ensure, Limits
from dealthread.errors import BadInput, InvariantBroken
from dealthread.hub import Bills, Cases, Changes, Contracts, Journal, Pursuits
from dealthread.hub_recognition import Recognition
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
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine
from dealthread.store.journal import PostgresJournal
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.recognition import PostgresRecognition
from workers.interceptors import ErrorTranslation
from workers.registry import WORKFLOWS, QueuePlan, activities_of

log = structlog.get_logger()

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


def _bad_setting(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    field = f"{error.title}.{'.'.join(str(part) for part in first['loc'])}"
    return BadInput("bad_setting", field=field, action=f"{first['msg']} (docs/settings.md)")


def refuse_unowned_writes() -> None:
    """Raise InvariantBroken when a write model carries a field that the hub may not originate in
    that system (the ownership table): checked before any worker polls."""
    foreign = {model: unowned_fields(model) for model in WRITE_MODELS}
    broken = [f"{model}.{name}" for model, names in foreign.items() for name in names]
    if broken:
        raise InvariantBroken("unowned_field_in_write_model", fields=", ".join(broken))


def plan_queues(ports: Ports, limits: Limits) -> list[QueuePlan]:
    """One queue for workflows, one per vendor account, one per company of a ledger."""
    refuse_unowned_writes()
    ensure = Ensure(ports.journal, limits)
    erp = activities_of(
        ErpActivities(ports.erps, ensure, ports.contracts),
        ErpAdjustmentActivities(ports.erps, ensure),
        LedgerActivities(ports.erps, ensure),
        LedgerCheckActivities(ports.erps),
        RecognitionActivities(ports.erps, ports.recognition, ports.config, ports.clock),
        RecognitionPostingActivities(ports.erps, ensure, ports.recognition, ports.clock),
    )
    companies = {
        (entity.erp_instance, entity.erp_company) for entity in ports.config().legal_entities
    }
    return [
        QueuePlan(
            WORKFLOW_QUEUE,
            activities_of(
                HubActivities(ports.cases, ports.contracts, ports.clock),
                ChangeHubActivities(ports.contracts, ports.changes, ports.clock),
                PursuitActivities(ports.pursuits, ports.clock),
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
                InvoiceMirrorActivities(ports.crm, ensure, ports.clock),
                PursuitMirrorActivities(ports.crm, ensure),
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
                CreditActivities(
                    ports.billing, ensure, ports.contracts, ports.changes, ports.config
                ),
                BillActivities(ports.billing, ports.contracts, ports.bills, ports.clock),
                BillCheckActivities(ports.billing),
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
                EntitlementActivities(ports.entitlement, ensure),
                EntitlementChangeActivities(ports.entitlement, ensure),
                AccessHoldActivities(ports.entitlement, ensure, ports.clock),
            ),
        ),
        *(
            # A ledger of a company is posted serially: one slot.
            QueuePlan(erp_task_queue(name, company), erp, max_concurrent_activities=1)
            for name, company in sorted(companies)
        ),
    ]


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox stays on. Passed through: our own packages and the workflows' helpers, whose
    clocks and randomness are banned by lint instead, and pydantic: importing them again for each
    run took a fifth of the worker's time (docs/performance.md)."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "dealthread",
            "activities",
            "pydantic",
            "pydantic_core",
            "structlog",
            "workflows.business_time",
            "workflows.change_run",
            "workflows.change_steps",
            "workflows.collections_orders",
            "workflows.collections_steps",
            "workflows.contract_memory",
            "workflows.decided_by_people",
            "workflows.desk",
            "workflows.last_stage",
            "workflows.questions",
            "workflows.steps",
            "workflows.wording",
        )
    )


def make_workers(
    client: Client,
    plans: Sequence[QueuePlan],
    interceptors: Sequence[Interceptor] = (),
    grace: timedelta = GRACE,
) -> list[Worker]:
    """One worker per task queue, all in this process."""
    return [
        Worker(
            client,
            task_queue=plan.task_queue,
            workflows=list(plan.workflows),
            activities=list(plan.activities),
            workflow_runner=sandbox(),
            interceptors=[ErrorTranslation(), *interceptors],
            max_concurrent_activities=plan.max_concurrent_activities,
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
