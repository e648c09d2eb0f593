"""RS-07: of several processes exactly one posts for a company; the next takes over when it ends."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.store.posters import Posters

pytestmark = pytest.mark.postgres
QUEUES = ("dealthread-erp-tryton.1", "dealthread-erp-tryton.2")


def holders(*posters: Posters) -> list[list[bool]]:
    return [[one.holds(queue) for queue in QUEUES] for one in posters]


async def test_one_of_two_posts_and_the_other_takes_over_when_it_ends(
    shared_engine: AsyncEngine,
) -> None:
    first, second = Posters(shared_engine, QUEUES), Posters(shared_engine, QUEUES)
    heard: list[str] = []
    second.listen(lambda: heard.append("changed"))
    try:
        for _ in range(2):
            await first.tick()
            await second.tick()
        assert holders(first, second) == [[True, True], [False, False]]
        assert heard == []
        await first.aclose()
        assert holders(first, second) == [[False, False], [False, False]]
        await second.tick()
        assert holders(first, second) == [[False, False], [True, True]]
        assert heard == ["changed"]
    finally:
        await first.aclose()
        await second.aclose()


async def test_a_company_that_only_one_of_them_knows_is_not_lost(
    shared_engine: AsyncEngine,
) -> None:
    old, new = Posters(shared_engine, QUEUES[:1]), Posters(shared_engine, QUEUES)
    try:
        await old.tick()
        await new.tick()
        assert holders(old, new) == [[True, False], [False, True]]
    finally:
        await old.aclose()
        await new.aclose()


async def test_a_session_that_is_gone_is_noticed_and_never_two_post(
    shared_engine: AsyncEngine,
) -> None:
    first, second = Posters(shared_engine, QUEUES), Posters(shared_engine, QUEUES)
    try:
        await first.tick()
        async with shared_engine.begin() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND pid <> pg_backend_pid() "
                    "AND database = (SELECT oid FROM pg_database "
                    "WHERE datname = current_database())"
                )
            )
        await first.tick()
        assert holders(first) == [[False, False]], "it stops before it asks again"
        await second.tick()
        await first.tick()
        assert holders(first, second) == [[False, False], [True, True]]
    finally:
        await first.aclose()
        await second.aclose()
