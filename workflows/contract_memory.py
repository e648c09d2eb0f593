"""What a contract's workflow carries from rest to rest, and what it tells of itself.

At most 4 kB encoded; larger things live in the store.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import AwareDatetime

from dealthread.domain.base import Carried
from dealthread.domain.contract import ContractState, RenewalKind, RenewalTerms
from dealthread.domain.transaction import (
    ChangeKind,
    ChangeOutcome,
    ChangeRequest,
    ChangeResult,
    Environment,
    RiskLevel,
)
from dealthread.naming import activation_id, renewal_id, renewal_notice_id

KEEP_APPLIED = 20
"""Change ids remembered across rests; older ones are refused by their unique row in the store."""


AFTER_MIDNIGHT = timedelta(minutes=5)
"""What is held for a day runs a little after its beginning: a worker whose clock is behind the
server's must not take it for the day before."""


class HeldChange(Carried):
    """A change that was accepted and waits for its day."""

    request: ChangeRequest
    due_at: AwareDatetime


class ContractMemory(Carried):
    """What a contract carries from rest to rest. At most 4 kB; larger things live in the store."""

    schema_version: int = 1
    contract_key: str
    org: str
    deal_id: str
    state: ContractState = ContractState.PENDING
    environment: Environment = Environment()
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    auto_renew: bool = False
    applied: tuple[str, ...] = ()
    renewal: RenewalTerms | None = None
    """None for contracts accepted before renewals existed: their term ends, nothing more."""
    term_no: int = 1
    announced: bool = False
    """Whether the end of the present term was announced."""
    answered: bool = False
    """Whether it is settled what follows the present term."""
    held: tuple[HeldChange, ...] = ()
    risk: RiskLevel = RiskLevel.LOW


class ContractView(Carried):
    """Answer of the `status` query."""

    contract_key: str
    state: ContractState
    running: str = ""
    queued: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    due_at: AwareDatetime | None = None
    due: str = ""
    """What is due by the calendar."""
    term_no: int = 1
    end_at: AwareDatetime | None = None
    held: tuple[HeldChange, ...] = ()
    risk: RiskLevel = RiskLevel.LOW


class Due(Carried):
    """The next thing that the calendar asks for."""

    at: AwareDatetime
    request: ChangeRequest
    is_held: bool = False


def next_due(memory: ContractMemory) -> Due | None:
    """The earliest of: start, changes held, notice, automatic renewal, end of the term."""
    found = _dues(memory)
    return min(found, key=lambda one: one.at) if found else None


def _dues(memory: ContractMemory) -> list[Due]:
    key = memory.contract_key
    if memory.state is ContractState.SCHEDULED and memory.start_at is not None:
        return [_by_calendar(memory, memory.start_at, ChangeKind.ACTIVATION, activation_id(key))]
    if memory.state is not ContractState.ACTIVE:
        return []
    found = [Due(at=one.due_at, request=one.request, is_held=True) for one in memory.held]
    end, terms = memory.end_at, memory.renewal
    if end is None:
        return found
    if terms is None:
        # Accepted before renewals existed.
        return [] if memory.auto_renew else [_term_end(memory, end)]
    if terms.kind is not RenewalKind.NONE and not memory.answered:
        decide_at = end - timedelta(days=terms.notice_days) + AFTER_MIDNIGHT
        if not memory.announced:
            announce_at = decide_at - timedelta(days=terms.lead_days)
            notice = renewal_notice_id(key, end.date())
            return [*found, _by_calendar(memory, announce_at, ChangeKind.RENEWAL_NOTICE, notice)]
        if terms.kind is RenewalKind.AUTO:
            renewal = renewal_id(key, end.date())
            return [*found, _by_calendar(memory, decide_at, ChangeKind.RENEWAL, renewal)]
        end += timedelta(days=terms.grace_days)
    return [*found, _term_end(memory, end + AFTER_MIDNIGHT)]


def _term_end(memory: ContractMemory, at: AwareDatetime) -> Due:
    # The id of a first term is the one that runs of before renewals carry.
    suffix = "" if memory.term_no == 1 else f":{memory.term_no}"
    return _by_calendar(memory, at, ChangeKind.TERM_END, f"term-end:{memory.contract_key}{suffix}")


def _by_calendar(
    memory: ContractMemory, at: AwareDatetime, kind: ChangeKind, change_id: str
) -> Due:
    return Due(
        at=at,
        request=ChangeRequest(
            change_id=change_id,
            kind=kind,
            org=memory.org,
            deal_id=memory.deal_id,
            requested_by="calendar",
        ),
    )


def remembered(
    memory: ContractMemory, change: ChangeRequest, result: ChangeResult
) -> ContractMemory:
    """What the contract knows after a change."""
    update: dict[str, object] = {"state": result.contract_state}
    if result.outcome is ChangeOutcome.SCHEDULED and result.due_at is not None:
        held = HeldChange(request=change, due_at=result.due_at + AFTER_MIDNIGHT)
        return memory.model_copy(update=update | {"held": (*memory.held, held)})
    update["applied"] = (*memory.applied, f"{change.change_id}#{change.generation}")[-KEEP_APPLIED:]
    completed = result.outcome in (ChangeOutcome.COMPLETED, ChangeOutcome.SCHEDULED)
    if result.start_at is not None:
        update |= {
            "start_at": result.start_at,
            "end_at": result.end_at,
            "auto_renew": result.auto_renew,
            "renewal": result.renewal,
            "term_no": result.term_no,
        }
    if change.kind is ChangeKind.RENEWAL_NOTICE:
        # Announced or given up: the calendar goes on either way.
        update["announced"] = True
    elif change.kind is ChangeKind.RENEWAL:
        renewed = completed and result.term_no > memory.term_no
        update |= {"announced": not renewed, "answered": not renewed}
        if renewed:
            # An answer of the next term's customer is another one's.
            update |= {"risk": RiskLevel.LOW}
    return memory.model_copy(update=update)


def details(view: ContractView, cancels_refused: int) -> str:
    """What an operator reads in the Temporal UI."""
    text = [f"Contract **{view.contract_key}** is **{view.state}**."]
    if view.running:
        text.append(f"Running: `{view.running}`")
    if view.queued:
        text.append("Waiting: " + ", ".join(f"`{change}`" for change in view.queued))
    text += [f"Held until {one.due_at:%Y-%m-%d}: `{one.request.change_id}`" for one in view.held]
    if view.due_at is not None:
        text.append(f"Next by the calendar: {view.due_at:%Y-%m-%d}")
    if cancels_refused:
        text.append(
            "A cancellation of this workflow was refused: it is not a cancellation of the "
            "contract. Ask for the change instead."
        )
    text.append(f"`dealthread show {view.contract_key}`")
    return "\n\n".join(text)
