"""Alembic's entry: migrates the database that DEALTHREAD_DATABASE_URL names."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import create_engine, text

from dealthread.store import (
    schema_adoption,
    schema_checks,
    schema_circuits,
    schema_closing,
    schema_recognition,
    schema_services,
    schema_summaries,
    schema_usage,
)

TABLES = (
    schema_adoption,
    schema_checks,
    schema_circuits,
    schema_closing,
    schema_recognition,
    schema_services,
    schema_summaries,
    schema_usage,
)
"""Every module that adds tables to the metadata they share."""

LOCK_TIMEOUT = "5s"
"""A migration that cannot get its lock gives up instead of queueing everybody behind it."""


def run() -> None:
    """Connect and migrate in one transaction."""
    url = os.environ.get("DEALTHREAD_DATABASE_URL", "")
    if not url:
        raise SystemExit(
            "DEALTHREAD_DATABASE_URL: set it to the database to migrate, e.g. "
            "postgresql://user@host/dealthread"
        )
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        context.configure(
            connection=connection,
            target_metadata=TABLES[0].metadata,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
