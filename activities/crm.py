"""Steps on the CRM: read the deal, write the contract back, withdraw it."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.inputs import Undone, Withdraw, WriteBack
from activities.planning import first_plan
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import Agreement, Booking, CrmRecord, Entitlement
from dealthread.domain.event_data.contract import ContractEntered
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import FrozenDeal, ReadDeal
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.hub import Contracts, ContractVersionRecord, Effects, WriteSpec, parsed
from dealthread.naming import event_id, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort, CrmWriteBack


class CrmActivities:
    """One business step each, through the CRM port."""

    def __init__(
        self,
        crm: CrmPort,
        ensure: Ensure,
        contracts: Contracts,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._crm = crm
        self._config = config
        self._ensure = ensure
        self._contracts = contracts
        self._clock = clock

    @activity.defn(name="crm.read_deal")
    async def read_deal(self, order: ReadDeal) -> FrozenDeal:
        """Read the deal back from its owner and freeze it with its content hash."""
        deal = await self._crm.read_deal(order.context.deal_id)
        return FrozenDeal(deal=deal, content_hash=deal.content_hash())

    @activity.defn(name="crm.write_back", no_thread_cancel_exception=True)
    async def write_back(self, order: WriteBack) -> CrmRecord:
        """Tell the CRM that the contract stands, with every native id; ends the run."""
        context, contract = order.context, order.contract
        key = idempotency_key(context.business_key, context.generation, "crm", "do")
        spec = WriteSpec(
            key=key,
            step="crm.write_back",
            system=System.CRM,
            account=context.org,
            context=context,
            request_hash=request_hash(order.model_copy(update={"agreement": None})),
        )
        agreement = order.agreement
        # Planned before the call: nothing may fail between the CRM's answer and its record.
        version = ContractVersionRecord(
            contract=contract,
            change_id=context.business_key,
            effective_from=contract.start_date,
            accepted_on=contract.signed_on or contract.start_date,
            kind="quote_to_cash",
            schedule=first_plan(contract, self._config()),
        )

        async def act(wire_key: str) -> Outcome[CrmRecord]:
            sequence = await self._contracts.next_sequence(contract.key)
            return await self._crm.record_contract(
                CrmWriteBack(
                    deal_id=contract.deal_id,
                    account_id=contract.customer_ref.native_id,
                    contract_key=contract.key,
                    contract=contract,
                    status=order.state,
                    status_at=self._clock.now(),
                    sequence=sequence,
                    workflow_id=context.business_key,
                    customer_key=contract.customer_key,
                    subscription=(agreement.subscription or agreement.ref) if agreement else None,
                    booking=order.booking.ref if order.booking else None,
                    entitlement=order.entitlement.ref if order.entitlement else None,
                ),
                idempotency_key=wire_key,
            )

        return await self._ensure(
            Write(
                spec=spec,
                result_type=CrmRecord,
                find=lambda: self._crm.find_contract(contract.key, idempotency_key=key),
                act=act,
                effects=lambda record: Effects(
                    refs=(record.ref,),
                    events=(self._told(order),),
                    stage=order.outcome,
                    contract_state=order.state,
                    outcome=order.outcome,
                    version=version,
                ),
                settle=self._crm.settle_window,
            )
        )

    def _told(self, order: WriteBack) -> BusinessEvent:
        context, contract = order.context, order.contract
        active = order.state is ContractState.ACTIVE
        return BusinessEvent(
            id=event_id(
                idempotency_key(context.business_key, context.generation, order.state, "told")
            ),
            type=EventType.CONTRACT_ACTIVATED if active else EventType.CONTRACT_SCHEDULED,
            subject=contract.key,
            time=self._clock.now(),
            data=ContractEntered.model_validate(
                {
                    "contract_key": contract.key,
                    "customer_key": contract.customer_key,
                    "seller": contract.seller,
                    "region": contract.seller_region,
                    "currency": contract.currency,
                    "tcv": str(contract.tcv().amount),
                    "start_date": contract.start_date.isoformat(),
                    "end_date": contract.end_date.isoformat() if contract.end_date else None,
                    "state": order.state,
                    "subscription": order.agreement.ref.native_id if order.agreement else None,
                    "booking": order.booking.number if order.booking else None,
                    "entitlement": order.entitlement.ref.native_id if order.entitlement else None,
                }
            ).told(),
        )

    @activity.defn(name="crm.withdraw", no_thread_cancel_exception=True)
    async def withdraw(self, order: Withdraw) -> Undone:
        """Say in the CRM that the deal stopped; ids leave the active fields, history keeps them."""
        context = order.context
        do_key = idempotency_key(context.business_key, context.generation, "crm", "do")
        key = idempotency_key(context.business_key, context.generation, "crm", "undo")
        status = f"stopped: {order.reason}"

        async def withdraw(_: CrmRecord, wire_key: str) -> Outcome[CrmRecord]:
            sequence = await self._contracts.next_sequence(context.contract_key)
            made = await self._contracts.results(context.business_key, context.generation)
            agreement = parsed(Agreement, made.get("billing.subscription"))
            booking = parsed(Booking, made.get("erp.booking"))
            entitlement = parsed(Entitlement, made.get("entitlement.grant"))
            return await self._crm.withdraw_contract(
                CrmWriteBack(
                    deal_id=context.deal_id,
                    account_id=order.account_id,
                    contract_key=context.contract_key,
                    contract=order.contract,
                    status=status,
                    status_at=self._clock.now(),
                    sequence=sequence,
                    workflow_id=context.business_key,
                    customer_key=order.customer_key,
                    subscription=(agreement.subscription or agreement.ref) if agreement else None,
                    booking=booking.ref if booking else None,
                    entitlement=entitlement.ref if entitlement else None,
                ),
                idempotency_key=wire_key,
            )

        async def always() -> CrmRecord:
            # A stopped deal is told to the CRM even where no contract record was made there.
            return CrmRecord(
                ref=Ref(
                    system=System.CRM,
                    account=context.org,
                    kind="opportunity",
                    native_id=context.deal_id,
                ),
                status="",
            )

        removed = await self._ensure.undo(
            do_key,
            Undo(
                spec=WriteSpec(
                    key=key,
                    step="crm.withdraw",
                    system=System.CRM,
                    account=context.org,
                    context=context,
                    request_hash=request_hash(status),
                ),
                result_type=CrmRecord,
                find=always,
                remove=withdraw,
            ),
        )
        return Undone(removed=str(removed.ref) if removed else "")
