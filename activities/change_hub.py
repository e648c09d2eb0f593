"""Steps on our own store that changes of a contract need: hold, join regional contracts, wait."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity

from activities.change_inputs import AwaitRegional, RecordHeld, RegionalDeals, RegionalOutcome
from dealthread.domain.contract import ContractState
from dealthread.domain.event_data.contract import ChangeScheduled
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.errors import AttemptInFlight
from dealthread.hub import Changes, Contracts
from dealthread.naming import contract_key, event_id, idempotency_key, quote_to_cash_id
from dealthread.ports.clock import BusinessClock

_SETTLED = ("entitled", "booking_confirmed", "completed", "scheduled")
"""Stages of a quote-to-cash from which it can only go forward."""
_STOPPED = (ChangeOutcome.COMPENSATED, ChangeOutcome.CANCELLED, ChangeOutcome.TERMINATED)


class ChangeHubActivities:
    """One transaction each."""

    def __init__(self, contracts: Contracts, changes: Changes, clock: BusinessClock) -> None:
        self._contracts = contracts
        self._changes = changes
        self._clock = clock

    @activity.defn(name="hub.record_held")
    async def record_held(self, order: RecordHeld) -> None:
        """Accepted and held until its day; subscribers hear of it."""
        context = order.context
        key = idempotency_key(context.business_key, context.generation, "held", "told")
        state = await self._contracts.state(context.contract_key)
        await self._contracts.record_outcome(
            context,
            ChangeOutcome.SCHEDULED,
            state or ContractState.ACTIVE,
            (
                BusinessEvent(
                    id=event_id(key),
                    type=EventType.CONTRACT_CHANGE_SCHEDULED,
                    subject=context.contract_key,
                    time=self._clock.now(),
                    data=ChangeScheduled(
                        contract_key=context.contract_key,
                        change_id=context.business_key,
                        due_on=order.due_on,
                    ).told(),
                ),
            ),
        )

    @activity.defn(name="hub.join_regional")
    async def join_regional(self, order: RegionalDeals) -> None:
        """Ask for the quote-to-cash of each regional deal; asked before is asked."""
        context = order.context
        keys = []
        for deal in order.deals:
            key = contract_key(context.org, deal)
            keys.append(key)
            await self._changes.claim(
                ChangeRequest(
                    change_id=quote_to_cash_id(context.org, deal),
                    kind=ChangeKind.QUOTE_TO_CASH,
                    org=context.org,
                    deal_id=deal,
                    requested_by=order.requested_by,
                ),
                key,
            )
        await self._changes.join_group((context.contract_key, *keys), context.contract_key)

    @activity.defn(name="hub.await_regional")
    async def await_regional(self, order: AwaitRegional) -> RegionalOutcome:
        """Wait until each regional deal can only go forward, or has stopped."""
        stopped = []
        for deal in order.deals:
            stage, outcome = await self._changes.stage_of(
                quote_to_cash_id(order.context.org, deal), 1
            )
            if outcome in _STOPPED:
                stopped.append(deal)
            elif outcome is None and stage not in _SETTLED:
                raise AttemptInFlight("regional_deal_still_runs", retry_after=timedelta(minutes=1))
        return RegionalOutcome(stopped=tuple(stopped))
