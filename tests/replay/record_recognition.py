"""What is recorded of recognised revenue: a month is posted, one waits for the controller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from dealthread.naming import recognition_key
from tests.replay.record_changes import Recorded, settled
from tests.support.change_lab import on
from tests.support.recognition_lab import begun
from tests.support.saga_lab import Lab
from tests.support.worked_year import US, WorkedYear

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


async def recognition_completed(it: Lab) -> Recorded:
    """D1's February: an entry of the day on which the service was accepted, one of the last."""
    on(it, date(2026, 2, 28))
    await WorkedYear(it.engine, it.erp).tell("d1").until(date(2026, 2, 28))
    handle = await begun(it, US, FEBRUARY)
    await handle.result()
    return Recorded(handle.id)


async def recognition_waiting_for_the_controller(it: Lab) -> Recorded:
    """D4 owes of a February that was closed, still running."""
    on(it, date(2026, 3, 31))
    await WorkedYear(it.engine, it.erp).tell("d4").until(date(2026, 3, 31))
    it.erp.ledger.closed.add(FEBRUARY)
    handle = await begun(it, US, MARCH)
    await it.case_of(recognition_key(US, MARCH), kind="revenue.late")
    await settled(handle)
    it.erp.ledger.closed.clear()
    return Recorded(handle.id)


RECOGNITIONS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    recognition_completed,
    recognition_waiting_for_the_controller,
)
