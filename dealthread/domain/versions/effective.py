"""When a change takes effect, and whether it waits for that day."""

from __future__ import annotations

from datetime import date

from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    CancellationReason,
    ChangeTiming,
)
from dealthread.domain.contract import Contract
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.terms import billing_terms


def effective_date(
    contract: Contract, order: AmendmentOrder | CancellationOrder, today: date
) -> date:
    """First day of the new state; of an end, the first day not served.

    A rescission takes effect from the contract's start. Raises OrderRefused where the order names
    a day that the contract does not have.
    """
    if isinstance(order, CancellationOrder) and order.cause is CancellationReason.RESCISSION:
        return contract.start_date
    if order.timing is ChangeTiming.NOW:
        return today
    if order.timing is ChangeTiming.ON_DATE:
        if order.effective_from is None:
            raise OrderRefused("date_missing", "effective_from", "give the day it takes effect")
        return order.effective_from
    if order.timing is ChangeTiming.TERM_END:
        found = contract.end_date
    else:
        found = billing_terms(contract).next_boundary(today)
    if found is None:
        raise OrderRefused("no_such_day", "timing", "the contract has no such end: give a date")
    return found


def is_boundary(contract: Contract, day: date) -> bool:
    """Whether a billing period begins on a day, or the contract's last term ends."""
    return billing_terms(contract).is_boundary(day)


def hold_until(
    contract: Contract, order: AmendmentOrder | CancellationOrder, today: date
) -> date | None:
    """The day that a change is held for: a coming one inside a billing period. None = at once.

    On a boundary nothing is prorated, so the biller can be told ahead.
    """
    day = effective_date(contract, order, today)
    return None if day <= today or is_boundary(contract, day) else day
