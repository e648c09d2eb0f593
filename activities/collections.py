"""Steps of Collections: read the invoice back, record where it stands, show it, withhold access."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.collections_inputs import (
    HeldAccess,
    HoldAccess,
    OpenPursuit,
    Overdue,
    ReadOverdue,
    RecordPursuit,
    ShowPursuit,
)
from activities.collections_telling import access_changed, events_of
from activities.service_telling import ServiceTelling
from dealthread.domain.base import System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.documents import CrmRecord, Entitlement, EntitlementState
from dealthread.domain.dunning import Pursuit
from dealthread.domain.service_status import ServiceAct
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.hub import Contracts, Effects, Pursuits, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CollectionsMirror, CrmPort
from dealthread.ports.entitlement import EntitlementPort, SuspendEntitlement

REASON = "overdue invoice"
OVER = (EntitlementState.REVOKED, EntitlementState.ENDED)


class OverdueActivities:
    """Reading the invoice, through the billing port."""

    def __init__(
        self, billing: BillingPort, contracts: Contracts, config: Callable[[], ConfigSet]
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._config = config

    @activity.defn(name="collections.read")
    async def read(self, order: ReadOverdue) -> Overdue:
        """The invoice as its owner has it now: what no event told is found here."""
        bill = await self._billing.read_bill(order.billing_account, order.invoice_id)
        if not bill.contract_key:
            return Overdue(bill=bill, ignored="no contract of ours")
        contract = await self._contracts.read(bill.contract_key)
        if contract is None:
            return Overdue(bill=bill, ignored="contract not known")
        policy = self._config().collections_of(contract.seller)
        return Overdue(
            bill=bill,
            ignored="" if policy is not None else f"no policy for {contract.seller}",
            org=contract.org,
            deal_id=contract.deal_id,
            account_id=contract.customer_ref.native_id,
            seller=contract.seller,
            region=contract.seller_region,
            contract_state=await self._contracts.state(contract.key),
            policy=policy,
        )


class PursuitActivities:
    """Our own record of the pursuit, one transaction each."""

    def __init__(self, pursuits: Pursuits, clock: BusinessClock) -> None:
        self._pursuits = pursuits
        self._clock = clock

    @activity.defn(name="collections.open")
    async def open(self, order: OpenPursuit) -> Pursuit:
        """The open pursuit of the invoice, or a new one."""
        now = self._clock.now()
        stamped = {"opened_at": now, "changed_at": now}
        return await self._pursuits.open(order.wanted.model_copy(update=stamped))

    @activity.defn(name="collections.record")
    async def record(self, order: RecordPursuit) -> Pursuit:
        """Where it stands; customer success, support and the customer hear what is for them."""
        now = self._clock.now()
        pursuit = order.pursuit.model_copy(update={"changed_at": now})
        events = events_of(order, now)
        await self._pursuits.record(pursuit, events, order.context.actor)
        return pursuit


class PursuitMirrorActivities:
    """Showing the pursuit, through the CRM port."""

    def __init__(self, crm: CrmPort, ensure: Ensure) -> None:
        self._crm = crm
        self._ensure = ensure

    @activity.defn(name="collections.show", no_thread_cancel_exception=True)
    async def show(self, order: ShowPursuit) -> CrmRecord:
        """The invoice's record, under its account and contract, says where the pursuit stands."""
        context, pursuit = order.context, order.pursuit
        command = CollectionsMirror(
            contract_key=pursuit.contract_key,
            account_id=order.account_id,
            invoice=pursuit.invoice,
            state=pursuit.outcome or pursuit.state,
            stage=pursuit.stage,
            suspended=pursuit.suspended,
            promised_until=pursuit.promised_until,
        )

        async def act(key: str) -> Outcome[CrmRecord]:
            return await self._crm.show_collections(command, idempotency_key=key)

        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=_key(context, f"show-{pursuit.sequence}", "do"),
                    step="crm.show_collections",
                    system=System.CRM,
                    account=context.org,
                    context=context,
                    request_hash=request_hash(command),
                ),
                result_type=CrmRecord,
                find=_not_asked,
                act=act,
                effects=lambda record: Effects(refs=(record.ref,)),
                settle=self._crm.settle_window,
            )
        )


class AccessHoldActivities:
    """Withholding what the customer may use, and giving it back, through the entitlement port."""

    def __init__(
        self,
        entitlement: EntitlementPort,
        ensure: Ensure,
        telling: ServiceTelling,
        clock: BusinessClock,
    ) -> None:
        self._entitlement = entitlement
        self._ensure = ensure
        self._telling = telling
        self._clock = clock

    @activity.defn(name="collections.suspend")
    async def suspend(self, order: HoldAccess) -> HeldAccess:
        """Put on this pursuit's hold. Where nothing is granted there is nothing to withhold."""
        command = _hold(order)
        key = _key(order.context, "suspend", "do")
        held = await self._entitlement.find(command.contract_key, idempotency_key=key)
        if held is None or held.state in OVER:
            return HeldAccess()
        made = await self._ensure(
            Write(
                spec=_spec(order, "do", "entitlement.suspend", request_hash(command)),
                result_type=Entitlement,
                find=lambda: self._found(command, key),
                act=lambda wire_key: self._entitlement.suspend(command, idempotency_key=wire_key),
                effects=lambda held: self._effects(order, held),
                settle=self._entitlement.settle_window,
            )
        )
        await self._telling.after(ServiceAct.OVERDUE, command.contract_key, order.customer_key)
        return HeldAccess(entitlement=made.ref.native_id, is_suspended=True)

    @activity.defn(name="collections.restore")
    async def restore(self, order: HoldAccess) -> HeldAccess:
        """Lift this pursuit's hold, and no other: another unpaid invoice keeps it suspended."""
        command = _hold(order)
        key = _key(order.context, "suspend", "do")

        await self._ensure.undo(
            key,
            Undo(
                spec=_spec(order, "undo", "entitlement.restore", request_hash(command)),
                result_type=Entitlement,
                find=lambda: self._found(command, key),
                remove=lambda _, wire_key: self._entitlement.restore(
                    command, idempotency_key=wire_key
                ),
                settle=self._entitlement.settle_window,
            ),
        )
        # Not the undo's own answer: it may be lost, and then nothing is left to be found.
        left = await self._telling.after(
            ServiceAct.HOLD_LIFTED, command.contract_key, order.customer_key
        )
        if left is None or left.state in OVER:
            return HeldAccess()
        return HeldAccess(entitlement=left.ref.native_id, is_suspended=bool(left.holds))

    async def _found(self, command: SuspendEntitlement, key: str) -> Entitlement | None:
        found = await self._entitlement.find(command.contract_key, idempotency_key=key)
        return found if found is not None and command.hold_id in found.holds else None

    def _effects(self, order: HoldAccess, held: Entitlement) -> Effects:
        told = access_changed(
            order.context, order.customer_key, held.ref.native_id, "suspended", self._clock.now()
        )
        return Effects(events=(told,))


def _hold(order: HoldAccess) -> SuspendEntitlement:
    """One hold for each pursuit: another pursuit of the same contract has its own."""
    context = order.context
    return SuspendEntitlement(
        contract_key=context.contract_key,
        hold_id=f"{context.business_key}#{context.generation}",
        reason=REASON,
    )


def _key(context: SagaContext, step: str, way: str) -> str:
    return idempotency_key(context.business_key, context.generation, step, way)


def _spec(order: HoldAccess, way: str, step: str, hashed: str) -> WriteSpec:
    return WriteSpec(
        key=_key(order.context, "suspend", way),
        step=step,
        system=System.ENTITLEMENT,
        account=order.seller,
        context=order.context,
        request_hash=hashed,
    )


async def _not_asked() -> None:
    """The record is kept by the invoice's own id: writing it again is the same."""
    return
