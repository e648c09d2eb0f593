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
    """A customer's record at the biller or in the ERP was brought up to date. The fields are named
    as in the ownership table, or `in_use` where it had been marked unused; their values are not."""

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
    """What the customer of a contract receives: scheduled, active, suspended or ended, and `none`
    before any of them. `reason` is the act after which it was seen: `granted`, `withdrawn`,
    `contract changed`, `overdue invoice`, `hold lifted`, `first day`, `term over`."""

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
