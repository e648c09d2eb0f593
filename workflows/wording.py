"""What an operator reads in the Temporal UI: Markdown, in words, with the command to act."""

from __future__ import annotations

from dealthread.domain.case import Case
from dealthread.domain.contract import Contract
from dealthread.domain.transaction import SagaContext, SagaStatus, StepRecord, StepState

QUOTE_TO_CASH = {
    "deal": "Read the deal",
    "assess": "Validate, price, approve",
    "booking": "Customer and draft booking in the ERP",
    "billing": "Start the billing agreement",
    "release": "Release the first invoice",
    "entitlement": "Turn the service on",
    "confirm": "Confirm the ERP booking",
    "crm": "Write the contract back to the CRM",
}
"""Steps of QuoteToCash in order, as people read them."""

ADOPTION = {
    "setup": "Read the contract that was adopted",
    "billing": "Our references at the biller",
    "ledger": "Our references in the ledger",
    "crm": "The CRM shows the contract",
}
"""Steps of the adoption of one contract."""

_CHANGE = {
    "assess": "Read, validate, preview, approve",
    "booking": "Draft the adjustment of the booking",
    "billing": "Change the agreement at the biller",
    "entitlement": "Change the entitlement",
    "confirm": "Confirm the adjustment",
    "crm": "Tell the CRM, record the new version",
}
AMENDMENT = {
    "assess": "Read, validate, preview, approve",
    "regional": "Contracts of other legal entities",
    **_CHANGE,
}
CANCELLATION = _CHANGE | {
    "billing": "End the agreement at the biller, credit what is unused",
    "entitlement": "End the entitlement",
}
RENEWAL = _CHANGE | {
    "assess": "Price the next term, validate, preview, approve",
    "booking": "Draft the booking of the next term",
    "billing": "Let the next term follow at the biller",
    "confirm": "Confirm the booking of the next term",
}
INVOICE_TO_CASH = {
    "read": "Read the bill back from the biller",
    "post": "Post the invoice to the ledger",
    "single": "Take it out of its summary, and post it by itself",
    "credit": "Post the credits that name it",
    "apply": "Apply what was paid",
    "crm": "Show in the CRM where it stands",
}
POSTING_SUMMARY = {
    "members": "Read its invoices back from the biller; what is not paid is sent back",
    "post": "Post them to the ledger as one invoice of the control customer",
    "pay": "Apply what the cards paid",
}
CASH_RECEIPT = {
    "match": "Whose money it is, and for which invoices",
    "receive": "Post it to the ledger: bank against unapplied cash",
    "apply": "Record it at the biller on each invoice that it pays",
}
COLLECTIONS = {
    "read": "Read the invoice back from the biller",
    "open": "Open the pursuit",
    "suspend": "Suspend the entitlement",
    "record": "Tell customer, customer success and support where it stands",
    "crm": "Show in the CRM where it stands",
    "decide": "A person decides what becomes of the claim",
}
INVOICE_CREDIT = {
    "assess": "Read the bill, check, preview, approve",
    "credit": "Issue the credit note at the biller",
    "ledger": "The ledger and the CRM follow",
}
WRITE_OFF = {
    "assess": "Read the bill, check, get it approved",
    "mark": "Mark the invoice as uncollectible at the biller",
    "ledger": "Write it off in the ledger: expense and tax",
}
RECOVERY = {
    "read": "Read the invoice back from the biller",
    "ledger": "Reverse the write-off: it is paid after all",
}
DISPUTE = {
    "read": "Read the dispute back from the biller",
    "opened": "Post what was taken",
    "tell": "Tell customer success",
    "crm": "Show in the CRM that the payment is disputed",
    "decide": "A person decides whether evidence is given",
    "closed": "Post how it ended",
    "reopen": "Open the receivable again",
    "remainder": "Apply what is left of the payment",
    "claim": "A person decides what becomes of the claim",
}
PAYOUT = {
    "read": "Read the payout back from the biller, with what moved in it",
    "post": "Post it: bank, fees and clearing account",
    "return": "Post that it came back",
    "tell": "Tell of each payment that its money is in the bank",
}
RECOGNITION = {
    "plan": "Work out what the month owes",
    "post": "Post the entries of recognised revenue",
    "late": "Revenue of closed periods",
    "reverse": "Reverse the entries",
}
CLOSE = {
    "cut_off": "The month is over and open",
    "revenue": "Recognise the month's revenue",
    "check": "The owners' figures tie",
    "sign": "A second person signs",
    "close": "Close the ledger's month",
    "record": "Keep that it is closed",
}
RENEWAL_NOTICE = {
    "assess": "Price the next term",
    "crm": "Announce the renewal in the CRM and to subscribers",
}
RESCISSION = {
    "setup": "Read what was set up, get it approved",
    "billing": "Cancel the agreement before its first invoice",
    "entitlement": "Revoke the entitlement",
    "booking": "Cancel the draft booking",
    "crm": "Tell the CRM that the deal was withdrawn",
}
TAX_RATE = {
    "rates": "Work out which tax rates are billed from the day on",
    "billing": "The agreement at the biller bears them",
}
TERM_END = {
    "setup": "Read the contract",
    "crm": "Tell the CRM that the term is over",
    "service": "Tell what the customer receives",
}
"""Steps of the sagas in order, as people read them."""

_MARKS = {
    StepState.DONE: "✔",
    StepState.RUNNING: "▶",
    StepState.STUCK: "⛔",
    StepState.SKIPPED: "–",
    StepState.UNDOING: "↩",
    StepState.UNDONE: "↩ undone",
    StepState.PENDING: "·",
}


_BUSY = (StepState.RUNNING, StepState.STUCK, StepState.UNDOING)


def saga_status(
    context: SagaContext, steps: tuple[StepRecord, ...], case: Case | None, pivot_crossed: bool
) -> SagaStatus:
    """Where a run stands: what it does, or what it waits for and who must act."""
    busy = next((step for step in steps if step.state in _BUSY), None)
    return SagaStatus(
        business_key=context.business_key,
        generation=context.generation,
        contract_key=context.contract_key,
        stage=busy.name if busy else "",
        headline=case.summary if case else (busy.title if busy else "done"),
        steps=steps,
        waiting_for=case.queue if case else "",
        case_id=case.case_id if case else "",
        case_version=case.version if case else 0,
        pivot_crossed=pivot_crossed,
    )


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
