"""What is kept of a write of a customer's record before it is sent: which fields it changes, of
which subscribers hear, and whether it makes the record, which an undo then takes out of use.

The attempt after a lost answer finds the record as it should be, and cannot see what it was, nor
who made it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dealthread.domain.base import System
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.documents import BillingCustomer, ErpCustomer
from dealthread.domain.event_data.service import AccountUpdated
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.ensure import Ensure
from dealthread.errors import ContractDrift, TransportError
from dealthread.hub import Effects, WriteRow, WriteState
from dealthread.naming import event_id
from dealthread.outcome import Done, Outcome, Rejected
from dealthread.ports.clock import BusinessClock
from dealthread.ports.noting import NoteFields, NoteMaking

T = TypeVar("T", BillingCustomer, ErpCustomer)

MADE_HERE = "made_here"
"""Kept beside the names of fields, and told to nobody."""


class AccountChange:
    """What one write changes of one customer's record, over all its attempts."""

    def __init__(
        self, ensure: Ensure, do_key: str, system: System, customer_key: str, clock: BusinessClock
    ) -> None:
        self._ensure = ensure
        self._key = do_key
        self._system = system
        self._customer_key = customer_key
        self._clock = clock
        self._changed: frozenset[CustomerField] = frozenset()
        self._is_made_here = False

    async def made_by(
        self, write: Callable[[NoteFields, NoteMaking], Awaitable[Outcome[T]]]
    ) -> Outcome[T]:
        """The write's outcome; a record that any attempt made is created by this write. What a
        refusal says was not written is kept neither as changed nor as made."""
        await self._recall()
        earlier, was_made_here = self._changed, self._is_made_here
        differing: frozenset[CustomerField] = frozenset()

        async def note(fields: frozenset[CustomerField]) -> None:
            nonlocal differing
            differing = fields
            await self._keep(earlier | fields, self._is_made_here)

        async def making() -> None:
            await self._keep(self._changed, True)

        try:
            outcome = await write(note, making)
        except ContractDrift:
            raise  # it may be the answer to the write itself that was not understood
        except TransportError:
            await self._keep(self._changed, was_made_here)
            raise
        if isinstance(outcome, Rejected):
            await self._keep(earlier - differing, was_made_here)
        if isinstance(outcome, Done) and self._is_made_here:
            return Done(outcome.value.model_copy(update={"created": True}))
        return outcome

    async def is_of_an_older_record(self) -> bool:
        """Whether the write met a record that was there before it and was not as it should be."""
        await self._recall()
        return bool(self._changed) and not self._is_made_here

    async def when_stopped(self, do: WriteRow | None) -> Effects:
        """What is left to tell where the run was stopped before it knew what became of the write:
        a customer's record is left as it is, and may have changed."""
        if do is None or do.state is WriteState.DONE:
            return Effects()
        await self._recall()
        return Effects(events=self.events())

    async def _recall(self) -> None:
        """What any attempt has kept."""
        words = set(await self._ensure.noted(self._key))
        self._is_made_here = MADE_HERE in words
        self._changed = frozenset(CustomerField(name) for name in words - {MADE_HERE})

    async def _keep(self, changed: frozenset[CustomerField], is_made_here: bool) -> None:
        if (changed, is_made_here) == (self._changed, self._is_made_here):
            return
        self._changed, self._is_made_here = changed, is_made_here
        words = changed | {MADE_HERE} if is_made_here else changed
        await self._ensure.note(self._key, sorted(words))

    def events(self) -> tuple[BusinessEvent, ...]:
        """One for each run and system that changed anything, told with the write's result. A record
        that the write made is no change, whatever was to be put right in it after."""
        if not self._changed or self._is_made_here:
            return ()
        return (
            BusinessEvent(
                id=event_id(self._key.removesuffix("do") + "told"),
                type=EventType.ACCOUNT_UPDATED,
                subject=self._customer_key,
                time=self._clock.now(),
                data=AccountUpdated(
                    customer_key=self._customer_key,
                    system=self._system,
                    changed_fields=tuple(sorted(self._changed)),
                ).told(),
            ),
        )
