"""What the bridge's handlers share, made when it starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.catalog import ConfigSet
from dealthread.settings import Principal, Settings
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.contract_reading import ContractReading
from dealthread.store.contracts import PostgresContracts
from dealthread.store.inbox_writer import InboxWriter
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.reading import Reading
from dealthread.store.runs import Runs
from dealthread.store.usage import PostgresUsage


@dataclass(frozen=True)
class Resources:
    """One bundle per process."""

    settings: Settings
    principals: dict[str, Principal]
    engine: AsyncEngine
    pool: AsyncConnectionPool
    inbox: InboxWriter
    runs: Runs
    cases: PostgresCases
    reading: Reading
    contracts: PostgresContracts
    changes: PostgresChanges
    contract_reading: ContractReading
    pursuits: PostgresPursuits
    bills: PostgresBills
    usage: PostgresUsage
    config: Callable[[], ConfigSet]
    """Finance's configuration as it stands."""
    temporal: Callable[[], Awaitable[Client]]
    """A connection to Temporal, made at the first question that needs one."""
    now: Callable[[], float]
    """Machine time in seconds since 1970, for the age of signatures."""


async def resources_of(request: Request) -> Resources:
    """Dependency of the handlers. Asynchronous: a plain one would take a thread per request."""
    held: Resources = request.app.state.resources
    return held
