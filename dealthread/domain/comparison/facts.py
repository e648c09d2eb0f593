"""What each system has to say of a contract, beside what it says: one fact for each field.

Pure. The words for a state are each system's own; days and ids are compared as they are. A field
that a system does not hold is no fact of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from pydantic import AwareDatetime

from dealthread.domain.base import Frozen, System
from dealthread.domain.comparison.seen import (
    BilledAgreement,
    BilledState,
    CrmContract,
    HeldContract,
    SeenBooking,
    SeenHeld,
)
from dealthread.domain.comparison.standing import ContractStanding
from dealthread.domain.contract import Contract, ContractLine, ContractState
from dealthread.domain.documents import Booking, BookingState, Entitlement, EntitlementState, Grant
from dealthread.domain.span import whole_periods

RECORD, STATE = "record", "state"
START, END, TERM, VERSION, VALUE = "start date", "end date", "term", "version", "value"
SUBSCRIPTION, BOOKING, ENTITLEMENT = "subscription", "booking", "entitlement"
CUSTOMER, ACCOUNT, COMPANY, CONTRACT = "customer", "billing account", "company", "contract"
KEY, TERMS, CURRENCY, HOLDS = "document key", "payment terms", "currency", "holds"
THERE, MISSING, NOTHING = "there", "missing", "none"


class Fact(Frozen):
    """One field of one system. `wanted` follows from the version that stands here."""

    system: System
    field: str
    wanted: str
    found: str
    record: str = ""
    """The system's id of what was read."""
    name: str = ""
    """Which of several systems of a kind: a subscriber."""
    changed_at: AwareDatetime | None = None
    """When the system says that the record was last written to; None where it does not say."""
    is_held: bool = False
    """Of a subscriber: what it holds itself, not what it confirmed."""

    @property
    def differs(self) -> bool:
        """Whether the system says something else than it has to."""
        return self.wanted != self.found


def _of_record(
    system: System, record: str, changed_at: datetime | None = None
) -> Callable[[str, str, str], Fact]:
    """Makes facts of one record: field, what it has to say, what it says."""

    def fact(field: str, wanted: str, found: str) -> Fact:
        return Fact(
            system=system,
            field=field,
            wanted=wanted,
            found=found,
            record=record,
            changed_at=changed_at,
        )

    return fact


# ------------------------------------------------------------ CRM


def of_crm(standing: ContractStanding, seen: CrmContract | None) -> Iterator[Fact]:
    """State, term, value and references of the contract's record."""
    contract, state = standing.contract, standing.state
    accepted = _is_accepted(state)
    if seen is None:
        if accepted:
            yield Fact(system=System.CRM, field=RECORD, wanted=THERE, found=MISSING)
        return

    fact = _of_record(System.CRM, seen.ref.native_id, seen.changed_at)
    if not accepted:
        live = seen.status in (ContractState.ACTIVE, ContractState.SCHEDULED)
        yield fact(STATE, "stopped", seen.status if live else "stopped")
        return
    end = contract.end_date or contract.committed_until
    yield fact(STATE, state, seen.status or NOTHING)
    yield fact(START, _day(contract.start_date), _day(seen.start_date))
    yield fact(END, _day(end), _day(seen.end_date))
    months = _months(contract.start_date, contract.end_date)
    if months is not None:
        yield fact(TERM, f"{months} months", _months_said(seen.term_months))
    yield fact(VERSION, str(contract.version), str(seen.version))
    yield fact(VALUE, _number(standing.value.amount if end else None), _number(seen.total_value))
    yield fact(CUSTOMER, contract.customer_ref.native_id, seen.account_id or NOTHING)
    yield fact(ACCOUNT, contract.billing_account, seen.billing_account or NOTHING)
    yield fact(COMPANY, contract.erp_company, seen.booking_company or NOTHING)
    for field, found, kinds in (
        (SUBSCRIPTION, seen.subscription, ("billing.subscription", "billing.schedule")),
        (BOOKING, seen.booking, ("erp.booking",)),
        (ENTITLEMENT, seen.entitlement, ("entitlement.entitlement",)),
    ):
        known = standing.ids(*kinds)
        # Of several that the contract had, the record may name an earlier one.
        yield fact(field, found if found in known else _first(known), found or NOTHING)


def _months(start: date, end: date | None) -> int | None:
    """Of a term that is whole months; the CRM holds no other."""
    if end is None or end <= start:
        return None
    count, share = whole_periods(start, end, 1)
    return count if count and not share else None


def _months_said(months: int | None) -> str:
    return NOTHING if months is None else f"{months} months"


# ------------------------------------------------------------ biller


def of_biller(
    standing: ContractStanding, seen: BilledAgreement | None, today: date
) -> Iterator[Fact]:
    """State, end, customer, and what is billed for each line on the day."""
    agreement, contract = standing.agreement, standing.contract
    if agreement is None:
        return
    wanted = _billed_state(standing, today)
    asked = (agreement.subscription or agreement.ref).native_id
    if seen is None:
        if wanted is not BilledState.ENDED:
            yield Fact(
                system=System.BILLING, field=RECORD, wanted=THERE, found=MISSING, record=asked
            )
        return

    fact = _of_record(System.BILLING, seen.ref.native_id)
    begins = wanted is BilledState.SCHEDULED and contract.start_date <= today
    # On its first day the biller may be ahead of us: it begins at midnight.
    yield fact(STATE, BilledState.ACTIVE if begins and _bills(seen) else wanted, seen.state)
    known = standing.ids("billing.customer")
    yield fact(CUSTOMER, seen.customer if seen.customer in known else _first(known), seen.customer)
    yield fact(CONTRACT, standing.key, seen.contract_key or NOTHING)
    if wanted is BilledState.ENDED or seen.state is BilledState.ENDED:
        return
    yield fact(END, _day(contract.committed_until or contract.end_date), _day(seen.ends_on))
    lines = _billed_lines(contract, max(today, contract.start_date))
    for key in sorted({*lines, *seen.quantities}):
        line = lines.get(key)
        yield fact(
            quantity_of(key),
            _number(line.quantity if line else None),
            _number(seen.quantities.get(key)),
        )
        if line is not None and key in seen.periods:
            yield fact(f"price of {key}", str(line.net_per_period), str(seen.periods[key]))


def _bills(seen: BilledAgreement) -> bool:
    return seen.state is BilledState.ACTIVE


def _billed_state(standing: ContractStanding, today: date) -> BilledState:
    if standing.state is ContractState.SCHEDULED:
        return BilledState.SCHEDULED
    end = standing.contract.end_date
    if standing.state is ContractState.ACTIVE and (end is None or today < end):
        return BilledState.ACTIVE
    return BilledState.ENDED


def _billed_lines(contract: Contract, day: date) -> dict[str, ContractLine]:
    return {
        line.line_key: line
        for line in contract.lines
        if line.kind == "recurring"
        and line.start_date <= day
        and (line.end_date is None or day < line.end_date)
    }


# ------------------------------------------------------------ ERP


_GONE = (BookingState.CANCELLED, BookingState.REVERSED)


def of_erp(standing: ContractStanding, seen: tuple[SeenBooking, ...]) -> Iterator[Fact]:
    """Each booking beside what the ledger answered when we wrote it last."""
    now = {one.native_id: one for one in seen if not one.unread}
    for then in standing.bookings:
        looked = now.get(then.ref.native_id)
        if looked is not None:
            yield from _booking(then, looked.booking, _is_accepted(standing.state))


def _booking(then: Booking, now: Booking | None, accepted: bool) -> Iterator[Fact]:
    fact = _of_record(System.ERP, then.ref.native_id)
    gone = then.state in _GONE
    if now is None:
        if not gone:
            yield fact(RECORD, THERE, MISSING)
        return
    # What was taken back may be cancelled or reversed: nothing of it counts.
    gone_too = gone and now.state in _GONE
    live = now.state not in _GONE
    yield fact(STATE, now.state if gone_too else then.state, now.state)
    if gone or not live or not accepted:
        return
    yield fact(CUSTOMER, then.customer.native_id, now.customer.native_id)
    yield fact(KEY, then.document_key or NOTHING, now.document_key or NOTHING)
    yield fact(CURRENCY, then.currency, now.currency)
    yield fact(VALUE, str(then.net), str(now.net))
    yield fact(TERMS, then.payment_terms or NOTHING, now.payment_terms or NOTHING)


# ------------------------------------------------------------ entitlement


def of_entitlement(
    standing: ContractStanding,
    wanted: tuple[Grant, ...],
    seen: Entitlement | None,
    today: date,
) -> Iterator[Fact]:
    """State, and each right with its quantity and days. `wanted` follows from the contract."""
    known = standing.ids("entitlement.entitlement")
    if not known:
        # Nothing was ever granted by us: of a contract that was there before, or without rights.
        return
    accepted = _is_accepted(standing.state)
    if seen is None:
        if accepted and wanted:
            yield Fact(system=System.ENTITLEMENT, field=RECORD, wanted=THERE, found=MISSING)
        return

    fact = _of_record(System.ENTITLEMENT, seen.ref.native_id)
    state = _entitled_state(standing, wanted, today) if accepted else EntitlementState.REVOKED
    over = (EntitlementState.REVOKED, EntitlementState.ENDED)
    both_over = state in over and seen.state in over
    yield fact(STATE, seen.state if both_over else state, seen.state)
    yield fact(
        ENTITLEMENT,
        seen.ref.native_id if seen.ref.native_id in known else _first(known),
        seen.ref.native_id,
    )
    if both_over or not accepted:
        return
    yield fact(HOLDS, _listed(standing.holds), _listed(seen.holds))
    rights = {_right(one): one for one in wanted}
    found = {_right(one): one for one in seen.grants}
    for key in sorted({*rights, *found}):
        is_wanted, is_found = rights.get(key), found.get(key)
        name = f"{key[0]} from {key[1]}"
        yield fact(
            quantity_of(name),
            _number(is_wanted.quantity if is_wanted else None),
            _number(is_found.quantity if is_found else None),
        )
        if is_wanted and is_found:
            yield fact(f"end of {name}", _day(is_wanted.access_to), _day(is_found.access_to))
            yield fact(f"template of {name}", is_wanted.template, is_found.template)


def _right(grant: Grant) -> tuple[str, str]:
    return grant.line_key, grant.access_from.isoformat()


def _entitled_state(
    standing: ContractStanding, rights: tuple[Grant, ...], today: date
) -> EntitlementState:
    """As the service says it: by the days of all rights, suspended while anything withholds it."""
    if all(one.access_to is not None and one.access_to <= today for one in rights):
        return EntitlementState.ENDED
    if standing.holds:
        return EntitlementState.SUSPENDED
    begun = any(one.access_from <= today for one in rights)
    return EntitlementState.ACTIVE if begun else EntitlementState.RECORDED


# ------------------------------------------------------------ subscribers


def of_subscribers(standing: ContractStanding, held: Sequence[SeenHeld]) -> Iterator[Fact]:
    """What each subscriber holds of the contract, where it can be read and was; else what it was
    last told of it and confirmed."""
    own = {one.subscriber: one for one in held if not one.unread}
    for told in standing.told:
        if told.subscriber in own:
            yield from _of_held(standing, told.subscriber, own[told.subscriber].contract)
            continue

        def fact(field: str, wanted: str, found: str, name: str = told.subscriber) -> Fact:
            return Fact(
                system=System.CUSTOMER_SUCCESS, field=field, wanted=wanted, found=found, name=name
            )

        yield fact(STATE, standing.state, told.state or NOTHING)
        if told.version is not None:
            yield fact(VERSION, str(standing.contract.version), str(told.version))


def _of_held(
    standing: ContractStanding, name: str, contract: HeldContract | None
) -> Iterator[Fact]:
    def fact(field: str, wanted: str, found: str) -> Fact:
        return Fact(
            system=System.CUSTOMER_SUCCESS,
            field=field,
            wanted=wanted,
            found=found,
            name=name,
            changed_at=None if contract is None else contract.changed_at,
            is_held=True,
        )

    if contract is None:
        yield fact(RECORD, THERE, MISSING)
        return
    yield fact(STATE, standing.state, contract.state)
    if contract.version is not None:
        yield fact(VERSION, str(standing.contract.version), str(contract.version))


# ------------------------------------------------------------ words


def quantity_of(key: str) -> str:
    """Name of the field that says how much of a line there is."""
    return f"quantity of {key}"


def _is_accepted(state: ContractState) -> bool:
    return state in (ContractState.SCHEDULED, ContractState.ACTIVE, ContractState.ENDED)


def _day(day: date | None) -> str:
    return day.isoformat() if day else NOTHING


def _number(value: Decimal | None) -> str:
    # 17760 and 17760.00 are one number.
    return NOTHING if value is None else f"{value.normalize() + 0:f}"


def _first(known: tuple[str, ...]) -> str:
    return known[-1] if known else NOTHING


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(sorted(values)) or NOTHING
