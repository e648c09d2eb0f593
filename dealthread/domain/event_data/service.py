"""Data of events about entitlements, customers, service and cases."""

from __future__ import annotations

from datetime import date

from dealthread.domain.event_data.base import Amount, EventData, OfContract


class GrantTold(EventData):
    """What one line of a contract opens."""

    line_key: str
    template: str
    quantity: Amount
    access_from: date
    access_to: date | None
    """First day without access; none means open-ended."""


class EntitlementGrant(OfContract):
    """All lines of a contract, replacing what was granted before."""

    customer_key: str
    grants: tuple[GrantTold, ...]


class EntitlementHold(OfContract):
    """One hold on an entitlement: suspended while there is any."""

    hold_id: str
    reason: str


class EntitlementActivated(OfContract):
    """The service confirmed that the customer may use it."""

    customer_key: str
    entitlement: str
    active_from: date


class EntitlementChanged(OfContract):
    """State or content of an entitlement changed: amended, suspended, restored or revoked."""

    customer_key: str
    entitlement: str
    change: str
    effective_from: date


class AccountUpdated(EventData):
    """A customer's record changed in the systems; the fields are named, their values are not."""

    customer_key: str
    system: str
    changed_fields: tuple[str, ...]


class OnboardingMilestoneReached(OfContract):
    """A step of taking a customer in was reached: `service_accepted:<obligation>`, a service that
    was sold with the contract is accepted."""

    customer_key: str
    milestone: str
    reached_on: date


class ServiceStatusChanged(OfContract):
    """The state of the service a customer receives: active, degraded, suspended or ended."""

    customer_key: str
    status: str
    previous_status: str
    reason: str


class CaseOpened(EventData):
    """Something waits for a person."""

    case_id: str
    kind: str
    queue: str


class CaseEscalated(EventData):
    """A decision is overdue: 1 with the queue's lead, 2 with the named executive."""

    case_id: str
    queue: str
    level: int
