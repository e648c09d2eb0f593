"""DM-01: the migrations make the schema that the code reads, and can be taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).resolve().parents[2]


def alembic(url: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=ROOT,
        env=os.environ | {"DEALTHREAD_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables(url: str) -> set[str]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_code_and_migrations_agree_and_the_way_down_leads_up_again(database_url: str) -> None:
    assert "No new upgrade operations" in alembic(database_url, "check")
    before = tables(database_url)
    alembic(database_url, "downgrade", "base")
    assert tables(database_url) == {"alembic_version"}
    alembic(database_url, "upgrade", "head")
    assert tables(database_url) == before
    assert "No new upgrade operations" in alembic(database_url, "check")
