"""What subscribers hear when a customer has accepted a service that takes him in."""

from __future__ import annotations

from datetime import datetime

from dealthread.domain.event_data.service import OnboardingMilestoneReached
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.hub_recognition import ServiceAcceptance
from dealthread.naming import event_id

ACCEPTED = "service_accepted"


def service_accepted(
    acceptance: ServiceAcceptance, customer_key: str, now: datetime
) -> tuple[BusinessEvent, ...]:
    """Once a service, which the milestone names as the contract does. The evidence stays here: it
    may name people."""
    key = acceptance.contract_key
    data = OnboardingMilestoneReached(
        contract_key=key,
        customer_key=customer_key,
        milestone=f"{ACCEPTED}:{acceptance.obligation}",
        reached_on=acceptance.accepted_on,
    )
    return (
        BusinessEvent(
            id=event_id(f"contract:{key}/accepted/{acceptance.obligation}"),
            type=EventType.ONBOARDING_MILESTONE_REACHED,
            subject=key,
            time=now,
            data=data.told(),
        ),
    )
