"""RS-04: an undo takes away what there is, and lets nothing come after it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.errors import AttemptInFlight, OutcomeUnknown, StepRejected, VendorUnavailable
from dealthread.hub import WriteSpec
from dealthread.outcome import Rejected, Unknown
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from dealthread.store.reading import Reading
from dealthread.store.runs import Runs
from dealthread.store.schema import crosswalk, journal, outbox
from dealthread.store.schema import runs as runs_table
from tests.store.writing import (
    BUSINESS_KEY,
    CONTEXT,
    CONTRACT,
    KEY,
    LOST,
    REFUSED,
    UNDO_KEY,
    Agreement,
    Bench,
    Killed,
    StoppingJournal,
    spec,
)

pytestmark = pytest.mark.postgres
LATE = timedelta(seconds=91)


@pytest.fixture
def bench(store: AsyncEngine) -> Bench:
    return Bench(PostgresJournal(store))


async def how(store: AsyncEngine) -> tuple[str, str]:
    async with store.connect() as connection:
        query = select(journal.c.state, journal.c.how).where(journal.c.key == UNDO_KEY)
        row = (await connection.execute(query)).one()
        return row.state, row.how


async def test_what_was_made_is_removed_once(bench: Bench, store: AsyncEngine) -> None:
    made = await bench.attempt()
    assert await bench.undo() == made
    assert bench.vendor.made == {}
    assert await bench.undo() == made
    assert bench.vendor.keys == [KEY, UNDO_KEY]
    assert await how(store) == ("done", "created")


async def test_what_was_never_begun_is_undone_without_a_call_and_never_made_after(
    bench: Bench, store: AsyncEngine
) -> None:
    assert await bench.undo() is None
    assert await how(store) == ("done", "absent")
    with pytest.raises(StepRejected, match="fenced_by_undo"):
        await bench.attempt()
    assert bench.vendor.keys == []
    assert await bench.undo() is None


async def test_a_refused_write_leaves_nothing_to_undo(bench: Bench, store: AsyncEngine) -> None:
    bench.vendor.next_outcome = [REFUSED]
    with pytest.raises(StepRejected):
        await bench.attempt()
    assert await bench.undo() is None
    assert await how(store) == ("done", "absent")


async def test_what_existed_before_the_run_is_kept(bench: Bench, store: AsyncEngine) -> None:
    made = await bench.attempt()
    seen = []

    async def keep(known: Agreement | None) -> bool:
        seen.append(known)
        return True

    assert await bench.undo(keep=keep) is None
    assert seen == [made]
    assert len(bench.vendor.made) == 1
    assert await how(store) == ("done", "kept")


@pytest.mark.parametrize("begun", [True, False])
async def test_what_others_made_is_kept_where_the_act_was_not_sent(
    bench: Bench, store: AsyncEngine, begun: bool
) -> None:
    """A customer is found by a key that is not this run's own."""
    bench.vendor.made["another run"] = Agreement(native_id="sub_theirs")
    if begun:
        bench.vendor.next_outcome = [VendorUnavailable("refused")]
        with pytest.raises(VendorUnavailable):
            await bench.attempt()
    assert await bench.undo(shared=True) is None
    assert list(bench.vendor.made) == ["another run"]
    assert await how(store) == ("done", "kept")


@pytest.mark.parametrize("outcome", [LOST, REFUSED])
async def test_what_is_shared_is_removed_where_the_act_may_have_made_it(
    bench: Bench, outcome: Rejected | Unknown
) -> None:
    """A refusal of the last of several calls included: the first made the record."""
    bench.vendor.next_outcome, bench.vendor.effect_despite = [outcome], True
    with pytest.raises((OutcomeUnknown, StepRejected)):
        await bench.attempt()
    assert await bench.undo(shared=True) is not None
    assert bench.vendor.made == {}


async def test_after_a_lost_answer_an_absence_is_believed_only_late(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome = [LOST]
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()
    with pytest.raises(OutcomeUnknown) as caught:
        await bench.undo(settle=timedelta(seconds=10))
    assert caught.value.code == "late_effect_possible"
    assert caught.value.retry_after is not None
    bench.vendor.made[KEY] = late = Agreement(native_id="sub_late")
    assert await bench.undo() == late
    assert bench.vendor.made == {}
    # What was undone is not uncertain any more, although its own answer never came.
    assert await Reading(store).uncertain() == []


async def test_an_absence_that_lasts_is_an_absence(bench: Bench, store: AsyncEngine) -> None:
    bench.vendor.next_outcome = [LOST]
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()
    assert [one.key for one in await Reading(store).uncertain()] == [KEY]
    await bench.until(LATE)
    assert await bench.undo() is None
    assert await Reading(store).uncertain() == []


async def test_an_attempt_that_began_before_the_undo_does_not_send_after_it(
    bench: Bench, store: AsyncEngine
) -> None:
    """The late attempt has read its row before the fence; the undo saw a write not sent."""
    waiting, undone = asyncio.Event(), asyncio.Event()

    class Slow:
        def __getattr__(self, name: str):
            return getattr(bench.journal, name)

        async def sent(self, *args) -> None:
            waiting.set()
            await undone.wait()
            await bench.journal.sent(*args)

    late = asyncio.create_task(bench.attempt(Slow()))
    await waiting.wait()
    assert await bench.undo() is None
    undone.set()
    with pytest.raises(StepRejected, match="fenced_by_undo"):
        await late
    assert bench.vendor.keys == []


async def test_an_attempt_that_comes_back_after_its_undo_says_no_more_than_what_it_made(
    bench: Bench, store: AsyncEngine
) -> None:
    """Its answer was there, its process slow: the run has ended meanwhile, and stays ended."""
    answered, undone = asyncio.Event(), asyncio.Event()

    class Slow:
        def __getattr__(self, name: str):
            return getattr(bench.journal, name)

        async def done(self, *args) -> None:
            answered.set()
            await undone.wait()
            await bench.journal.done(*args)

    runs, contracts = Runs(store), PostgresContracts(store)
    order = ChangeRequest(
        change_id=BUSINESS_KEY,
        kind=ChangeKind.QUOTE_TO_CASH,
        generation=1,
        org=CONTEXT.org,
        deal_id=CONTEXT.deal_id,
        requested_by="test",
    )
    await runs.claim(order, CONTRACT)
    late = asyncio.create_task(bench.attempt(Slow()))
    await answered.wait()
    assert await bench.undo() is not None
    ended = (ChangeOutcome.COMPENSATED, ContractState.NEVER_ACTIVATED)
    await contracts.record_outcome(CONTEXT, *ended, ())
    undone.set()
    await late
    assert await runs.latest_generation(BUSINESS_KEY) == (1, "compensated")
    async with store.connect() as connection:
        stages = (await connection.execute(select(runs_table.c.stage))).scalars().all()
        told = (await connection.execute(select(outbox.c.type))).scalars().all()
        known = (await connection.execute(select(crosswalk.c.native_id))).scalars().all()
    assert (stages, told) == (["compensated"], [])
    assert known == ["sub_1"], "what it made is still found by its id"


async def test_a_fence_and_a_first_attempt_at_once_never_miss_each_other(bench: Bench) -> None:
    """The loser of the insert is the row's reader: fenced before, or seen as opened."""
    for number in range(30):
        key = f"{KEY}-{number}"
        seen, row = await asyncio.gather(
            bench.journal.fence(key, spec(key.replace("/do", "/undo"))),
            bench.journal.open(spec(key)),
        )
        again = await bench.journal.open(spec(key))
        assert again.fenced
        assert (seen is None) is (not row.first)
        assert row.fenced or row.first


@pytest.mark.parametrize(
    ("call", "before"),
    [
        ("fence", True),
        ("fence", False),
        ("open", False),
        ("lease", False),
        ("sent", False),
        ("done", True),
        ("done", False),
    ],
)
async def test_an_undo_stopped_anywhere_completes_and_removes_once(
    bench: Bench, store: AsyncEngine, call: str, before: bool
) -> None:
    made = await bench.attempt()
    with pytest.raises(Killed):
        await bench.undo(StoppingJournal(bench.journal, call, before=before))
    await bench.until(LATE)
    # Where the effect of the undo had happened, there is nothing to tell; else its record.
    assert await bench.undo() in (made, None)
    assert bench.vendor.made == {}
    assert bench.vendor.keys.count(UNDO_KEY) == 1
    assert (await how(store))[0] == "done"


async def test_a_refused_undo_is_tried_again_under_a_new_vendor_key(bench: Bench) -> None:
    """Under the old key the vendor would replay its refusal for ever."""
    await bench.attempt()
    bench.vendor.next_outcome = [REFUSED, REFUSED]
    for _ in range(2):
        with pytest.raises(StepRejected):
            await bench.undo()
    await bench.undo()
    assert bench.vendor.keys[1:] == [UNDO_KEY, f"{UNDO_KEY}~1", f"{UNDO_KEY}~2"]


async def test_an_undo_with_a_lost_answer_or_without_one_is_looked_up(bench: Bench) -> None:
    await bench.attempt()
    bench.vendor.next_outcome = [LOST, VendorUnavailable("down")]
    with pytest.raises(OutcomeUnknown):
        await bench.undo()
    with pytest.raises(VendorUnavailable):
        await bench.undo()
    await bench.undo()
    assert set(bench.vendor.keys[1:]) == {UNDO_KEY}
    assert bench.vendor.made == {}


async def test_an_undo_that_another_one_overtook_undoes_nothing_more(bench: Bench) -> None:
    """The other ended after this one had read the row and before it claimed it."""
    await bench.attempt()
    lease = bench.journal.lease

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.journal, name)

        async def lease(self, spec: WriteSpec, until: datetime) -> bool:
            assert await bench.undo() is not None
            return await lease(spec, until)

    assert await bench.undo(Overtaken()) is not None
    assert bench.vendor.keys.count(UNDO_KEY) == 1


async def test_two_undos_at_once_are_one(bench: Bench) -> None:
    await bench.attempt()
    answers = await asyncio.gather(bench.undo(), bench.undo(), return_exceptions=True)
    assert [one for one in answers if isinstance(one, BaseException)] == [
        one for one in answers if isinstance(one, AttemptInFlight)
    ]
    assert bench.vendor.keys.count(UNDO_KEY) == 1
