"""EV-09: there is no job that copies tables, and no event that is a row of one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table

from dealthread.domain.event_data.catalogue import CATALOGUE
from dealthread.domain.events import EventType
from dealthread.stack.postgres import Postgres
from dealthread.store.schema import metadata, outbox

ROOT = Path(__file__).resolve().parents[2]
OURS = ("activities", "adapters", "dealthread", "migrations", "workers", "workflows")
MOST = 0.6
"""Of a table's columns that one event may have in common with it: keys, amounts and dates of the
business are in both. A copy of a row has all of them."""
WORDS_OF_ROWS = ("changed_at", "created_at", "body", "attempts", "hash", "sequence", "row")


def shared(table: Table, fields: set[str]) -> float:
    """Which part of a table's columns an event has."""
    columns = set(table.columns.keys())
    return len(columns & fields) / len(columns)


def copied(fields: set[str]) -> list[str]:
    """Tables of which an event with these fields would be a copy."""
    return [table.name for table in metadata.tables.values() if shared(table, fields) > MOST]


@pytest.mark.parametrize("kind", list(EventType), ids=lambda kind: kind.value)
def test_no_event_is_a_row_of_a_table(kind: EventType) -> None:
    """Its fields are the model's, of which none is a word that only storage has."""
    fields = set(CATALOGUE[kind].data.model_fields)
    assert copied(fields) == []
    assert fields.isdisjoint(WORDS_OF_ROWS)
    assert CATALOGUE[kind].data.model_config["extra"] == "forbid"


def test_a_copy_would_be_noticed() -> None:
    for table in metadata.tables.values():
        assert table.name in copied(set(table.columns.keys()))
    assert set(WORDS_OF_ROWS) - {"row"} <= {
        column
        for table in metadata.tables.values()
        for column in table.columns.keys()  # noqa: SIM118 no dict
    }


def test_one_function_writes_events() -> None:
    """`store.outbox.publish`, which takes an event and no row."""
    writers = set()
    for path in _sources():
        if "outbox" not in path.read_text("utf-8"):
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and _writes_the_outbox(call):
                writers.add(path.relative_to(ROOT).as_posix())
    assert writers == {"dealthread/store/outbox.py"}


def _writes_the_outbox(call: ast.Call) -> bool:
    """`insert(outbox)` or `update(outbox)`, or SQL that says so."""
    named = isinstance(call.func, ast.Name) and call.func.id in ("insert", "update")
    if named and isinstance(call.args[0], ast.Name) and call.args[0].id == outbox.name:
        return True
    return any(
        isinstance(one, ast.Constant)
        and isinstance(one.value, str)
        and any(f"{verb} outbox" in one.value.lower() for verb in ("into", "update"))
        for one in call.args
    )


def test_no_event_is_made_of_a_row() -> None:
    """Where events are made no row is spread: `_mapping`, `_asdict` and `body` of one are not."""
    found = []
    for path in _sources():
        source = path.read_text("utf-8")
        if "BusinessEvent(" not in source:
            continue
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "BusinessEvent":
                data = next(one.value for one in call.keywords if one.arg == "data")
                if any(word in ast.unparse(data) for word in ("_mapping", "_asdict", ".body")):
                    found.append(f"{path.name}: {ast.unparse(data)}")
    assert found == []


def _sources() -> Iterator[Path]:
    for folder in OURS:
        yield from (ROOT / folder).rglob("*.py")


@pytest.mark.postgres
def test_the_database_copies_nothing_by_itself(postgres: Postgres, migrated: str) -> None:
    """No trigger, no rule, no function, no publication and no slot of a replication is in what the
    migrations make."""
    asked = {
        "triggers": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
        "rules": "SELECT count(*) FROM pg_rules WHERE schemaname = 'public'",
        "functions": "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "publications": "SELECT count(*) FROM pg_publication",
        "slots": "SELECT count(*) FROM pg_replication_slots",
        "views": "SELECT count(*) FROM pg_views WHERE schemaname = 'public'",
    }
    with postgres.connect(migrated) as session:
        found = {name: session.execute(query).fetchone() for name, query in asked.items()}
    assert found == dict.fromkeys(asked, (0,))
