"""What people are asked about a change: a rule that stops it, an approval, a bill that differs."""

from __future__ import annotations

from activities.change_inputs import AssessedChange
from dealthread.domain.case import DecisionKind
from dealthread.saga import SagaStopped
from workflows.desk import CaseDesk


async def ask_about_rule(desk: CaseDesk, change: AssessedChange) -> None:
    """Until the change is to be read again. Raises SagaStopped where it is given up."""
    first = change.stopping[0]
    decision = await desk.ask(
        first.case_kind,
        "assess",
        code=first.value,
        summary=f"{first.field}: {first.message}",
        evidence={
            f"{finding.rule} {finding.field}": f"{finding.value}: {finding.message}"
            for finding in change.stopping
        },
        allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
        at_risk=change.at_risk,
    )
    if decision.decision is DecisionKind.ABORT:
        raise SagaStopped("assess")


async def ask_for_approval(desk: CaseDesk, change: AssessedChange) -> None:
    """Until a second person approves. Raises SagaStopped where it is rejected."""
    decision = await desk.ask(
        "deal.approval",
        "assess",
        code="approval",
        summary="Approval needed: "
        + "; ".join(f"{reason.rule} {reason.detail}" for reason in change.approvals),
        evidence={reason.rule: f"{reason.field}: {reason.detail}" for reason in change.approvals},
        allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
        at_risk=change.at_risk,
    )
    if decision.decision is not DecisionKind.APPROVE:
        raise SagaStopped("assess")


async def ask_about_bill(desk: CaseDesk, difference: str, change: AssessedChange) -> None:
    """What was billed is not what was previewed: a person says why that may stand, or has a
    credit asked for as a change of its own."""
    await desk.ask(
        "billing.preview_not_kept",
        "billing",
        code="bill_differs_from_preview",
        summary=f"The bill differs from its preview: {difference}",
        evidence={"difference": difference},
        allowed=(DecisionKind.RETRY,),
        at_risk=change.at_risk,
    )
