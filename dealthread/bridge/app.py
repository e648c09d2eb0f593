"""The bridge: webhooks in, process API, health. Handlers hold no business logic."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from starlette.responses import JSONResponse
from temporalio.client import Client

from dealthread.bridge import (
    acceptance_api,
    adoption_api,
    api,
    checking,
    circuits_api,
    closing_api,
    codec_server,
    collections_api,
    contract_check_api,
    contracts_api,
    customers_api,
    events_api,
    inbox_api,
    intake,
    invoices_api,
    money_api,
    previewing,
    problems,
    receipts_api,
    recognition_api,
    service_levels_api,
    summaries_api,
    usage_api,
    usage_views,
    write_off_api,
)
from dealthread.bridge.resources import Resources
from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.domain.catalog import ConfigSet
from dealthread.errors import VendorUnavailable
from dealthread.settings import Settings
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.changes import PostgresChanges
from dealthread.store.contract_reading import ContractReading
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine
from dealthread.store.inbox_writer import InboxWriter
from dealthread.store.pursuits import PostgresPursuits
from dealthread.store.reading import Reading
from dealthread.store.runs import Runs
from dealthread.store.usage import PostgresUsage
from dealthread.temporal import connect

log = structlog.get_logger()
POOL_SIZE = 10
POOL_WAIT_SECONDS = 5.0


def _connection(settings: Settings) -> Callable[[], Awaitable[Client]]:
    made: list[Client] = []

    async def connection() -> Client:
        if not made:
            made.append(await connect(settings))
        return made[0]

    return connection


def _configuration(settings: Settings) -> Callable[[], ConfigSet]:
    source = ConfigSource(settings.config_dir)

    def current() -> ConfigSet:
        try:
            return source.current()
        except ConfigInvalid:
            log.error("config_invalid", problems=len(source.problems))
            raise VendorUnavailable("configuration_invalid") from None

    return current


def create_app(settings: Settings, now: Callable[[], float] = time.time) -> FastAPI:
    """The application; connections are made when it starts. `now` is the machine's time."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = settings.database_url.get_secret_value()
        engine = create_engine(url)
        pool = AsyncConnectionPool(
            url.replace("postgresql+psycopg://", "postgresql://"),
            min_size=1,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_SECONDS,
            open=False,
        )
        await pool.open()
        app.state.resources = Resources(
            settings=settings,
            principals=settings.principals(),
            engine=engine,
            pool=pool,
            inbox=InboxWriter(pool),
            runs=Runs(engine),
            cases=PostgresCases(engine),
            reading=Reading(engine),
            contracts=PostgresContracts(engine),
            changes=PostgresChanges(engine),
            contract_reading=ContractReading(engine),
            pursuits=PostgresPursuits(engine),
            bills=PostgresBills(engine),
            usage=PostgresUsage(engine),
            config=_configuration(settings),
            temporal=_connection(settings),
            now=now,
        )
        try:
            yield
        finally:
            await app.state.resources.inbox.aclose()
            await pool.close()
            await engine.dispose()

    app = FastAPI(
        title="Dealthread",
        version="1",
        summary="Deals from closed won to money in the ledger.",
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(intake.router)
    app.include_router(api.router)
    app.include_router(checking.router)
    app.include_router(contracts_api.router)
    app.include_router(contract_check_api.router)
    app.include_router(customers_api.router)
    app.include_router(previewing.router)
    app.include_router(collections_api.router)
    app.include_router(invoices_api.router)
    app.include_router(write_off_api.router)
    app.include_router(summaries_api.router)
    app.include_router(receipts_api.router)
    app.include_router(acceptance_api.router)
    app.include_router(recognition_api.router)
    app.include_router(closing_api.router)
    app.include_router(adoption_api.router)
    app.include_router(usage_api.router)
    app.include_router(usage_views.router)
    app.include_router(events_api.router)
    app.include_router(inbox_api.router)
    app.include_router(circuits_api.router)
    app.include_router(money_api.router)
    app.include_router(service_levels_api.router)
    app.include_router(codec_server.router)

    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    async def readyz() -> JSONResponse:
        """The store answers: messages can be accepted. Temporal is not needed for that."""
        held: Resources = app.state.resources
        async with held.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return JSONResponse({"status": "ready"})

    return app
