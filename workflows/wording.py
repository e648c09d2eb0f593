"""What an operator reads in the Temporal UI: Markdown, in words, with the command to act."""

from __future__ import annotations

from dealthread.domain.contract import Contract
from dealthread.domain.transaction import SagaStatus, StepState

_MARKS = {
    StepState.DONE: "✔",
    StepState.RUNNING: "▶",
    StepState.STUCK: "⛔",
    StepState.SKIPPED: "–",
    StepState.UNDOING: "↩",
    StepState.UNDONE: "↩ undone",
    StepState.PENDING: "·",
}


def current_details(status: SagaStatus, contract: Contract | None, customer: str) -> str:
    """Who, what, where it stands, what is stuck, and what to type."""
    lines = []
    if contract is not None:
        until = f"to before {contract.end_date}" if contract.end_date else "without end"
        lines.append(
            f"**{customer or contract.customer_key}** · {contract.tcv()} · {contract.seller} · "
            f"{contract.start_date} {until}"
        )
    lines.append(f"**Stands at:** {status.headline}")
    if status.case_id:
        lines.append(
            f"**Waits for:** {status.waiting_for} — `dealthread cases show {status.case_id}`"
        )
    lines.append("")
    for step in status.steps:
        pivot = " **(pivot)**" if step.pivot else ""
        detail = f" — {step.detail}" if step.detail else ""
        lines.append(f"- {_MARKS[step.state]} {step.title}{pivot}{detail}")
    if status.pivot_crossed:
        lines += ["", "The pivot is crossed: this run only goes forward."]
    return "\n".join(lines)
