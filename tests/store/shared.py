"""One database for many tests: emptied between them, which is quicker than a new one for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.stack.postgres import Postgres
from dealthread.store.engine import create_engine
from dealthread.store.schema import metadata

_serial = count(1)


@pytest.fixture(scope="session")
def shared_url(postgres: Postgres, migrated: str) -> Iterator[str]:
    """Address of the shared database of a folder of tests."""
    name = f"shared_store_{next(_serial)}"
    with postgres.connect() as session:
        session.execute(
            f"CREATE DATABASE {name} TEMPLATE {migrated} OWNER dealthread STRATEGY file_copy"
        )
    yield postgres.url(name, "dealthread")
    with postgres.connect() as session:
        session.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="session")
async def shared_engine(shared_url: str) -> AsyncIterator[AsyncEngine]:
    """Connections to it for the whole session."""
    made = create_engine(shared_url, pool_size=20)
    yield made
    await made.dispose()


async def empty(engine: AsyncEngine) -> None:
    """Take out what other tests left."""
    async with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(text(f'DELETE FROM "{table.name}"'))  # noqa: S608 our names


@pytest_asyncio.fixture
async def store(shared_engine: AsyncEngine) -> AsyncEngine:
    """The shared database, empty."""
    await empty(shared_engine)
    return shared_engine
