"""Steps on our own store that changes of a contract need: hold, join regional contracts, wait."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity

from activities.change_inputs import AwaitRegional, RecordHeld, RegionalDeals, RegionalOutcome
from dealthread.domain.contract import ContractState
from dealthread.domain.event_data.contract import ChangeScheduled
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.errors import AttemptInFlight, StepRejected
from dealthread.hub import Changes, Contracts
from dealthread.naming import contract_key, event_id, idempotency_key, quote_to_cash_id
from dealthread.ports.clock import BusinessClock

_SETTLED = ("entitled", "booking_confirmed", "completed", "scheduled")
"""Stages of a quote-to-cash from which it can only go forward."""
_STOPPED = (
    ChangeOutcome.COMPENSATED,
    ChangeOutcome.CANCELLED,
    ChangeOutcome.TERMINATED,
    ChangeOutcome.FAILED,
)
_OVER = (ContractState.NEVER_ACTIVATED, ContractState.ENDED)
_LONGEST_PAUSE = 15


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
        """Wait until each regional deal can only go forward, or has stopped. One that is stuck
        waits for a person, so that the pauses grow to a quarter of an hour."""
        stopped = []
        for deal in order.deals:
            stage, outcome = await self._changes.stage_of(quote_to_cash_id(order.context.org, deal))
            if outcome in _STOPPED:
                stopped.append(deal)
            elif outcome is None and stage not in _SETTLED:
                pause = min(activity.info().attempt, _LONGEST_PAUSE)
                raise AttemptInFlight(
                    "regional_deal_still_runs", retry_after=timedelta(minutes=pause)
                )
        return RegionalOutcome(stopped=tuple(stopped))

    @activity.defn(name="hub.regional_left_standing")
    async def regional_left_standing(self, order: AwaitRegional) -> None:
        """The change that asked for them stopped. A contract of another legal entity is not taken
        back from here: each that stands or still runs is named to a person, who cancels it, or
        says that it may stand."""
        org = order.context.org
        standing = []
        for deal in order.deals:
            _, outcome = await self._changes.stage_of(quote_to_cash_id(org, deal))
            state = await self._contracts.state(contract_key(org, deal))
            if outcome not in _STOPPED and state not in _OVER:
                standing.append(deal)
        if standing:
            raise StepRejected(
                "regional_contract_stands",
                case_kind="integration.undo_failed",
                field="regional_deals",
                deals=", ".join(standing),
            )
