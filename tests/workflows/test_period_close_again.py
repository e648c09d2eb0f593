"""MT-09: a closing that asks more than once, that is given up, or that another hand forestalls."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.base import Ref, System
from dealthread.domain.case import DecisionKind
from dealthread.domain.ledger import UnpostedDocument
from dealthread.domain.recognition.due import last_day
from tests.support.change_lab import on
from tests.support.closing_lab import begin_close, closed, waiting
from tests.support.saga_lab import lab
from tests.support.worked_year import US, WorkedYear

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
REVENUE = "R-US01-2026-02"


def _draft(day: date) -> UnpostedDocument:
    ref = Ref(system=System.ERP, account="fake.1", kind="journal", native_id="7")
    return UnpostedDocument(ref=ref, day=day, description="by hand")


async def test_late_revenue_that_was_kept_out_is_asked_about_at_each_look(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Each look recognises anew, in a run of its own: its question is a new one."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        year = WorkedYear(engine, it.erp, with_bills=True).tell("d1")
        await year.until(last_day(JANUARY))
        assert (await closed(it, US, JANUARY)).outcome == "closed"
        on(it, last_day(FEBRUARY))
        await year.accept("d1", "L2", "2500.00", date(2026, 1, 20))
        it.erp.ledger.drafts.append(_draft(date(2026, 2, 15)))
        handle = await begin_close(it, US, FEBRUARY)
        late = await it.case_of(REVENUE, kind="revenue.late")
        await it.decide(late, DecisionKind.REJECT)
        not_ready = await waiting(it, US, FEBRUARY, "close.not_ready")
        it.erp.ledger.drafts.clear()
        await it.decide(not_ready, DecisionKind.RETRY)
        again = await it.case_of(REVENUE, kind="revenue.late", version=2)
        await it.decide(again, DecisionKind.APPROVE)
        sign = await waiting(it, US, FEBRUARY, "close.sign_off")
        await it.decide(sign, DecisionKind.APPROVE, actor="vera")
        assert (await handle.result()).outcome == "closed"
