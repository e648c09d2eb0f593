"""What subscribers hear of a deal on its way: accepted, and that its customer has access."""

from __future__ import annotations

from datetime import datetime

from dealthread.domain.contract import Contract
from dealthread.domain.documents import Entitlement
from dealthread.domain.event_data.base import EventData
from dealthread.domain.event_data.contract import OpportunityClosed
from dealthread.domain.event_data.service import EntitlementActivated
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import SagaContext
from dealthread.naming import event_id, idempotency_key


def opportunity_closed(context: SagaContext, contract: Contract, now: datetime) -> BusinessEvent:
    """A won deal passed all rules. Its amount is the contract's value without tax."""
    value = contract.tcv()
    return _event(
        EventType.OPPORTUNITY_CLOSED,
        "opportunity",
        context,
        OpportunityClosed(
            contract_key=contract.key,
            org=contract.org,
            deal_id=contract.deal_id,
            customer_key=contract.customer_key,
            currency=value.currency,
            amount=str(value.amount),
        ),
        now,
    )


def entitlement_activated(
    context: SagaContext, contract: Contract, granted: Entitlement, now: datetime
) -> BusinessEvent:
    """The service confirmed the grant; access begins with the earliest of its lines."""
    begins = [line.access_from for line in contract.lines if line.entitlement_template]
    return _event(
        EventType.ENTITLEMENT_ACTIVATED,
        "access",
        context,
        EntitlementActivated(
            contract_key=contract.key,
            customer_key=contract.customer_key,
            entitlement=granted.ref.native_id,
            active_from=min(begins, default=contract.start_date),
        ),
        now,
    )


def _event(
    kind: EventType, topic: str, context: SagaContext, data: EventData, now: datetime
) -> BusinessEvent:
    key = idempotency_key(context.business_key, context.generation, topic, "told")
    return BusinessEvent(
        id=event_id(key), type=kind, subject=context.contract_key, time=now, data=data.told()
    )
