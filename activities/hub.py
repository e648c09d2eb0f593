"""Steps on our own store that no other step carries: open a case, record how a run ended."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity

from activities.inputs import (
    AskedBefore,
    AwaitChange,
    OpenCase,
    ReadSetUp,
    RecordOutcome,
    SettleCase,
    SetUp,
)
from dealthread.domain.case import Case
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import Agreement, Booking, Entitlement
from dealthread.domain.event_data.contract import ContractOver
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import ChangeResult
from dealthread.errors import AttemptInFlight, NotFound
from dealthread.hub import Cases, Contracts, parsed
from dealthread.naming import event_id, idempotency_key, quote_to_cash_id
from dealthread.ports.clock import BusinessClock


class HubActivities:
    """One transaction each."""

    def __init__(self, cases: Cases, contracts: Contracts, clock: BusinessClock) -> None:
        self._cases = cases
        self._contracts = contracts
        self._clock = clock

    @activity.defn(name="hub.open_case")
    async def open_case(self, order: OpenCase) -> Case:
        """Put what is stuck before the people who own it."""
        return await self._cases.open(order.opening)

    @activity.defn(name="hub.is_aborted")
    async def is_aborted(self, order: AskedBefore) -> bool:
        """Whether a person has ended an earlier run, and sees to the rest."""
        return await self._cases.is_aborted(order.case_ids)

    @activity.defn(name="hub.settle_case")
    async def settle_case(self, order: SettleCase) -> None:
        """Close a case that has answered itself."""
        await self._cases.settle(order.case_id, order.version, order.note)

    @activity.defn(name="hub.record_outcome")
    async def record_outcome(self, order: RecordOutcome) -> None:
        """How the run ended; customer success hears of an end, and of a withdrawal of what it had
        heard the start of."""
        context = order.context
        told = None
        if order.state is ContractState.ENDED:
            told = EventType.CONTRACT_ENDED
        elif order.tell_customer_success:
            told = EventType.CONTRACT_WITHDRAWN
        events: tuple[BusinessEvent, ...] = ()
        if told is not None:
            key = idempotency_key(context.business_key, context.generation, order.outcome, "told")
            events = (
                BusinessEvent(
                    id=event_id(key),
                    type=told,
                    subject=context.contract_key,
                    time=self._clock.now(),
                    data=ContractOver(
                        contract_key=context.contract_key, reason=order.reason
                    ).told(),
                ),
            )
        await self._contracts.record_outcome(
            context, order.outcome, order.state, events, order.residue
        )

    @activity.defn(name="hub.await_change")
    async def await_change(self, order: AwaitChange) -> ChangeResult:
        """The outcome of a change as the store holds it; asks again while it runs."""
        result = await self._contracts.change_result(order.change_id, order.generation)
        if result is None:
            raise AttemptInFlight("change_still_runs", retry_after=timedelta(seconds=10))
        return result

    @activity.defn(name="hub.read_setup")
    async def read_setup(self, order: ReadSetUp) -> SetUp:
        """The contract and what was set up for it, from our own journal."""
        context = order.context
        contract = await self._contracts.read(context.contract_key)
        if contract is None:
            raise NotFound("contract_not_recorded", contract=context.contract_key)
        results = await self._contracts.results(quote_to_cash_id(context.org, context.deal_id))
        return SetUp(
            contract=contract,
            agreement=parsed(Agreement, results.get("billing.subscription")),
            booking=parsed(Booking, results.get("erp.booking")),
            entitlement=parsed(Entitlement, results.get("entitlement.grant")),
        )
