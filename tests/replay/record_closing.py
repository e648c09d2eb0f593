"""What is recorded of closing a month: one is signed and closed, one waits for its signature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from dealthread.domain.case import DecisionKind
from tests.replay.record_changes import Recorded, settled
from tests.support.change_lab import on
from tests.support.closing_lab import begin_close, waiting
from tests.support.saga_lab import Lab
from tests.support.worked_year import UK, WorkedYear

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


async def close_completed(it: Lab) -> Recorded:
    """D3's April: a month and its use, signed."""
    on(it, date(2026, 4, 30))
    await WorkedYear(it.engine, it.erp, with_bills=True).tell("d3").until(date(2026, 4, 30))
    handle = await begin_close(it, UK, APRIL)
    case = await waiting(it, UK, APRIL, "close.sign_off")
    await it.decide(case, DecisionKind.APPROVE, actor="vera")
    await handle.result()
    return Recorded(handle.id)


async def close_waiting_for_what_stands_in_the_way(it: Lab) -> Recorded:
    """Its May, whose bill nobody recorded, still running."""
    on(it, date(2026, 5, 31))
    handle = await begin_close(it, UK, MAY)
    await waiting(it, UK, MAY, "close.not_ready")
    await settled(handle)
    return Recorded(handle.id)


CLOSES: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    close_completed,
    close_waiting_for_what_stands_in_the_way,
)
