"""What subscribers hear of a pursuit: begun, changed, over. Each once, by the id of its act."""

from __future__ import annotations

from datetime import datetime

from activities.collections_inputs import RecordPursuit
from dealthread.domain.dunning import GIVEN_UP, PursuitState
from dealthread.domain.event_data.base import EventData
from dealthread.domain.event_data.cash import (
    CollectionsChanged,
    CollectionsEnded,
    CollectionsStarted,
)
from dealthread.domain.event_data.service import EntitlementChanged
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import SagaContext
from dealthread.naming import event_id, idempotency_key


def events_of(order: RecordPursuit, now: datetime) -> tuple[BusinessEvent, ...]:
    """What this telling of the pursuit comes to."""
    context, pursuit = order.context, order.pursuit
    key = idempotency_key(
        context.business_key, context.generation, f"collections-{pursuit.sequence}", "told"
    )
    kind, data = _told(order)
    told = BusinessEvent(
        id=event_id(key), type=kind, subject=pursuit.contract_key, time=now, data=data.told()
    )
    if not order.restored:
        return (told,)
    return (told, access_changed(context, pursuit.customer_key, order.restored, "restored", now))


def _told(order: RecordPursuit) -> tuple[EventType, EventData]:
    pursuit = order.pursuit
    if pursuit.state is PursuitState.CLOSED or pursuit.state in GIVEN_UP:
        return EventType.COLLECTIONS_ENDED, CollectionsEnded(
            contract_key=pursuit.contract_key,
            customer_key=pursuit.customer_key,
            invoice_number=pursuit.invoice_number,
            outcome=pursuit.outcome or pursuit.state,
        )
    owed = {
        "contract_key": pursuit.contract_key,
        "customer_key": pursuit.customer_key,
        "invoice_number": pursuit.invoice_number,
        "currency": pursuit.amount_due.currency,
        "amount_due": str(pursuit.amount_due.amount),
        "due_date": pursuit.due_date,
    }
    if order.is_new:
        return EventType.COLLECTIONS_STARTED, CollectionsStarted.model_validate(owed)
    return EventType.COLLECTIONS_CHANGED, CollectionsChanged.model_validate(
        owed
        | {
            "state": pursuit.state,
            "stage": pursuit.stage,
            "notice": order.notice or "",
            "escalate": order.escalate,
            "suspended": pursuit.suspended,
        }
        | ({"promised_until": pursuit.promised_until} if pursuit.promised_until else {})
    )


def access_changed(
    context: SagaContext, customer_key: str, entitlement: str, change: str, now: datetime
) -> BusinessEvent:
    """The right to use was suspended, or given back."""
    key = idempotency_key(context.business_key, context.generation, f"access-{change}", "told")
    return BusinessEvent(
        id=event_id(key),
        type=EventType.ENTITLEMENT_CHANGED,
        subject=context.contract_key,
        time=now,
        data=EntitlementChanged(
            contract_key=context.contract_key,
            customer_key=customer_key,
            entitlement=entitlement,
            change=change,
            effective_from=now.date(),
        ).told(),
    )
