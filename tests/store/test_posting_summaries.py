"""PF-07: who is in a summary is decided once, whatever comes at the same time."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.base import Ref
from dealthread.domain.posting_summary import Held, HeldState, Member
from dealthread.store.bills import PostgresBills
from dealthread.store.posting_summaries import PostgresSummaries
from dealthread.store.schema_summaries import posting_months
from tests.support import deals
from tests.support import postings as p
from tests.support.invoice_lab import bill_of, ref_of
from tests.support.running_contract import running_contract
from tests.support.summarised_books import PLACE

pytestmark = pytest.mark.postgres

DUE = datetime(2026, 2, 2, 2, tzinfo=UTC)


def _ref(number: int) -> Ref:
    return ref_of("acct_alder_us", "invoice", f"in_{number}")


def _member() -> Member:
    made = p.invoice(
        "1", deals.HARBORLINE, "2026-02-01", p.line("2300", "10.00", "US-TX-SAAS", "0.66", "USD")
    )
    return Member(
        invoice=made, receipts=(p.receipt("1050", "2026-02-01", "10.66", (made, "10.66")),)
    )


async def _join(summaries: PostgresSummaries, number: int) -> Held:
    held = await summaries.join(PLACE, _ref(number), "C-1", DUE, f"invoice-{number}")
    assert held is not None
    return held


async def test_all_that_come_at_once_are_in_one_part(store: AsyncEngine) -> None:
    summaries = PostgresSummaries(store)
    held = await asyncio.gather(*(_join(summaries, number % 5) for number in range(15)))
    assert {one.place.part for one in held} == {1}
    waiting = await summaries.begin(PLACE.summary_id, 20)
    assert [one.native_id for one in waiting] == [f"in_{number}" for number in range(5)]
    assert (await _join(summaries, 0)).is_started


async def test_it_is_closed_once_nobody_waits_and_who_comes_then_is_in_the_next_part(
    store: AsyncEngine,
) -> None:
    summaries = PostgresSummaries(store)
    for number in (1, 2):
        await _join(summaries, number)
    assert not await summaries.close(PLACE.summary_id)
    await summaries.freeze(_ref(1), _member())
    await summaries.freeze(_ref(2), None)
    assert await summaries.close(PLACE.summary_id)
    assert await summaries.close(PLACE.summary_id)
    assert (await _join(summaries, 3)).place.part == 2
    assert len(await summaries.members(PLACE.summary_id)) == 1
    held = [await summaries.held(_ref(number)) for number in (1, 2, 3)]
    states = [one.state for one in held if one is not None]
    assert states == [HeldState.FROZEN, HeldState.SINGLE, HeldState.WAITING]


@pytest.mark.parametrize(
    "other", [{"erp": "netsuite"}, {"company": "7"}, {"customer_key": "A-OTHER"}], ids=str
)
async def test_what_another_ledger_gets_is_in_a_part_of_its_own(
    store: AsyncEngine, other: dict[str, str]
) -> None:
    """Contracts of a seller that moved to another ledger stay where they are."""
    summaries = PostgresSummaries(store)
    there = PLACE.model_copy(update=other)
    await _join(summaries, 1)
    held = await summaries.join(there, _ref(2), "C-2", DUE, "invoice-2")
    assert held is not None
    assert held.place == there.model_copy(update={"part": 2})
    assert await summaries.place(held.place.summary_id) == held.place
    assert (await _join(summaries, 3)).place == PLACE


async def test_what_was_frozen_stays_as_it_was_frozen(store: AsyncEngine) -> None:
    summaries = PostgresSummaries(store)
    await _join(summaries, 1)
    first = _member()
    await summaries.freeze(_ref(1), first)
    await summaries.freeze(_ref(1), _member())
    await summaries.freeze(_ref(1), None)
    assert await summaries.members(PLACE.summary_id) == (first,)


async def test_the_day_on_which_it_is_taken_out_is_the_first_that_was_named(
    store: AsyncEngine,
) -> None:
    summaries = PostgresSummaries(store)
    await _join(summaries, 1)
    assert await summaries.want_single(_ref(1), date(2026, 2, 20)) == date(2026, 2, 20)
    assert await summaries.want_single(_ref(1), date(2026, 2, 21)) == date(2026, 2, 20)


async def test_the_month_before_is_counted_once(store: AsyncEngine) -> None:
    """Two invoices of January; a third one that is read later changes nothing in February."""
    contract = await running_contract(store)
    bills, summaries = PostgresBills(store), PostgresSummaries(store)

    async def issued(number: int, day: date) -> None:
        await bills.seen(bill_of(contract, f"in_{number}", day), datetime.now(UTC))

    await issued(1, date(2026, 1, 1))
    await issued(2, date(2026, 1, 31))
    await issued(3, date(2026, 2, 1))
    await issued(4, date(2025, 12, 31))
    february = date(2026, 2, 14)
    assert not await summaries.is_above(contract.seller, february, 3)
    await issued(5, date(2026, 1, 20))
    assert not await summaries.is_above(contract.seller, february, 3)
    assert await summaries.is_above(contract.seller, february, 2)
    async with store.connect() as connection:
        rows = (await connection.execute(select(posting_months))).all()
    assert [(row.month, row.invoices) for row in rows] == [(date(2026, 2, 1), 2)]
