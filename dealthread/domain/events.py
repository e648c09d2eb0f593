"""Business events as CloudEvents 1.0: named, versioned, told once by the outbox.

An event's `id` is derived from the act it tells, so that telling it again is recognised.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from dealthread.domain.base import Carried


class EventType(StrEnum):
    CONTRACT_ACTIVATED = "dealthread.contract.activated.v1"
    CONTRACT_SCHEDULED = "dealthread.contract.scheduled.v1"
    CONTRACT_WITHDRAWN = "dealthread.contract.withdrawn.v1"
    CONTRACT_ENDED = "dealthread.contract.ended.v1"
    CONTRACT_AMENDED = "dealthread.contract.amended.v1"
    CONTRACT_CHANGE_SCHEDULED = "dealthread.contract.change_scheduled.v1"
    CONTRACT_CHANGE_WITHDRAWN = "dealthread.contract.change_withdrawn.v1"
    CONTRACT_RENEWED = "dealthread.contract.renewed.v1"
    CONTRACT_CANCELLED = "dealthread.contract.cancelled.v1"
    RENEWAL_DUE = "dealthread.renewal.due.v1"
    RENEWAL_DECLINED = "dealthread.renewal.declined.v1"
    SUBSCRIPTION_STARTED = "dealthread.subscription.started.v1"
    ENTITLEMENT_GRANT = "dealthread.entitlement.grant.v1"
    ENTITLEMENT_REVOKE = "dealthread.entitlement.revoke.v1"
    ENTITLEMENT_SUSPEND = "dealthread.entitlement.suspend.v1"
    ENTITLEMENT_RESTORE = "dealthread.entitlement.restore.v1"
    CASE_OPENED = "dealthread.case.opened.v1"
    CASE_ESCALATED = "dealthread.case.escalated.v1"
    OPPORTUNITY_CLOSED = "dealthread.opportunity.closed.v1"
    ACCOUNT_UPDATED = "dealthread.account.updated.v1"
    INVOICE_ISSUED = "dealthread.invoice.issued.v1"
    INVOICE_POSTED = "dealthread.invoice.posted.v1"
    PAYMENT_SUCCEEDED = "dealthread.payment.succeeded.v1"
    PAYMENT_FAILED = "dealthread.payment.failed.v1"
    PAYMENT_SETTLED = "dealthread.payment.settled.v1"
    CREDIT_MEMO_CREATED = "dealthread.credit_memo.created.v1"
    DISPUTE_OPENED = "dealthread.dispute.opened.v1"
    DISPUTE_CLOSED = "dealthread.dispute.closed.v1"
    REVENUE_RECOGNISED = "dealthread.revenue.recognised.v1"
    REVENUE_REVERSED = "dealthread.revenue.reversed.v1"
    PERIOD_CLOSED = "dealthread.period.closed.v1"
    COLLECTIONS_STARTED = "dealthread.collections.started.v1"
    COLLECTIONS_CHANGED = "dealthread.collections.changed.v1"
    COLLECTIONS_ENDED = "dealthread.collections.ended.v1"
    USAGE_THRESHOLD_BREACHED = "dealthread.usage_threshold.breached.v1"
    ENTITLEMENT_ACTIVATED = "dealthread.entitlement.activated.v1"
    ENTITLEMENT_CHANGED = "dealthread.entitlement.changed.v1"
    ONBOARDING_MILESTONE_REACHED = "dealthread.onboarding_milestone.reached.v1"
    RENEWAL_RISK_RAISED = "dealthread.renewal_risk.raised.v1"
    SERVICE_STATUS_CHANGED = "dealthread.service_status.changed.v1"
    CIRCUIT_OPENED = "dealthread.circuit.opened.v1"
    CIRCUIT_CLOSED = "dealthread.circuit.closed.v1"


class BusinessEvent(Carried):
    """One thing that happened to a contract. `data` holds keys, codes, amounts and dates only."""

    id: str
    type: EventType
    subject: str
    time: AwareDatetime
    data: dict[str, JsonValue]

    def cloud_event(self) -> dict[str, JsonValue]:
        """The body subscribers receive."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": "dealthread",
            "type": self.type.value,
            "subject": self.subject,
            "time": self.time.isoformat(),
            "datacontenttype": "application/json",
            "data": self.data,
        }
