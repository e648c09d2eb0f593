"""Every event type: what its data is, when it is told, who owns it in the business."""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.domain.event_data import cash, contract, operations, revenue, service
from dealthread.domain.event_data.base import EventData, OfContract
from dealthread.domain.events import EventType


@dataclass(frozen=True)
class Told:
    """One row of the catalogue."""

    data: type[EventData]
    when: str
    owner: str


_SALES, _SUCCESS = "sales operations", "customer success"
_BILLING, _ACCOUNTING = "billing", "accounting"
_SUPPORT, _RENEWALS = "support", "renewals"

CATALOGUE: dict[EventType, Told] = {
    EventType.OPPORTUNITY_CLOSED: Told(
        contract.OpportunityClosed,
        "a won deal passed all rules and is approved where that is needed",
        _SALES,
    ),
    EventType.CONTRACT_ACTIVATED: Told(
        contract.ContractEntered, "every system holds the contract and it has begun", _SALES
    ),
    EventType.CONTRACT_SCHEDULED: Told(
        contract.ContractEntered, "every system holds the contract; its start lies ahead", _SALES
    ),
    EventType.CONTRACT_WITHDRAWN: Told(
        contract.ContractOver, "a deal whose start was told is undone", _SALES
    ),
    EventType.CONTRACT_ENDED: Told(
        contract.ContractOver, "the term is over and nothing follows", _SALES
    ),
    EventType.CONTRACT_AMENDED: Told(
        contract.ContractChanged, "an amendment is in every system", _SALES
    ),
    EventType.CONTRACT_CHANGE_SCHEDULED: Told(
        contract.ChangeScheduled, "an accepted change waits for its day", _SALES
    ),
    EventType.CONTRACT_CHANGE_WITHDRAWN: Told(
        contract.ContractChanged, "a scheduled change was taken back", _SALES
    ),
    EventType.CONTRACT_RENEWED: Told(
        contract.ContractChanged, "a further term is in every system", _RENEWALS
    ),
    EventType.CONTRACT_CANCELLED: Told(
        contract.ContractChanged, "a cancellation is in every system", _SALES
    ),
    EventType.RENEWAL_DUE: Told(
        contract.ContractChanged, "the notice of a renewal is due, with its price", _RENEWALS
    ),
    EventType.RENEWAL_DECLINED: Told(
        contract.ContractChanged, "a renewal was refused in time", _RENEWALS
    ),
    EventType.RENEWAL_RISK_RAISED: Told(
        contract.RenewalRiskRaised, "a signal puts the next term in doubt", _RENEWALS
    ),
    EventType.SUBSCRIPTION_STARTED: Told(
        contract.SubscriptionStarted, "the biller holds an agreement that can bill", _BILLING
    ),
    EventType.ENTITLEMENT_GRANT: Told(
        service.EntitlementGrant, "the entitlement service is asked to grant", _SUPPORT
    ),
    EventType.ENTITLEMENT_REVOKE: Told(
        OfContract, "the entitlement service is asked to revoke", _SUPPORT
    ),
    EventType.ENTITLEMENT_SUSPEND: Told(
        service.EntitlementHold, "the entitlement service is asked to put on a hold", _SUPPORT
    ),
    EventType.ENTITLEMENT_RESTORE: Told(
        service.EntitlementHold, "the entitlement service is asked to lift a hold", _SUPPORT
    ),
    EventType.ENTITLEMENT_ACTIVATED: Told(
        service.EntitlementActivated, "the entitlement service confirmed access", _SUPPORT
    ),
    EventType.ENTITLEMENT_CHANGED: Told(
        service.EntitlementChanged,
        "access was amended, suspended, restored or revoked",
        _SUPPORT,
    ),
    EventType.CASE_OPENED: Told(
        service.CaseOpened, "something waits for a person", "revenue operations"
    ),
    EventType.CASE_ESCALATED: Told(
        service.CaseEscalated, "a decision is overdue", "revenue operations"
    ),
    EventType.ACCOUNT_UPDATED: Told(
        service.AccountUpdated,
        "a deal brought a customer's record in a system up to date",
        "customer data",
    ),
    EventType.INVOICE_ISSUED: Told(cash.InvoiceIssued, "a legal invoice exists", _BILLING),
    EventType.INVOICE_POSTED: Told(
        cash.InvoicePosted, "the invoice stands in the ledger", _ACCOUNTING
    ),
    EventType.PAYMENT_SUCCEEDED: Told(
        cash.PaymentSucceeded, "a payment is confirmed by the processor", _BILLING
    ),
    EventType.PAYMENT_FAILED: Told(cash.PaymentFailed, "an attempt to collect failed", _BILLING),
    EventType.PAYMENT_SETTLED: Told(
        cash.PaymentSettled,
        "the money of a payout is in the bank, and of each payment",
        _ACCOUNTING,
    ),
    EventType.CREDIT_MEMO_CREATED: Told(
        cash.CreditMemoCreated, "a credit memo exists and names its invoice", _BILLING
    ),
    EventType.DISPUTE_OPENED: Told(
        cash.DisputeOpened, "a payer's bank takes a payment back", "collections"
    ),
    EventType.DISPUTE_CLOSED: Told(
        cash.DisputeClosed, "a dispute was won, lost or came to nothing", "collections"
    ),
    EventType.REVENUE_RECOGNISED: Told(
        revenue.RevenueRecognised, "an entry of a month's recognised revenue is posted", _ACCOUNTING
    ),
    EventType.REVENUE_REVERSED: Told(
        revenue.RevenueReversed, "such an entry was reversed", _ACCOUNTING
    ),
    EventType.PERIOD_CLOSED: Told(
        revenue.PeriodClosed, "a company's month was signed and closed in the ledger", _ACCOUNTING
    ),
    EventType.COLLECTIONS_STARTED: Told(
        cash.CollectionsStarted, "pursuit of an overdue invoice begins", "collections"
    ),
    EventType.COLLECTIONS_CHANGED: Told(
        cash.CollectionsChanged,
        "a stage of the pursuit is reached, or it is paused or resumed",
        "collections",
    ),
    EventType.COLLECTIONS_ENDED: Told(
        cash.CollectionsEnded, "pursuit of an invoice is over", "collections"
    ),
    EventType.USAGE_THRESHOLD_BREACHED: Told(
        cash.UsageThresholdBreached, "usage crossed a threshold, once a period", _SUCCESS
    ),
    EventType.ONBOARDING_MILESTONE_REACHED: Told(
        service.OnboardingMilestoneReached,
        "a step of taking a customer in is done: a service is accepted",
        _SUCCESS,
    ),
    EventType.SERVICE_STATUS_CHANGED: Told(
        service.ServiceStatusChanged, "what a contract's customer receives has changed", _SUPPORT
    ),
    EventType.CIRCUIT_OPENED: Told(
        operations.CircuitOpened, "a vendor is away: what is meant for it waits", "operations"
    ),
    EventType.CIRCUIT_CLOSED: Told(
        operations.CircuitClosed, "work for that vendor flows again", "operations"
    ),
}
