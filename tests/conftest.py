"""Fixtures that several kinds of test share."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dealthread.stack.postgres import Postgres, PostgresProgram

ROOT = Path(__file__).resolve().parent.parent
pytest_plugins = [
    "tests.plugins.allowed_skips",
    "tests.plugins.interruptions",
    "tests.plugins.property_profiles",
    "tests.plugins.serving",
    "tests.plugins.stripe_judge",
    "tests.plugins.stuck_tests",
    "tests.plugins.temporal_servers",
    "tests.plugins.told_events",
    "tests.plugins.worker_groups",
]


def migrate(url: str) -> None:
    """Bring a database to the newest migration, as `make migrate` does."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=os.environ | {"DEALTHREAD_DATABASE_URL": url},
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test session, in a short temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="dt-pg-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        base.chmod(0o755)
        with PostgresProgram(base / "data", base / "s").running(durable=False) as server:
            server.ensure_role("dealthread")
            yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """Name of a database at the newest migration, to be cloned."""
    postgres.ensure_database("golden", "dealthread")
    migrate(postgres.url("golden", "dealthread"))
    return "golden"


_serial = iter(range(1, 1_000_000))


@pytest.fixture
def database_url(postgres: Postgres, migrated: str) -> Iterator[str]:
    """A fresh migrated database for one test."""
    name = f"t{next(_serial)}"
    with postgres.connect() as session:
        session.execute(
            f"CREATE DATABASE {name} TEMPLATE {migrated} OWNER dealthread STRATEGY file_copy"
        )
    yield postgres.url(name, "dealthread")
    with postgres.connect() as session:
        session.execute(f"DROP DATABASE {name} WITH (FORCE)")
