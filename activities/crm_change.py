"""The last step of a change: the CRM is told, the new version becomes the present one."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import JsonValue
from temporalio import activity

from activities.change_inputs import RecordChange, RecordTermEnd
from activities.inputs import Undone
from activities.planning import revenue_after
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import CrmRecord
from dealthread.domain.event_data.contract import ContractChanged, ContractOver
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import ChangeOutcome, SagaContext
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import NotFound
from dealthread.hub import Changes, Contracts, ContractVersionRecord, Effects, WriteSpec
from dealthread.naming import event_id, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmChange, CrmPort


class CrmChangeActivities:
    """One business step, through the CRM port."""

    def __init__(
        self,
        crm: CrmPort,
        ensure: Ensure,
        contracts: Contracts,
        changes: Changes,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._crm = crm
        self._ensure = ensure
        self._contracts = contracts
        self._changes = changes
        self._config = config
        self._clock = clock

    @activity.defn(name="crm.record_change", no_thread_cancel_exception=True)
    async def record(self, order: RecordChange) -> CrmRecord:
        """Tell the CRM; in the same transaction as its answer the version, the revenue schedule
        and the event are recorded, and the run ends."""
        context, contract = order.context, order.contract
        key = idempotency_key(context.business_key, context.generation, "crm", "do")
        version = await self._version(order)

        async def act(wire_key: str) -> Outcome[CrmRecord]:
            return await self._crm.record_change(
                CrmChange(
                    contract=contract,
                    change_id=context.business_key,
                    deal_id=order.deal_id,
                    status=order.state,
                    change_status=order.outcome,
                    status_at=self._clock.now(),
                    sequence=await self._contracts.next_sequence(contract.key),
                    effective_from=order.effective_from,
                    booking=order.booking.ref if order.booking else None,
                    forecast_renewal=order.forecast_renewal,
                    renewal_price=order.renewal_price,
                ),
                idempotency_key=wire_key,
            )

        return await self._ensure(
            Write(
                spec=self._spec(context, key, "crm.record_change", request_hash(order)),
                result_type=CrmRecord,
                find=lambda: self._crm.find_recorded_change(contract.key, idempotency_key=key),
                act=act,
                effects=lambda record: Effects(
                    refs=(record.ref, *_group(order)),
                    events=(self._told(order),),
                    stage=order.outcome,
                    contract_state=order.state,
                    outcome=order.outcome,
                    version=version,
                ),
                settle=self._crm.settle_window,
            )
        )

    @activity.defn(name="crm.change_stopped", no_thread_cancel_exception=True)
    async def stopped(self, order: RecordChange) -> Undone:
        """Say in the CRM that the change stopped, and why: the contract stands as before."""
        context = order.context
        key = idempotency_key(context.business_key, context.generation, "crm", "undo")
        written = await self._ensure(
            Write(
                spec=self._spec(order.context, key, "crm.change_stopped", request_hash(order)),
                result_type=CrmRecord,
                find=lambda: self._crm.find_recorded_change(
                    order.contract.key, idempotency_key=key
                ),
                act=lambda wire_key: self._stop(order, wire_key),
                settle=self._crm.settle_window,
            )
        )
        return Undone(removed=str(written.ref))

    async def _stop(self, order: RecordChange, wire_key: str) -> Outcome[CrmRecord]:
        return await self._crm.record_change(
            CrmChange(
                contract=order.contract,
                change_id=order.context.business_key,
                deal_id=order.deal_id,
                status=order.state,
                change_status=f"stopped: {order.reason}",
                status_at=self._clock.now(),
                sequence=await self._contracts.next_sequence(order.contract.key),
            ),
            idempotency_key=wire_key,
        )

    @activity.defn(name="crm.term_ended", no_thread_cancel_exception=True)
    async def term_ended(self, order: RecordTermEnd) -> CrmRecord:
        """The term is over and nothing follows: the CRM shows it, subscribers hear it."""
        context = order.context
        contract = await self._contracts.read(context.contract_key)
        if contract is None:
            raise NotFound("contract_not_known", contract=context.contract_key)
        key = idempotency_key(context.business_key, context.generation, "crm", "do")
        told = BusinessEvent(
            id=event_id(
                idempotency_key(context.business_key, context.generation, "completed", "told")
            ),
            type=EventType.CONTRACT_ENDED,
            subject=contract.key,
            time=self._clock.now(),
            data=ContractOver(
                contract_key=contract.key,
                customer_key=contract.customer_key,
                reason="term over",
            ).told(),
        )

        async def act(wire_key: str) -> Outcome[CrmRecord]:
            return await self._crm.record_change(
                CrmChange(
                    contract=contract,
                    change_id=context.business_key,
                    status=ContractState.ENDED,
                    change_status=ChangeOutcome.COMPLETED,
                    status_at=self._clock.now(),
                    sequence=await self._contracts.next_sequence(contract.key),
                ),
                idempotency_key=wire_key,
            )

        return await self._ensure(
            Write(
                spec=self._spec(context, key, "crm.term_ended", request_hash(contract.key)),
                result_type=CrmRecord,
                find=lambda: self._crm.find_recorded_change(contract.key, idempotency_key=key),
                act=act,
                effects=lambda record: Effects(
                    refs=(record.ref,),
                    events=(told,),
                    stage="ended",
                    contract_state=ContractState.ENDED,
                    outcome=ChangeOutcome.COMPLETED,
                ),
                settle=self._crm.settle_window,
            )
        )

    def _spec(self, context: SagaContext, key: str, step: str, hashed: str) -> WriteSpec:
        return WriteSpec(
            key=key,
            step=step,
            system=System.CRM,
            account=context.org,
            context=context,
            request_hash=hashed,
        )

    async def _version(self, order: RecordChange) -> ContractVersionRecord | None:
        if not order.is_new_version:
            return None
        contract = order.contract
        rows = await revenue_after(
            self._contracts,
            self._changes,
            order.context.business_key,
            contract,
            order.effective_from,
            order.accepted_on,
            self._config(),
        )
        asked = await self._changes.order(order.context.business_key)
        return ContractVersionRecord(
            contract=contract,
            change_id=order.context.business_key,
            effective_from=order.effective_from,
            accepted_on=order.accepted_on,
            kind=order.kind,
            reason=order.reason or (asked.reason if asked is not None else ""),
            working=order.working,
            schedule=rows,
        )

    def _told(self, order: RecordChange) -> BusinessEvent:
        context, contract, billed = order.context, order.contract, order.billed
        invoice = billed.invoice if billed is not None else None
        memos = billed.credit_memos if billed is not None else ()
        data: dict[str, JsonValue] = {
            "contract_key": contract.key,
            "change_id": context.business_key,
            "customer_key": contract.customer_key,
            "seller": contract.seller,
            "region": contract.seller_region,
            "currency": contract.currency,
            "version": contract.version,
            "state": order.state,
            "effective_from": order.effective_from.isoformat(),
            "end_date": contract.end_date.isoformat() if contract.end_date else None,
            "tcv": str(contract.tcv().amount),
            "quantities": {
                f"{line.line_key}@{line.start_date.isoformat()}": str(line.quantity)
                for line in contract.lines
            },
            "invoice": invoice.number if invoice is not None else None,
            "credit_memos": [memo.number for memo in memos],
            "booking": order.booking.number if order.booking else None,
            "renewal_price": str(order.renewal_price.amount) if order.renewal_price else None,
        }
        return BusinessEvent(
            id=event_id(
                idempotency_key(context.business_key, context.generation, _topic(order), "told")
            ),
            type=order.event,
            subject=contract.key,
            time=self._clock.now(),
            data=ContractChanged.model_validate(data).told(),
        )


def _topic(order: RecordChange) -> str:
    """A notice is looked up by its event's id: its topic is its own."""
    return "notice" if order.kind == "renewal_notice" else str(order.outcome)


def _group(order: RecordChange) -> tuple[Ref, ...]:
    """The contract group, so that any member of it finds the others."""
    contract = order.contract
    if not contract.group:
        return ()
    return (
        Ref(
            system=System.HUB,
            account=order.context.tenant,
            kind="contract_group",
            native_id=contract.group,
        ),
    )
