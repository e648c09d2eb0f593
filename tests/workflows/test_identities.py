"""OB-09, PF-17: T1 to T15 of facts/domain.md §6 hold after whatever happens to money, by contract,
company, currency and account, and the month closes."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.recognition.due import last_day
from dealthread.naming import close_key
from dealthread.store.closing import PostgresClosing
from tests.support.change_lab import on
from tests.support.closing_lab import begin_close
from tests.support.corrected_stories import CORRECTED
from tests.support.money_stories import STORIES, Month, Story
from tests.support.money_stories_abroad import ABROAD
from tests.support.recognition_lab import begun
from tests.support.saga_lab import lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ALL = (*STORIES, *CORRECTED, *ABROAD)
COMPARED = frozenset(f"T{number}" for number in range(1, 16))


@pytest.mark.parametrize(("month", "story"), ALL, ids=[story.__name__ for _, story in ALL])
async def test_every_identity_holds_and_the_month_closes(
    dev_server: Client, engine: AsyncEngine, month: Month, story: Story
) -> None:
    async with lab(dev_server, engine, month.begins) as it:
        await story(it)
        if month.begins != month.period:
            on(it, last_day(month.begins))
            await (await begun(it, month.seller, month.begins)).result()
        on(it, last_day(month.period))
        handle = await begin_close(it, month.seller, month.period)
        case = await it.case_of(close_key(month.seller, month.period))
        found = await PostgresClosing(engine).evidence(month.seller, month.period)
        assert found is not None
        _, evidence, _ = found
        off = [one for answer in evidence.answers for one in answer.differences]
        if case.kind != "close.sign_off":
            # A month that is left open would stand in the way of the next story's.
            await it.decide(case, DecisionKind.ABORT)
            await handle.result()
        assert off == []
        assert {one.name: one.lines for one in evidence.checklist.in_the_way} == {}
        assert case.kind == "close.sign_off", case.evidence
        assert {str(one.identity.value) for one in evidence.answers} == COMPARED
        # Each says something: only taxes may be none of the month's.
        compared = Counter[str]()
        for answer in evidence.answers:
            compared[str(answer.identity.value)] += answer.compared
        assert {name for name in COMPARED if not compared[name]} <= {"T9", "T10", "T12"}
        await it.decide(case, DecisionKind.APPROVE, actor="vera")
        assert (await handle.result()).outcome == "closed"
