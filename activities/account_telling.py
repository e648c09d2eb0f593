"""What subscribers hear of a customer's record that was brought up to date: which fields changed.

The names are kept before the write, since the attempt after a lost answer finds the record as it
should be and cannot see what it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel

from dealthread.domain.base import System
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.event_data.service import AccountUpdated
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.ensure import Ensure
from dealthread.hub import Effects, WriteRow, WriteState
from dealthread.naming import event_id
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.clock import BusinessClock
from dealthread.ports.noting import NoteFields

T = TypeVar("T", bound=BaseModel)


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

    async def made_by(self, write: Callable[[NoteFields], Awaitable[Outcome[T]]]) -> Outcome[T]:
        """The write's outcome. What a refusal says was not written is not kept as changed."""
        earlier = await self._noted()
        self._changed = earlier
        differing: frozenset[CustomerField] = frozenset()

        async def note(fields: frozenset[CustomerField]) -> None:
            nonlocal differing
            differing = fields
            self._changed = earlier | fields
            await self._ensure.note(self._key, sorted(self._changed))

        outcome = await write(note)
        if isinstance(outcome, Rejected) and differing:
            self._changed = earlier - differing
            await self._ensure.note(self._key, sorted(self._changed))
        return outcome

    async def is_of_an_older_record(self) -> bool:
        """Whether the write met a record that was there before it and was not as it should be."""
        return bool(await self._noted())

    async def when_stopped(self, do: WriteRow | None) -> Effects:
        """What is left to tell where the run was stopped before it knew what became of the write:
        a customer's record is left as it is, and may have changed."""
        if do is None or do.state is WriteState.DONE:
            return Effects()
        self._changed = await self._noted()
        return Effects(events=self.events())

    async def _noted(self) -> frozenset[CustomerField]:
        return frozenset(CustomerField(name) for name in await self._ensure.noted(self._key))

    def events(self) -> tuple[BusinessEvent, ...]:
        """One for each run and system that changed anything, told with the write's result."""
        if not self._changed:
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
