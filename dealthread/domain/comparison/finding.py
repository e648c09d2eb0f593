"""Differences with age, likely cause and next step; what a running change explains is said so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, System
from dealthread.domain.comparison.facts import (
    STATE,
    Fact,
    of_biller,
    of_crm,
    of_entitlement,
    of_erp,
    of_subscribers,
)
from dealthread.domain.comparison.seen import BilledState, SystemsSay
from dealthread.domain.comparison.standing import ContractStanding, Told
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import Grant


class Cause(StrEnum):
    """Why a system may say something else."""

    RUN = "run_under_way"
    CASE = "case_open"
    WRITE = "write_unknown"
    EVENT = "event_not_delivered"
    BY_HAND = "changed_by_hand"


class StateDifference(Carried):
    """One field that one system tells otherwise than the version that stands here."""

    contract_key: str
    system: System
    name: str = ""
    """Which subscriber."""
    record: str = ""
    field: str
    wanted: str
    found: str
    values: dict[str, str] = {}
    """What every system says that holds the field; `hub` is what stands here."""
    since: AwareDatetime
    """Business time: when it was first seen, or before that, when the record was last written to
    where the system says so."""
    seen_at: AwareDatetime
    """When a look first found it: what began after that does not explain it."""
    cause: Cause
    detail: str
    is_explained: bool
    next_step: str

    @property
    def same(self) -> tuple[str, str, str, str]:
        """What makes it the same difference at the next look."""
        return (self.system, self.name, self.record, self.field)


class Unread(Carried):
    """A system that did not answer: nothing can be said of it, neither equal nor different."""

    system: System
    account: str = ""
    code: str


class ComparedBy(StrEnum):
    """What of a customer-success system was compared."""

    HELD = "held"
    """What it holds itself, as it was read."""
    CONFIRMED = "confirmed"
    """What it was told and confirmed: it has no look-up, or did not answer."""


class ContractFinding(Carried):
    """What one look at one contract came to."""

    contract_key: str
    customer_key: str
    seller: str
    state: ContractState
    version: int
    differences: tuple[StateDifference, ...] = ()
    unread: tuple[Unread, ...] = ()
    subscribers: dict[str, ComparedBy] = {}
    """By which each customer-success system was compared."""

    @property
    def unexplained(self) -> tuple[StateDifference, ...]:
        """Those that nothing under way accounts for."""
        return tuple(one for one in self.differences if not one.is_explained)


def found_of(
    standing: ContractStanding,
    rights: tuple[Grant, ...],
    said: SystemsSay,
    now: datetime,
    known: Sequence[StateDifference] = (),
    *,
    has_moved: bool = False,
) -> ContractFinding:
    """One contract beside what was read. `known` are the differences of the last look, for their
    age; `has_moved`: something of it changed here while the systems were read."""
    unread = tuple(unread_of(standing, said))
    facts = tuple(_facts(standing, rights, said, now.date()))
    then = {one.same: one for one in known}
    return ContractFinding(
        contract_key=standing.key,
        customer_key=standing.contract.customer_key,
        seller=standing.contract.seller,
        state=standing.state,
        version=standing.contract.version,
        differences=tuple(
            _difference(standing, fact, facts, now, then, has_moved)
            for fact in facts
            if fact.differs
        ),
        unread=unread,
        subscribers=_compared_by(standing, said),
    )


def unread_of(standing: ContractStanding, said: SystemsSay) -> Iterable[Unread]:
    """Systems that would have to say something of the contract and could not be read."""
    contract = standing.contract
    if said.crm.unread:
        yield Unread(system=System.CRM, account=contract.org, code=said.crm.unread)
    for agreement in said.agreements:
        if agreement.contract_key == standing.key and agreement.unread:
            account = contract.billing_account
            yield Unread(system=System.BILLING, account=account, code=agreement.unread)
    codes = {one.unread for one in said.bookings if one.contract_key == standing.key and one.unread}
    for code in sorted(codes):
        ledger = f"{contract.erp}.{contract.erp_company}"
        yield Unread(system=System.ERP, account=ledger, code=code)
    for one in said.entitlements:
        if one.contract_key == standing.key and one.unread:
            yield Unread(system=System.ENTITLEMENT, code=one.unread)
    for held in said.held:
        if held.contract_key == standing.key and held.unread:
            yield Unread(system=System.CUSTOMER_SUCCESS, account=held.subscriber, code=held.unread)


def _compared_by(standing: ContractStanding, said: SystemsSay) -> dict[str, ComparedBy]:
    read = {
        one.subscriber for one in said.held if one.contract_key == standing.key and not one.unread
    }
    return {
        one.subscriber: ComparedBy.HELD if one.subscriber in read else ComparedBy.CONFIRMED
        for one in standing.told
    }


def _facts(
    standing: ContractStanding, rights: tuple[Grant, ...], said: SystemsSay, today: date
) -> Iterable[Fact]:
    if standing.state is ContractState.PENDING:
        # Not accepted yet: its run is what is looked at (`dealthread show`).
        return
    if not said.crm.unread:
        records = {one.contract_key: one for one in said.crm.records}
        yield from of_crm(standing, records.get(standing.key))
    for agreement in said.agreements:
        if agreement.contract_key == standing.key and not agreement.unread:
            yield from of_biller(standing, agreement.agreement, today)
    own = tuple(one for one in said.bookings if one.contract_key == standing.key)
    yield from of_erp(standing, own)
    for one in said.entitlements:
        if one.contract_key == standing.key and not one.unread:
            yield from of_entitlement(standing, rights, one.entitlement, today)
    held = [one for one in said.held if one.contract_key == standing.key]
    yield from of_subscribers(standing, held)


def _difference(
    standing: ContractStanding,
    fact: Fact,
    facts: Sequence[Fact],
    now: datetime,
    then: dict[tuple[str, str, str, str], StateDifference],
    has_moved: bool,
) -> StateDifference:
    before = then.get((fact.system, fact.name, fact.record, fact.field))
    # Another value than at the last look is another difference.
    seen = before.seen_at if before is not None and before.found == fact.found else now
    since = min(seen, fact.changed_at) if fact.changed_at is not None else seen
    cause, detail, next_step = _cause(standing, fact, seen, has_moved)
    return StateDifference(
        contract_key=standing.key,
        system=fact.system,
        name=fact.name,
        record=fact.record,
        field=fact.field,
        wanted=fact.wanted,
        found=fact.found,
        values=_values(fact, facts),
        since=since,
        seen_at=seen,
        cause=cause,
        detail=detail,
        is_explained=cause is not Cause.BY_HAND,
        next_step=next_step,
    )


def _values(fact: Fact, facts: Sequence[Fact]) -> dict[str, str]:
    said = {"hub": fact.wanted}
    for one in facts:
        if one.field == fact.field:
            name = ":".join(filter(None, (one.system, one.name)))
            held = said.get(name)
            said[name] = one.found if held in (None, one.found) else f"{held}, {one.found}"
    return said


def _cause(
    standing: ContractStanding, fact: Fact, seen: datetime, has_moved: bool
) -> tuple[Cause, str, str]:
    """What was there before a run or a case began is not explained by it."""
    for run in standing.runs:
        if run.began_at <= seen:
            case = next((c for c in standing.cases if c.business_key == run.business_key), None)
            if case is not None:
                return _decide(case.case_id, case.kind)
            detail = f"{run.business_key} is at {run.stage}"
            return Cause.RUN, detail, f"wait for it: dealthread trace {run.business_key}"
    if has_moved:
        show = f"dealthread contracts check {standing.key}"
        return Cause.RUN, "the contract changed while the systems were read", f"look again: {show}"
    for case in standing.cases:
        if case.opened_at <= seen:
            return _decide(case.case_id, case.kind)
    for write in standing.unknown:
        if write.system == fact.system and write.sent_at <= seen:
            detail = f"nobody knows whether {write.step} of {write.business_key} took effect"
            return Cause.WRITE, detail, "dealthread uncertain"
    if fact.system is System.CUSTOMER_SUCCESS:
        return _not_told(standing, fact)
    return Cause.BY_HAND, _by_hand(fact), _mend(standing, fact)


def _decide(case_id: str, kind: str) -> tuple[Cause, str, str]:
    return Cause.CASE, f"{case_id} ({kind}) is open", f"dealthread cases show {case_id}"


def _not_told(standing: ContractStanding, fact: Fact) -> tuple[Cause, str, str]:
    told = next(one for one in standing.told if one.subscriber == fact.name)
    if told.waiting:
        answer = f", last answer: {told.answer}" if told.answer else ""
        detail = f"{told.waiting} {told.event_id} is not delivered{answer}"
        return Cause.EVENT, detail, f"dealthread events show {told.event_id}"
    if fact.is_held and _was_told(standing, told):
        return Cause.BY_HAND, _by_hand(fact), _mend(standing, fact)
    detail = "it has confirmed everything that it was sent, and was told another state"
    return Cause.BY_HAND, detail, f"dealthread events list --key {standing.key}"


def _was_told(standing: ContractStanding, told: Told) -> bool:
    """Whether the last that a subscriber confirmed is what stands here."""
    version = told.version in (None, standing.contract.version)
    return version and told.state == standing.state


def _by_hand(fact: Fact) -> str:
    when = (
        f"; its record was last written to at {fact.changed_at.isoformat()}"
        if fact.changed_at is not None
        else ""
    )
    return f"no change of ours is under way: changed in the system itself{when}"


_NOT_BACK = {
    BilledState.INCOMPLETE: "its first payment was not made, and it lapses soon: have it paid",
    BilledState.ENDED: "an agreement that is over does not begin again: sell it anew",
}
"""What nobody can put back at the biller, and what can be done."""


def _mend(standing: ContractStanding, fact: Fact) -> str:
    if fact.system is System.BILLING and fact.field == STATE:
        for found, what in _NOT_BACK.items():
            if fact.found == found:
                return f"{what}, or end the contract: dealthread contracts cancel {standing.key}"
    if fact.system is System.CUSTOMER_SUCCESS:
        return (
            f"put {fact.field} in {fact.name} back to {fact.wanted}, or send it the news again: "
            f"dealthread events replay {fact.name} --key {standing.key} --type contract.*"
        )
    where = " ".join(filter(None, (_CALLED[fact.system], fact.record)))
    return (
        f"put {fact.field} of {where} back to {fact.wanted}, or make it a change of the contract: "
        f"dealthread contracts show {standing.key}"
    )


_CALLED = {
    System.CRM: "the CRM's contract",
    System.BILLING: "the biller's agreement",
    System.ERP: "the ERP's order",
    System.ENTITLEMENT: "the entitlement",
}
