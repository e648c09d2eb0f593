"""One engine per process, made by the entry point and passed down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

RECYCLE_SECONDS = 1800


def create_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for `postgresql+psycopg://…`; a plain `postgresql://` is understood too."""
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        # What is written is nobody's business who reads an error.
        hide_parameters=True,
        # No ping at each check-out: it doubled the transactions of a deal (docs/performance.md).
        # A connection that died fails one transaction, which is repeated; the pool then drops all.
        pool_recycle=RECYCLE_SECONDS,
    )


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, committed at the end, rolled back on any error."""
    async with engine.begin() as connection:
        yield connection
