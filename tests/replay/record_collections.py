"""What is recorded of pursuits of overdue invoices: at their ends and waits.

A function a history, of the same name. On a server that skips time: a stage comes on its day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from activities.collections_inputs import OrderKind
from dealthread.domain.case import DecisionKind
from dealthread.naming import collections_id
from tests.replay.record_changes import Recorded
from tests.support.overdue import Debt


def _recorded(debt: Debt) -> Recorded:
    return Recorded(collections_id(debt.account, debt.invoice))


async def collections_paid_after_suspension(debt: Debt) -> Recorded:
    """Every stage but the last; the service is given back."""
    await debt.pursue()
    await debt.go_to(date(2026, 1, 18))
    await debt.at_stage(3)
    debt.pay()
    await debt.heard()
    await debt.ended()
    return _recorded(debt)


async def collections_with_a_person(debt: Debt) -> Recorded:
    """At the last stage, the case is open."""
    await debt.pursue()
    await debt.go_to(date(2026, 1, 31))
    await debt.it.case_of(debt.contract.key)
    await debt.quiet()
    return _recorded(debt)


async def collections_extended_then_handed_over(debt: Debt) -> Recorded:
    """Two decisions; it waits for a payment that may still come."""
    await debt.pursue()
    await debt.go_to(date(2026, 1, 31))
    case = await debt.it.case_of(debt.contract.key)
    await debt.it.decide(case, DecisionKind.EXTEND, until=date(2026, 2, 5))
    await debt.until(lambda found: found.state == "paused")
    await debt.go_to(date(2026, 2, 6))
    case = await debt.it.case_of(debt.contract.key, version=2)
    await debt.it.decide(case, DecisionKind.HAND_OVER)
    await debt.until(lambda found: found.state == "handed_over")
    await debt.quiet()
    return _recorded(debt)


async def collections_promised_then_stopped(debt: Debt) -> Recorded:
    """A promise is broken, the next stage comes, a person stops it."""
    await debt.pursue()
    await debt.go_to(date(2026, 1, 5))
    await debt.order(OrderKind.PROMISE, date(2026, 1, 9))
    await debt.until(lambda found: found.state == "paused")
    await debt.go_to(date(2026, 1, 12))
    await debt.at_stage(2)
    await debt.order(OrderKind.STOP, reason="disputed")
    await debt.ended()
    return _recorded(debt)


PURSUITS: tuple[Callable[[Debt], Awaitable[Recorded]], ...] = (
    collections_paid_after_suspension,
    collections_with_a_person,
    collections_extended_then_handed_over,
    collections_promised_then_stopped,
)
