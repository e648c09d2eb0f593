"""DM-01: the migrations make the schema that the code reads, and can be taken back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine as create_async
from tests.support.running_contract import running_contract

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


async def test_a_contract_accepted_before_versions_were_kept_stands_as_its_first(
    database_url: str,
) -> None:
    engine = create_async(database_url)
    contract = await running_contract(engine)
    alembic(database_url, "downgrade", "0001")
    alembic(database_url, "upgrade", "head")
    assert await PostgresContracts(engine).version(contract.key, 1) == contract
    first = f"quote-to-cash:{contract.org}:{contract.deal_id}"
    assert await PostgresChanges(engine).version_of(first) == 1
    await engine.dispose()


def test_who_bought_is_taken_out_of_what_the_journal_kept_of_payments(database_url: str) -> None:
    """Rows that an older version wrote; others stay as they are, to the letter."""
    alembic(database_url, "downgrade", "0017")
    buyer = {"name": "Karla Beispiel", "address": {"city": "Hamburg"}, "tax_ids": []}
    kept = {"payments": [], "remaining": {"amount": "0.10", "currency": "EUR"}, "number": "N-1"}
    record, other = "billing.record_payment", '{"buyer":  "not ours to touch"}'
    rows = {
        "a": (record, json.dumps(kept | {"buyer": buyer})),
        "b": (record, json.dumps(kept)),
        "c": (record, None),
        "d": ("crm.write_back", other),
    }
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    insert = text(
        """INSERT INTO journal (key, business_key, generation, contract_key, step, system, account,
            state, request_hash, result)
        VALUES (:key, 'receipt:US01:1', 1, 'C-1', :step, 'billing', 'acct', 'done', 'h', :result)"""
    )
    with engine.begin() as connection:
        for key, (step, result) in rows.items():
            connection.execute(insert, {"key": key, "step": step, "result": result})
    alembic(database_url, "upgrade", "head")
    with engine.connect() as connection:
        found = dict(connection.execute(text("SELECT key, result FROM journal")).all())
    engine.dispose()
    assert json.loads(found.pop("a")) == kept
    assert found == {key: rows[key][1] for key in ("b", "c", "d")}
