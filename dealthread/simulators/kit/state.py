"""Keeping a simulated world: written soon after a change, whole as a snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.state_store import Row, StateRefused, StateStore

# At most this long is a change not yet kept, as long as a save is quick.
SAVE_SECONDS = 0.5
# A save of a large world takes at most this share of the time.
SAVE_SHARE = 0.05

Place = tuple[str, str]
"""The part and the key of a row."""

logger = logging.getLogger(__name__)


class KeptWorld(Protocol):
    """A world that can be written down and read back."""

    def rows(self) -> Iterator[Row]:
        """Everything that exists, older things first."""
        ...

    def restore(self, rows: Iterable[Row]) -> None:
        """Replace everything by what was written down. Raises ValueError for a foreign world."""
        ...


class Keeper:
    """Writes the rows that changed, never more often than twice a second."""

    def __init__(self, world: KeptWorld, store: StateStore) -> None:
        self._world = world
        self._store = store
        self._known: dict[Place, int] = {}
        self._told: dict[Place, str | None] = {}
        self._must_compare = False
        self._must_replace = False
        self._dirty = asyncio.Event()
        self._stopping = asyncio.Event()

    def load(self) -> bool:
        """Read what was kept into the world; False when nothing was."""
        rows = self._store.read()
        if not rows:
            return False
        self._world.restore(rows)
        self._known = {(row.part, row.key): hash(row.body) for row in rows}
        return True

    def mark(self) -> None:
        """Something changed: all is compared with what is known."""
        self._must_compare = True
        self._dirty.set()

    def tell(self, changes: Mapping[Place, str | None]) -> None:
        """These rows now say this; None for one that is gone."""
        self._told.update(changes)
        self._dirty.set()

    def start_over(self) -> None:
        """The world was replaced as a whole."""
        self._must_replace = True
        self._dirty.set()

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Save while inside, and once more on the way out."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping.set()
            self._dirty.set()
            await task
            self._store.close()

    async def _run(self) -> None:
        pause = SAVE_SECONDS
        while not self._stopping.is_set():
            await self._dirty.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            began = SimClock.monotonic()
            try:
                await self._save()
            except StateRefused as exc:
                logger.error("the state was not kept, trying again: %s", exc)
            pause = max(SAVE_SECONDS, (SimClock.monotonic() - began) / SAVE_SHARE)
        await self._save()

    async def _save(self) -> None:
        """Write the difference to what is known; raises StateRefused and tries it all again."""
        self._dirty.clear()
        told, self._told = self._told, {}
        compares, is_new = self._must_compare, self._must_replace
        self._must_compare = self._must_replace = False
        changes = self._all_changes(is_new) if compares or is_new else self._news_in(told)
        if not changes and not is_new:
            return
        try:
            await asyncio.to_thread(self._store.write, changes, is_new=is_new)
        except StateRefused:
            self._must_compare, self._must_replace = True, self._must_replace or is_new
            self._dirty.set()
            raise
        if is_new:
            self._known = {}
        for place, body in changes.items():
            if body is None:
                self._known.pop(place, None)
            else:
                self._known[place] = hash(body)

    def _all_changes(self, is_new: bool) -> dict[Place, str | None]:
        known = {} if is_new else self._known
        changes: dict[Place, str | None] = {}
        gone = set(known)
        for part, key, body in self._world.rows():
            gone.discard((part, key))
            if known.get((part, key)) != hash(body):
                changes[part, key] = body
        changes.update(dict.fromkeys(gone))
        return changes

    def _news_in(self, told: Mapping[Place, str | None]) -> dict[Place, str | None]:
        return {
            place: body
            for place, body in told.items()
            if body is None or self._known.get(place) != hash(body)
        }
