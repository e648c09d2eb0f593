"""PF-07, OB-09: T1 to T15 of facts/domain.md §6 hold where the ledger has a summary of invoices."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from tests.support.closing_lab import every_identity_holds
from tests.support.money_stories import Month, Story
from tests.support.saga_lab import lab
from tests.support.summary_lab import summarising
from tests.support.summary_stories import SUMMARY_STORIES

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@pytest.mark.parametrize(
    ("month", "story"), SUMMARY_STORIES, ids=[story.__name__ for _, story in SUMMARY_STORIES]
)
async def test_every_identity_holds_and_the_month_closes(
    dev_server: Client, engine: AsyncEngine, month: Month, story: Story
) -> None:
    async with lab(dev_server, engine, month.begins, exchange=summarising) as it:
        await story(it)
        await every_identity_holds(it, month.seller, month.begins, month.period)
