"""Exception cases: what a person must decide, with context, owner and allowed decisions.

Kinds, queues, decisions and service levels follow the table in `docs/operations.md`.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from dealthread.domain.base import Carried
from dealthread.domain.money import Money


class DecisionKind(StrEnum):
    RETRY = "retry"
    RETRY_WITH = "retry_with"
    LINK = "link"
    SKIP = "skip"
    ABORT = "abort"
    APPROVE = "approve"
    REJECT = "reject"
    HAND_OVER = "hand_over"
    """Somebody else pursues the claim: an agency, a court."""
    EXTEND = "extend"
    """More time to pay."""


class CaseState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"


class KindInfo(Carried):
    """What a kind of case is: who owns it, what may be decided, how soon."""

    kind: str
    queue: str
    decisions: tuple[DecisionKind, ...]
    first_decision_within: timedelta
    title: str


_R, _C, _L = DecisionKind.RETRY, DecisionKind.RETRY_WITH, DecisionKind.LINK
_S, _A = DecisionKind.SKIP, DecisionKind.ABORT


def _kind(
    kind: str, queue: str, decisions: tuple[DecisionKind, ...], hours: float, title: str
) -> KindInfo:
    return KindInfo(
        kind=kind,
        queue=queue,
        decisions=decisions,
        first_decision_within=timedelta(hours=hours),
        title=title,
    )


KINDS: dict[str, KindInfo] = {
    info.kind: info
    for info in (
        _kind("deal.invalid_terms", "deal-desk", (_R, _C, _A), 4, "Terms contradict each other"),
        _kind("deal.price_mismatch", "deal-desk", (_R, _C, _A), 4, "The biller's preview differs"),
        _kind("deal.reopened", "deal-desk", (_R, _A), 4, "The deal is no longer won"),
        _kind(
            "deal.approval",
            "deal-desk",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            8,
            "Approval by a second person is needed",
        ),
        _kind(
            "revenue.late",
            "accounting",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            24,
            "Revenue of a closed period",
        ),
        _kind(
            "credit.outside",
            "accounting",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            24,
            "A credit that nobody ordered here",
        ),
        _kind("close.not_ready", "accounting", (_R, _A), 8, "A month cannot be closed yet"),
        _kind(
            "close.sign_off",
            "accounting",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            24,
            "A month waits for its signature",
        ),
        _kind("deal.stuck_before_invoice", "revops", (), 24, "A won deal brings no invoice"),
        _kind("customer.duplicate", "customer-data", (_R, _C, _A), 4, "Likely duplicate customer"),
        _kind("customer.data_missing", "customer-data", (_R, _C, _A), 8, "Customer data missing"),
        _kind(
            "customer.sync_failed", "customer-data", (_R, _A), 24, "A system refused the customer"
        ),
        _kind("catalogue.unmapped", "catalogue", (_R, _C, _A), 4, "A product is mapped nowhere"),
        _kind("catalogue.drift", "catalogue", (_R, _C, _A), 72, "Price book and catalogue differ"),
        _kind("credit.hold", "credit", (_R, _A), 8, "Credit limit or stop"),
        _kind("compliance.screening", "compliance", (_R, _A), 4, "Screening hit or expired"),
        _kind("tax.identifier", "tax", (_R, _C, _A), 8, "Tax identifier invalid"),
        _kind("tax.rejected", "tax", (_R, _C, _L, _A), 4, "Tax code or jurisdiction refused"),
        _kind("tax.difference", "tax", (_R, _A), 24, "Tax differs from expectation"),
        _kind("erp.rejected", "accounting", (_R, _L, _A), 4, "The ERP refused the document"),
        _kind(
            "erp.period_closed", "accounting", (_R, _C, _A), 8, "Posting date in a closed period"
        ),
        _kind("erp.posting_late", "accounting", (), 4, "A posting is late"),
        _kind("erp.amendment_unconfirmed", "accounting", (), 8, "A change waits for the ERP"),
        _kind("erp.unavailable", "integration", (_R, _A), 1, "The ERP does not answer"),
        _kind("usage.not_counted", "billing", (), 4, "Use waits for the biller"),
        _kind("usage.billed_otherwise", "billing", (), 24, "A bill is not what was counted"),
        _kind("billing.rejected", "billing", (_R, _L, _A), 4, "The biller refused the agreement"),
        _kind("billing.draft_stuck", "billing", (_R, _A), 4, "A drafted invoice does not go out"),
        _kind(
            "billing.preview_not_kept", "billing", (_R, _A), 4, "The bill differs from its preview"
        ),
        _kind(
            "erp.manual_document",
            "accounting",
            (_R, _L, _A),
            24,
            "A person keyed what we would post",
        ),
        _kind(
            "cash.unmatched",
            "cash-application",
            (_R, _C, _A),
            24,
            "A payment fits no open invoice",
        ),
        _kind(
            "cash.over_under",
            "cash-application",
            (_R, _C, _A),
            48,
            "A payment is not what is open",
        ),
        _kind(
            "cash.disputed",
            "collections",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            8,
            "A payer's bank takes a payment back",
        ),
        _kind(
            "cash.returned",
            "collections",
            (_R, DecisionKind.HAND_OVER, _A),
            8,
            "A payment that was taken back leaves something to decide",
        ),
        _kind(
            "cash.payout_mismatch",
            "treasury",
            (_R, _A),
            24,
            "A payout is not what moved at the processor",
        ),
        _kind(
            "renewal.notice_unproven", "legal", (_R, _A), 24, "A legal notice is not provably sent"
        ),
        _kind(
            "collections.final_stage",
            "collections",
            (DecisionKind.HAND_OVER, DecisionKind.EXTEND, _A),
            48,
            "The last stage of a pursuit is reached",
        ),
        _kind(
            "entitlement.over_use",
            "customer-success",
            (DecisionKind.APPROVE, DecisionKind.REJECT),
            72,
            "More is used than was licensed",
        ),
        _kind("entitlement.failed", "support", (_R, _A), 0.5, "Entitlement is not confirmed"),
        _kind("crm.rejected", "integration", (_R, _A), 8, "The CRM refused the write-back"),
        _kind("integration.outcome_unknown", "integration", (_R, _L, _A), 1, "An answer was lost"),
        _kind("integration.undo_failed", "integration", (_R,), 1, "An undo did not succeed"),
        _kind("integration.contract_drift", "integration", (_R, _A), 4, "Unknown shape of answer"),
        _kind(
            "reconcile.difference", "accounting", (), 48, "Systems tell one contract differently"
        ),
        _kind("integration.credentials", "integration", (_R, _A), 0.5, "Authentication refused"),
    )
}


class CaseOpening(Carried):
    """What the saga knows when it gets stuck. `case_id`, `run` and `occurrence` make opening
    repeatable."""

    case_id: str
    occurrence: int
    run: str = ""
    """Which execution asks: one under the same id later on has questions of its own."""
    kind: str
    business_key: str
    generation: int
    contract_key: str
    workflow_id: str
    """Who waits for the decision; "" where it is only kept on record."""
    step: str
    code: str
    summary: str
    evidence: dict[str, str] = {}
    blocked_steps: tuple[str, ...] = ()
    allowed: tuple[DecisionKind, ...] = ()
    money_at_risk: Money | None = None
    customer_key: str = ""
    customer_name: str = ""
    legal_entity: str = ""
    region: str = ""
    requested_by: str = ""
    decide_within_seconds: int | None = None
    """Where the time comes from outside: a bank's last day. None: that of the kind."""
    once: bool = False
    """Asked once for ever: a decision that an earlier run got stands."""


class CaseAnswered(Carried):
    """A case that has answered itself: it is closed if it is open, with the reason on record."""

    case_id: str
    note: str


class Case(CaseOpening):
    """An open or decided case as the store holds it."""

    version: int
    state: CaseState
    queue: str
    opened_at: AwareDatetime
    decide_by: AwareDatetime
    decided_at: AwareDatetime | None = None
    decision: DecisionKind | None = None
    decided_by: str = ""
    escalation: int = 0
    """0: with the owner's queue; 1: with its lead, at half the time; 2: with the executive."""


class Decision(Carried):
    """One person's decision on one version of a case."""

    case_id: str
    version: int
    decision: DecisionKind
    actor: str
    role: str = ""
    reason: str = ""
    correction: dict[str, JsonValue] = {}
    """Fields of `corrections.Corrections`."""
    link_to: str = ""
    until: date | None = None
    """Of an extension: the last day of it."""
