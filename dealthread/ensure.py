"""`ensure`: the one way a write leaves this house.

Inside one regular activity: the intent is committed, then (unless this is the first attempt
ever) the system is asked whether the effect exists, then the write goes out once, then result,
audit, cross-references, events and stage are committed together. The journal decides what is a
first attempt; attempt numbers and heartbeats are lost on kills and resets.

    crash at                          the next attempt finds      and does
    before the intent commits         nothing                     a first attempt
    after the intent, nothing sent    intent                      looks, creates
    effect happened, answer lost      sent                        looks, finds, records
    result not committed              sent                        looks, finds, records
    completion not reported           done                        returns it, no call
    after an undo was asked           fenced                      creates nothing
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from pydantic import BaseModel

from dealthread.domain.personal import personal_field
from dealthread.errors import (
    AttemptInFlight,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    OutcomeUnknown,
    StepRejected,
    TransportError,
    mark_effect_possible,
)
from dealthread.hub import Effects, Journal, WriteRow, WriteSpec, WriteState
from dealthread.outcome import Done, Outcome, Rejected, Unknown

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Limits:
    """Times and budgets of writes; the bootstrap may shorten them for tests."""

    lease: timedelta = timedelta(seconds=35)
    """Longer than start-to-close: while it runs another attempt may still be alive."""
    unknown_budget: int = 6
    """Look-ups after which an unknown outcome becomes a person's case …"""
    unknown_for: timedelta = timedelta(minutes=20)
    """… or after this long since it was first sent, whichever is later reached."""
    late_effect: timedelta = timedelta(seconds=90)
    """How long after sending an effect may still appear: an undo that found nothing looks again
    until then."""
    first_delay: timedelta = timedelta(seconds=2)


@dataclass(frozen=True)
class Write(Generic[T]):
    """One write: how to look, how to act, what to record.

    `find` looks strongly consistently; `settle` says how long it may lag. `replay_safe_for` is
    how long the vendor itself recognises the key: inside it a repeat is safe although a look-up
    found nothing. A result is kept in clear text, so that its type must not hold personal data.
    """

    spec: WriteSpec
    result_type: type[T]
    find: Callable[[], Awaitable[T | None]]
    act: Callable[[str], Awaitable[Outcome[T]]]
    effects: Callable[[T], Effects] = field(default=lambda _: Effects())
    settle: timedelta = timedelta(0)
    replay_safe_for: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        _refuse_personal(self.result_type)


@dataclass(frozen=True)
class Undo(Generic[T]):
    """One undo: `find` finds what the act made, `remove` takes it away.

    `shared` says that `find` may also find what another run made, as with a customer: nothing is
    taken away then unless this run's act was sent. (A refused one too: of an act of several calls
    the first may have had its effect.) `keep` looks at the act's result, None where it is not
    known, and says whether there is nothing to undo in it; `if_kept` then looks at the act's row
    and says what is still to be recorded of it.
    """

    spec: WriteSpec
    result_type: type[T]
    find: Callable[[], Awaitable[T | None]]
    remove: Callable[[T, str], Awaitable[Outcome[T]]]
    effects: Callable[[T], Effects] = field(default=lambda _: Effects())
    settle: timedelta = timedelta(0)
    shared: bool = False
    keep: Callable[[T | None], Awaitable[bool]] = field(default_factory=lambda: _never)
    if_kept: Callable[[WriteRow | None], Awaitable[Effects]] = field(
        default_factory=lambda: _nothing
    )

    def __post_init__(self) -> None:
        _refuse_personal(self.result_type)


def request_hash(*parts: BaseModel | str) -> str:
    """Hash of what is asked: the same key with another request is a bug, never a new write."""
    digest = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, str) else part.model_dump_json()
        digest.update(text.encode() + b"\x1f")
    return digest.hexdigest()


def vendor_key(key: str, revision: int) -> str:
    """The key as the vendor sees it: a refused request sent anew gets a suffix, since a vendor
    may replay its stored refusal for the same key."""
    return key if revision == 0 else f"{key}~{revision}"


class Ensure:
    """Runs writes and undos against the journal."""

    def __init__(
        self,
        journal: Journal,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._limits = limits or Limits()
        self._now = now

    async def __call__(self, write: Write[T]) -> T:
        """Make the effect exist exactly once, and return its record.

        Raises StepRejected, OutcomeUnknown, AttemptInFlight, InvariantBroken, or a transport
        error that excludes an effect.
        """
        row = await self._journal.open(write.spec)
        if row.state is WriteState.DONE and row.result is not None:
            return write.result_type.model_validate_json(row.result)
        if row.fenced:
            raise StepRejected("fenced_by_undo", case_kind="integration.undo_failed")
        if row.request_hash != write.spec.request_hash:
            changed = InvariantBroken("request_changed_under_key", key=write.spec.key)
            if _is_open(row):
                mark_effect_possible(changed)
            raise changed
        await self._claim(write.spec)
        if not row.first:
            found = await self._look(write, row)
            if found is not None:
                return await self._record(write, found, "found")
            await self._refuse_unsettled(write, row)
        revision = self._revision(row)
        await self._journal.sent(write.spec, revision)
        return await self._act(write, row, vendor_key(write.spec.key, revision))

    async def undo(self, do_key: str, undo: Undo[T]) -> T | None:
        """Undo what `do_key` made; None when there was nothing to undo.

        The do row is fenced first, so that a late attempt creates nothing; where the do's outcome
        is not known, nothing found is believed only after the time in which a late effect may
        appear.
        """
        do_row = await self._journal.fence(do_key, undo.spec)
        row = await self._journal.open(undo.spec)
        if row.state is WriteState.DONE and row.result is not None:
            return undo.result_type.model_validate_json(row.result) if row.result else None
        await self._claim(undo.spec)
        # Another attempt may have ended between the reading and the claim: what it undid is gone
        # from every look-up, and must not be undone again.
        row = await self._journal.open(undo.spec)
        if row.state is WriteState.DONE and row.result is not None:
            await self._journal.release(undo.spec)
            return undo.result_type.model_validate_json(row.result) if row.result else None
        made = None
        if do_row is not None and do_row.state is WriteState.DONE and do_row.result:
            made = undo.result_type.model_validate_json(do_row.result)
        if (undo.shared and not _may_have_acted(do_row)) or await undo.keep(made):
            await self._journal.done(undo.spec, "", "kept", await undo.if_kept(do_row))
            return None
        found = await self._look(undo, row)
        if found is None and row.last_sent_at is None:
            # Where the act's record is known and no undo was sent yet, a look-up that lags must
            # not make us forget it.
            found = made
        if found is None:
            await self._refuse_absence(undo, do_row)
            await self._journal.done(undo.spec, "", "absent", Effects())
            return None
        target = found
        revision = self._revision(row)
        await self._journal.sent(undo.spec, revision)
        return await self._act(
            Write(
                spec=undo.spec,
                result_type=undo.result_type,
                find=undo.find,
                act=lambda key: undo.remove(target, key),
                effects=undo.effects,
            ),
            row,
            vendor_key(undo.spec.key, revision),
        )

    async def note(self, key: str, words: Sequence[str]) -> None:
        """Keep what an act is about to change or make, before it is sent."""
        await self._journal.note(key, words)

    async def noted(self, key: str) -> tuple[str, ...]:
        """What any attempt under this key kept."""
        return await self._journal.noted(key)

    async def _claim(self, spec: WriteSpec) -> None:
        if not await self._journal.lease(spec, self._now() + self._limits.lease):
            raise AttemptInFlight("attempt_in_flight", retry_after=timedelta(seconds=5))

    async def _look(self, write: Write[T] | Undo[T], row: WriteRow) -> T | None:
        """Ask the system; when it cannot be asked, leave the row as uncertain as it was."""
        try:
            return await write.find()
        except Exception as error:
            if _is_open(row):
                mark_effect_possible(error)
            if isinstance(error, DealthreadError):
                await self._journal.release(write.spec)
            raise

    async def _refuse_unsettled(self, write: Write[T], row: WriteRow) -> None:
        """Absence is proof only after the look-up has settled, or where the vendor itself
        recognises a repeat."""
        if row.last_sent_at is None or row.state is WriteState.REJECTED:
            return
        age = self._now() - row.last_sent_at
        first_age = self._now() - (row.first_sent_at or row.last_sent_at)
        if first_age < write.replay_safe_for:
            return
        wait = write.settle + self._limits.late_effect - age
        if wait > timedelta(0):
            await self._journal.release(write.spec)
            raise OutcomeUnknown("not_settled", retry_after=wait)

    async def _refuse_absence(self, write: Undo[T], do_row: WriteRow | None) -> None:
        if do_row is None or do_row.last_sent_at is None:
            return
        if do_row.state in (WriteState.REJECTED, WriteState.DONE):
            return
        wait = write.settle + self._limits.late_effect - (self._now() - do_row.last_sent_at)
        if wait > timedelta(0):
            await self._journal.release(write.spec)
            raise OutcomeUnknown("late_effect_possible", retry_after=wait)

    def _revision(self, row: WriteRow) -> int:
        """A refused request sent anew needs a new vendor key; an unknown one keeps its key."""
        return row.revision + 1 if row.state is WriteState.REJECTED else row.revision

    async def _record(self, write: Write[T], result: T, how: str) -> T:
        await self._journal.done(write.spec, result.model_dump_json(), how, write.effects(result))
        return result

    async def _act(self, write: Write[T], row: WriteRow, key: str) -> T:
        try:
            outcome = await write.act(key)
        except ContractDrift as drift:
            # It may be the answer to the write itself that was not understood.
            raise await self._lost(write, Unknown(drift.code)) from drift
        except TransportError as error:
            if _is_open(row):
                mark_effect_possible(error)
            await self._journal.not_sent(write.spec)
            raise
        except StepRejected as refusal:
            await self._journal.rejected(write.spec, refusal.code, refusal.evidence)
            raise
        except Exception as bug:
            mark_effect_possible(bug)
            raise
        match outcome:
            case Done(value=value):
                return await self._record(write, value, "created")
            case Rejected():
                await self._journal.rejected(write.spec, outcome.code, outcome.evidence)
                raise StepRejected.of(outcome)
            case Unknown():
                raise await self._lost(write, outcome)

    async def _lost(self, write: Write[T], outcome: Unknown) -> OutcomeUnknown:
        row = await self._journal.unknown(write.spec, outcome.code)
        first = row.first_sent_at or self._now()
        exhausted = (
            row.unknowns >= self._limits.unknown_budget
            and self._now() - first >= self._limits.unknown_for
        )
        backoff = self._limits.first_delay * (2 ** min(row.unknowns - 1, 8))
        return OutcomeUnknown(
            outcome.code,
            retry_after=max(outcome.retry_after or timedelta(0), backoff),
            exhausted=exhausted,
            system=write.spec.system,
            step=write.spec.step,
        )


def _refuse_personal(result_type: type[BaseModel]) -> None:
    found = personal_field(result_type)
    if found:
        raise InvariantBroken("personal_data_in_result", field=found)


async def _never(_: object) -> bool:
    return False


async def _nothing(_: object) -> Effects:
    return Effects()


def _may_have_acted(do_row: WriteRow | None) -> bool:
    """Whether the act was sent, whatever was heard of it."""
    return do_row is not None and do_row.state is not WriteState.INTENT


def _is_open(row: WriteRow) -> bool:
    """Whether an attempt before this one was sent and nobody knows what became of it."""
    return row.state in (WriteState.SENT, WriteState.UNKNOWN)
