"""The two questions an assessment may put to people: what to do about a rule, and approval."""

from __future__ import annotations

from activities.inputs import Assessment
from dealthread.domain.case import Decision, DecisionKind
from workflows.desk import CaseDesk

STEP = "assess"


async def ask_about_rules(desk: CaseDesk, assessment: Assessment) -> Decision:
    """A case of the first rule that stops the deal, with all of them as evidence."""
    first = assessment.stopping[0]
    return await desk.ask(
        first.case_kind,
        STEP,
        code=first.rule,
        summary=f"{first.rule}: {first.message}",
        evidence={
            finding.rule: f"{finding.field} = {finding.value}: {finding.message}"
            for finding in assessment.stopping
        },
        allowed=(DecisionKind.RETRY, DecisionKind.RETRY_WITH, DecisionKind.ABORT),
        at_risk=assessment.at_risk,
    )


async def ask_for_approval(desk: CaseDesk, assessment: Assessment) -> bool:
    """Whether a second person approves what the rules ask approval for."""
    reasons = assessment.approvals
    decision = await desk.ask(
        "deal.approval",
        STEP,
        code="approval",
        summary="Approval needed: " + "; ".join(f"{r.rule} {r.detail}" for r in reasons),
        evidence={reason.rule: f"{reason.field}: {reason.detail}" for reason in reasons},
        allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
    )
    return decision.decision is DecisionKind.APPROVE
