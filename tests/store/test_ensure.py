"""RS-02, RS-03, EV-10: a write happens once, wherever the process stops and whatever is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.ensure import Undo, Write, vendor_key
from dealthread.errors import (
    AttemptInFlight,
    AuthRejected,
    ContractDrift,
    InvariantBroken,
    NotFound,
    OutcomeUnknown,
    StepRejected,
    VendorUnavailable,
    is_effect_possible,
)
from dealthread.hub import WriteState
from dealthread.store.journal import PostgresJournal
from dealthread.store.reading import Reading
from dealthread.store.schema import audit, crosswalk, journal, outbox
from tests.store.writing import KEY, LOST, REFUSED, Bench, Killed, StoppingJournal, spec

pytestmark = pytest.mark.postgres
LEASE = timedelta(seconds=36)
LATE = timedelta(seconds=91)


@pytest.fixture
def bench(store: AsyncEngine) -> Bench:
    return Bench(PostgresJournal(store))


async def state(store: AsyncEngine, key: str = KEY) -> str | None:
    async with store.connect() as connection:
        query = select(journal.c.state).where(journal.c.key == key)
        return (await connection.execute(query)).scalar()


async def count(store: AsyncEngine, table: object) -> int:
    async with store.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "before", "found", "looks", "sends"),
    [
        # where the process stops → what the next attempt finds, looks, and sends in all
        ("open", True, None, 0, 1),
        ("open", False, "intent", 1, 1),
        ("lease", False, "intent", 1, 1),
        ("sent", True, "intent", 1, 1),
        ("sent", False, "sent", 1, 1),
        ("done", True, "sent", 1, 1),
        ("done", False, "done", 0, 1),
    ],
)
async def test_each_row_of_the_crash_table_ends_in_one_effect(
    bench: Bench,
    store: AsyncEngine,
    call: str,
    before: bool,
    found: str | None,
    looks: int,
    sends: int,
) -> None:
    """RS-03: stopped at any transaction, the next attempt completes and nothing is doubled."""
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, call, before=before))
    assert await state(store) == found
    await bench.until(LATE)
    agreement = await bench.attempt()
    assert (bench.vendor.looked, len(bench.vendor.keys)) == (looks, sends)
    assert list(bench.vendor.made.values()) == [agreement]
    assert await state(store) == "done"
    assert await bench.attempt() == agreement
    assert len(bench.vendor.keys) == sends
    assert (await count(store, crosswalk), await count(store, outbox)) == (1, 1)


async def test_a_request_sent_and_never_arrived_is_sent_again_only_when_it_cannot_come_late(
    bench: Bench,
) -> None:
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, "sent"))
    await bench.until(timedelta(seconds=40))
    with pytest.raises(OutcomeUnknown) as caught:
        await bench.attempt()
    assert caught.value.retry_after is not None
    assert timedelta(seconds=49) < caught.value.retry_after <= timedelta(seconds=50)
    assert bench.vendor.keys == []
    await bench.until(caught.value.retry_after)
    assert await bench.attempt()
    assert bench.vendor.keys == [KEY]


async def test_inside_the_vendors_own_memory_of_a_key_a_repeat_needs_no_waiting(
    bench: Bench,
) -> None:
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, "sent"))
    await bench.until(timedelta(seconds=40))
    await bench.attempt(replay_safe_for=timedelta(hours=20))
    assert bench.vendor.keys == [KEY]


async def test_an_answer_lost_after_the_effect_is_found_not_repeated(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome, bench.vendor.effect_despite = [LOST], True
    with pytest.raises(OutcomeUnknown) as caught:
        await bench.attempt()
    assert caught.value.retry_after == timedelta(seconds=2)
    assert not caught.value.exhausted
    assert [one.key for one in await Reading(store).uncertain()] == [KEY]
    assert await bench.attempt() == bench.vendor.made[KEY]
    assert bench.vendor.keys == [KEY]
    assert await Reading(store).uncertain() == []


async def test_an_unknown_outcome_becomes_a_persons_after_both_budgets_are_spent(
    bench: Bench,
) -> None:
    """Neither many quick failures nor one long one alone is enough."""
    exhausted = []
    for minutes in (2, 2, 2, 20):
        bench.vendor.next_outcome = [LOST]
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.attempt()
        exhausted.append(caught.value.exhausted)
        await bench.until(timedelta(minutes=minutes))
    bench.vendor.next_outcome = [LOST]
    with pytest.raises(OutcomeUnknown) as caught:
        await bench.attempt()
    assert (exhausted, caught.value.exhausted) == ([False] * 4, True)
    assert set(bench.vendor.keys) == {KEY}
    assert caught.value.retry_after == timedelta(seconds=32)


async def test_what_goes_wrong_after_a_lost_answer_says_that_an_effect_is_possible(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused look-ups and bugs alike; and a repeat that is refused before it is sent."""
    bench.vendor.next_outcome = [VendorUnavailable("refused")]
    with pytest.raises(VendorUnavailable) as never_sent:
        await bench.attempt()
    assert not is_effect_possible(never_sent.value)
    bench.vendor.next_outcome = [LOST]
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()

    for wrong in (VendorUnavailable("refused"), AuthRejected("expired"), KeyError("field")):

        async def looked(error: Exception = wrong) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(bench.vendor, "find", looked)
            with pytest.raises(type(wrong)):
                await bench.attempt()
        assert is_effect_possible(wrong), wrong
        await bench.until(timedelta(seconds=40))

    bench.vendor.next_outcome = [repeat := VendorUnavailable("refused")]
    with pytest.raises(VendorUnavailable):
        await bench.attempt(replay_safe_for=timedelta(hours=20))
    assert is_effect_possible(repeat)
    bench.vendor.next_outcome = [REFUSED]
    with pytest.raises(StepRejected) as refused:
        await bench.attempt(replay_safe_for=timedelta(hours=20))
    assert not is_effect_possible(refused.value), "the vendor says that it has nothing"


async def test_a_bug_behind_a_call_that_went_out_says_that_an_effect_is_possible(
    bench: Bench,
) -> None:
    """The answer came and was not understood by our own code."""
    bench.vendor.next_outcome, bench.vendor.effect_despite = [bug := KeyError("field")], True
    with pytest.raises(KeyError):
        await bench.attempt()
    assert is_effect_possible(bug)


async def test_an_answer_that_was_not_understood_may_hide_an_effect(
    bench: Bench, store: AsyncEngine
) -> None:
    """A name that the vendor took away, met while the write's own answer is read."""
    bench.vendor.next_outcome, bench.vendor.effect_despite = [ContractDrift("billing_shape")], True
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()
    assert await state(store) == "unknown"
    assert await bench.attempt() == bench.vendor.made[KEY]
    assert bench.vendor.keys == [KEY]


async def test_a_call_that_was_never_sent_leaves_the_row_as_before(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome = [VendorUnavailable("refused")]
    with pytest.raises(VendorUnavailable):
        await bench.attempt()
    assert await state(store) == "intent"
    await bench.attempt()
    assert bench.vendor.keys == [KEY, KEY]


async def test_after_a_lost_answer_a_call_not_sent_does_not_make_the_row_certain(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome = [LOST, VendorUnavailable("refused")]
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()
    await bench.until(LATE)
    with pytest.raises(VendorUnavailable):
        await bench.attempt()
    assert await state(store) == "unknown"


async def test_a_look_up_that_fails_changes_nothing_and_lets_the_next_attempt_in(
    bench: Bench, store: AsyncEngine
) -> None:
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, "sent"))
    await bench.until(LATE)
    find = bench.vendor.find

    async def down() -> None:
        raise VendorUnavailable("down")

    bench.vendor.find = down  # type: ignore[method-assign, assignment]
    with pytest.raises(VendorUnavailable):
        await bench.attempt()
    assert await state(store) == "sent"
    bench.vendor.find = find  # type: ignore[method-assign]
    assert await bench.attempt()


async def test_while_an_attempt_may_be_alive_no_other_begins(bench: Bench) -> None:
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, "lease"))
    with pytest.raises(AttemptInFlight) as caught:
        await bench.attempt()
    assert caught.value.retry_after
    assert bench.vendor.keys == []


async def test_of_five_attempts_at_once_one_writes(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.attempt() for _ in range(5)), return_exceptions=True)
    assert all(
        not isinstance(one, BaseException) or isinstance(one, AttemptInFlight) for one in answers
    )
    assert bench.vendor.keys == [KEY]


async def test_another_request_under_the_key_is_refused(bench: Bench) -> None:
    with pytest.raises(Killed):
        await bench.attempt(StoppingJournal(bench.journal, "sent"))
    await bench.until(LATE)
    with pytest.raises(InvariantBroken, match="request_changed_under_key"):
        await bench.attempt(request="r2")
    assert bench.vendor.keys == []


async def test_a_refused_and_corrected_request_goes_out_under_a_new_vendor_key(
    bench: Bench, store: AsyncEngine
) -> None:
    """A vendor replays its stored refusal for a key it knows."""
    bench.vendor.next_outcome = [REFUSED, REFUSED]
    for request in ("r1", "r2"):
        with pytest.raises(StepRejected) as caught:
            await bench.attempt(request=request)
        assert (caught.value.case_kind, caught.value.code) == ("billing.rejected", "card_declined")
        assert caught.value.evidence == {"why": "x"}
        assert await state(store) == "rejected"
    await bench.attempt(request="r3", amount="99.00")
    assert bench.vendor.keys == [KEY, f"{KEY}~1", f"{KEY}~2"]
    assert [vendor_key(KEY, revision) for revision in range(3)] == bench.vendor.keys
    (row,) = await Reading(store).writes_of(spec().context.business_key)
    assert str(row.money) == "99.00 USD"


async def test_a_lost_answer_is_repeated_under_the_same_vendor_key(bench: Bench) -> None:
    bench.vendor.next_outcome = [REFUSED, LOST]
    with pytest.raises(StepRejected):
        await bench.attempt()
    with pytest.raises(OutcomeUnknown):
        await bench.attempt()
    await bench.until(LATE)
    await bench.attempt()
    assert bench.vendor.keys == [KEY, f"{KEY}~1", f"{KEY}~1"]


async def test_a_result_is_not_taken_back_by_an_attempt_that_outlived_its_lease(
    bench: Bench, store: AsyncEngine
) -> None:
    agreement = await bench.attempt()
    row = await bench.journal.unknown(spec(), "read_timeout")
    assert row.state is WriteState.DONE
    await bench.journal.rejected(spec(), "late_refusal", {})
    await bench.journal.not_sent(spec())
    assert await state(store) == "done"
    assert await bench.attempt() == agreement


async def test_every_write_leaves_its_trail_in_the_audit_log(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome = [REFUSED, LOST]
    for error in (StepRejected, OutcomeUnknown):
        with pytest.raises(error):
            await bench.attempt()
    await bench.until(LATE)
    await bench.attempt()
    async with store.connect() as connection:
        events = (await connection.execute(select(audit.c.event).order_by(audit.c.seq))).scalars()
        assert list(events) == ["write.intent", "write.rejected", "write.unknown", "write.done"]


async def test_an_error_of_another_kind_leaves_the_write_uncertain(
    bench: Bench, store: AsyncEngine
) -> None:
    bench.vendor.next_outcome = [NotFound("customer_not_found")]
    with pytest.raises(NotFound):
        await bench.attempt()
    assert await state(store) == "sent"


async def test_a_result_that_can_hold_personal_data_is_refused_before_anything_is_sent(
    bench: Bench, store: AsyncEngine
) -> None:
    for spoilt in (Write, Undo):
        act = {"act": bench.vendor.create} if spoilt is Write else {"remove": bench.vendor.remove}
        with pytest.raises(InvariantBroken, match="personal_data_in_result"):
            spoilt(spec=spec(), result_type=Bill, find=bench.vendor.find, **act)
    assert bench.vendor.keys == []
    assert await state(store) is None
