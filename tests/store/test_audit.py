"""OB-10: whoever edits, deletes, inserts or reorders an entry of the audit log is found out."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store.audit import append, first_broken

pytestmark = pytest.mark.postgres
STREAM, OTHER = "C-ABCDEFGHIJKLM", "C-NOPQRSTUVWXYZ"


async def add(store: AsyncEngine, stream: str = STREAM, number: int = 0) -> None:
    async with store.begin() as connection:
        await append(
            connection,
            stream,
            "write.done",
            key=f"key-{number}",
            actor="saga",
            detail={"how": "created", "größe": number, "nested": [None, True, {"a": "b"}]},
        )


@pytest.fixture
async def chain(store: AsyncEngine) -> AsyncEngine:
    """Six entries of one contract, and as many of another between them."""
    for number in range(6):
        await add(store, STREAM, number)
        await add(store, OTHER, number)
    return store


async def broken(store: AsyncEngine, stream: str = STREAM) -> int | None:
    async with store.connect() as connection:
        return await first_broken(connection, stream)


async def test_an_untouched_chain_is_whole(chain: AsyncEngine) -> None:
    assert (await broken(chain), await broken(chain, OTHER), await broken(chain, "none")) == (
        None,
        None,
        None,
    )


async def test_entries_written_at_once_are_one_gapless_chain(store: AsyncEngine) -> None:
    await asyncio.gather(*(add(store, STREAM, number) for number in range(15)))
    assert await broken(store) is None
    async with store.connect() as connection:
        rows = await connection.execute(text("SELECT seq FROM audit ORDER BY seq"))
        assert list(rows.scalars()) == list(range(1, 16))


@pytest.mark.parametrize(
    ("statements", "first"),
    [
        (["UPDATE audit SET actor = 'x' WHERE {mine} AND seq = 3"], 3),
        (["UPDATE audit SET event = 'x' WHERE {mine} AND seq = 1"], 1),
        (["UPDATE audit SET key = 'x' WHERE {mine} AND seq = 6"], 6),
        (["UPDATE audit SET at = at + interval '1 second' WHERE {mine} AND seq = 4"], 4),
        (["UPDATE audit SET detail = '{}' WHERE {mine} AND seq = 2"], 2),
        (["UPDATE audit SET hash = repeat('0', 64) WHERE {mine} AND seq = 2"], 2),
        (["UPDATE audit SET previous_hash = repeat('1', 64) WHERE {mine} AND seq = 2"], 2),
        (["DELETE FROM audit WHERE {mine} AND seq = 1"], 2),
        (["DELETE FROM audit WHERE {mine} AND seq = 3"], 4),
        # deleted, and the rest moved up
        (
            [
                "DELETE FROM audit WHERE {mine} AND seq = 3",
                "UPDATE audit SET seq = seq + 100 WHERE {mine} AND seq > 3",
                "UPDATE audit SET seq = seq - 101 WHERE {mine} AND seq > 100",
            ],
            3,
        ),
        # two entries change places
        (
            [
                "UPDATE audit SET seq = 102 WHERE {mine} AND seq = 2",
                "UPDATE audit SET seq = 2 WHERE {mine} AND seq = 5",
                "UPDATE audit SET seq = 5 WHERE {mine} AND seq = 102",
            ],
            2,
        ),
        # an entry of another contract put in
        (
            [
                "DELETE FROM audit WHERE {mine} AND seq = 4",
                "UPDATE audit SET {mine} WHERE {other} AND seq = 4",
            ],
            4,
        ),
        # an invented entry at the end, with a made-up hash
        (
            [
                "INSERT INTO audit SELECT stream, 7, at, actor, event, key, detail, hash, hash "
                "FROM audit WHERE {mine} AND seq = 6"
            ],
            7,
        ),
    ],
)
async def test_tampering_is_found_at_its_first_entry(
    chain: AsyncEngine, statements: list[str], first: int
) -> None:
    async with chain.begin() as connection:
        for statement in statements:
            named = statement.replace("{mine}", f"stream = '{STREAM}'")
            named = named.replace("{other}", f"stream = '{OTHER}'")
            await connection.execute(text(named))
    assert await broken(chain) == first


async def test_an_entry_that_is_rolled_back_leaves_no_gap(store: AsyncEngine) -> None:
    await add(store)
    async with store.connect() as connection:
        await append(connection, STREAM, "write.done", key="k", actor="saga", detail={})
        await connection.rollback()
    await add(store)
    assert await broken(store) is None
