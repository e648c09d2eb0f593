"""The one hot insert of the system, committed in groups.

Messages that arrive while a commit is under way go into the next one; each caller is answered
after the commit of his own. Measured on PostgreSQL: twice the messages a second of one
transaction each (docs/performance.md). No ORM here: psycopg alone costs half.
"""

from __future__ import annotations

import asyncio

from psycopg import DataError
from psycopg_pool import AsyncConnectionPool

from dealthread.store.inbox import InboxMessage

AT_ONCE = 2
"""Statements under way: one fills while the other commits."""
LARGEST = 200
"""Requests in one statement."""

_INSERT = """
INSERT INTO inbox (source, account, message_id, content_type, body, state)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[])
ON CONFLICT (source, account, message_id) DO NOTHING
RETURNING source, account, message_id
"""

Key = tuple[str, str, str]


def _key(message: InboxMessage) -> Key:
    return (message.source, message.account, message.message_id)


class _Waiting:
    """The messages of one request, stored together or not at all, and its answer."""

    def __init__(self, messages: list[InboxMessage]) -> None:
        self.messages = messages
        self.answer: asyncio.Future[list[bool]] = asyncio.get_running_loop().create_future()


class InboxWriter:
    """Stores verified messages. True is told for each message that is new."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._flushing: set[asyncio.Task[None]] = set()

    async def store(self, messages: list[InboxMessage]) -> list[bool]:
        """Store all of these or none. Committed on return."""
        request = _Waiting(messages)
        self._waiting.append(request)
        if len(self._flushing) < AT_ONCE:
            task = asyncio.create_task(self._flush())
            self._flushing.add(task)
            task.add_done_callback(self._flushing.discard)
        return await request.answer

    async def aclose(self) -> None:
        """Wait for the commits under way; call it before the pool is closed."""
        if self._flushing:
            await asyncio.gather(*self._flushing, return_exceptions=True)

    async def _flush(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
            try:
                await self._insert(group)
            except (DataError, ValueError):
                # One message that cannot be stored must not take its neighbours with it.
                await self._one_by_one(group)
            except BaseException as error:
                _fail(group, error)
                if not isinstance(error, Exception):
                    raise

    async def _one_by_one(self, group: list[_Waiting]) -> None:
        for request in group:
            try:
                await self._insert([request])
            except Exception as error:  # noqa: BLE001 - it goes to the request that caused it
                _fail([request], error)

    async def _insert(self, group: list[_Waiting]) -> None:
        # In one order for everybody: two statements that overlap would else wait for each other.
        messages = sorted((m for request in group for m in request.messages), key=_key)
        columns = [
            [message.source for message in messages],
            [message.account for message in messages],
            [message.message_id for message in messages],
            [message.content_type for message in messages],
            [message.body for message in messages],
            [message.state.value for message in messages],
        ]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_INSERT, columns)
            new: set[Key] = set(await cursor.fetchall())
        for request in group:
            told = []
            for message in request.messages:
                key = _key(message)
                told.append(key in new)
                # A second copy in the same group is a duplicate of the first.
                new.discard(key)
            if not request.answer.done():
                request.answer.set_result(told)


def _fail(group: list[_Waiting], error: BaseException) -> None:
    for request in group:
        if not request.answer.done():
            request.answer.set_exception(error)
