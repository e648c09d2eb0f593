"""Who posts for a company: the process whose session holds the company's lock in PostgreSQL.

One session of a process holds all of its locks. They are free at once when that process ends,
however it ends; the next one to look takes them. A session that does not answer is given up: its
process stops asking for work of every company, whether or not the server has noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = structlog.get_logger()

ANSWER_SECONDS = 5.0
"""In which the session has to answer; above it the locks count as lost."""
_KEEPALIVE = (
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 2",
)
"""A machine that vanished without a word is noticed by the server in a quarter of a minute."""
_TAKE = text(
    "SELECT name FROM unnest(CAST(:names AS text[])) AS name "
    "WHERE pg_try_advisory_lock(hashtextextended(name, 7))"
)
_ALIVE = text("SELECT 1")
_GIVE_BACK = text("SELECT pg_advisory_unlock_all()")


class Posters:
    """The companies, by their task queue, that this process posts for."""

    def __init__(self, engine: AsyncEngine, queues: Sequence[str]) -> None:
        self._engine = engine
        self._queues = tuple(queues)
        self._held: frozenset[str] = frozenset()
        self._session: AsyncConnection | None = None
        self._listeners: list[Callable[[], None]] = []

    def listen(self, changed: Callable[[], None]) -> None:
        """`changed` is called on the event loop when companies were won or lost."""
        self._listeners.append(changed)

    def holds(self, queue: str) -> bool:
        """Whether this process posts for it."""
        return queue in self._held

    async def tick(self) -> None:
        """Take what nobody holds; notice where the session is gone."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                session = self._session or await self._open()
                free = [queue for queue in self._queues if queue not in self._held]
                if free:
                    won = (await session.execute(_TAKE, {"names": free})).scalars()
                    self._now_held(self._held | set(won))
                else:
                    await session.execute(_ALIVE)
        except (SQLAlchemyError, OSError) as error:
            # TimeoutError is an OSError.
            log.warning("posters_lost", error=type(error).__name__, companies=len(self._held))
            self._now_held(frozenset())
            await self._drop()

    async def aclose(self) -> None:
        """Give all back: at once, not when the server has noticed that the session is gone."""
        self._now_held(frozenset())
        if self._session is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._session.execute(_GIVE_BACK)
        await self._drop()

    async def _open(self) -> AsyncConnection:
        session = await self._engine.connect()
        self._session = await session.execution_options(isolation_level="AUTOCOMMIT")
        for line in _KEEPALIVE:
            await session.execute(text(line))
        return session

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    # Not back to the pool: the locks go with the session.
                    await session.invalidate()
                    await session.close()

    def _now_held(self, held: frozenset[str]) -> None:
        if held == self._held:
            return
        self._held = held
        log.info("posting_for", queues=sorted(held))
        for changed in self._listeners:
            changed()
