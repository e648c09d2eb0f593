"""OB-09, PF-17: T1 to T15 of facts/domain.md §6 hold after whatever happens to money, by contract,
company, currency and account, and the month closes."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from tests.support.closing_lab import every_identity_holds
from tests.support.corrected_stories import CORRECTED
from tests.support.foreign_stories import FOREIGN
from tests.support.money_stories import STORIES, Month, Story
from tests.support.money_stories_abroad import ABROAD
from tests.support.saga_lab import lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ALL = (*STORIES, *CORRECTED, *ABROAD, *FOREIGN)


@pytest.mark.parametrize(("month", "story"), ALL, ids=[story.__name__ for _, story in ALL])
async def test_every_identity_holds_and_the_month_closes(
    dev_server: Client, engine: AsyncEngine, month: Month, story: Story
) -> None:
    async with lab(dev_server, engine, month.begins) as it:
        await story(it)
        await every_identity_holds(it, month.seller, month.begins, month.period)
