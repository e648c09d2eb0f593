"""Keeps the org's rows in a SQLite file, so that a restarted stack finds its world again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from dealthread.simulators.salesforce.jsonio import dumps, loads
from dealthread.simulators.salesforce.schema import Row
from dealthread.simulators.salesforce.store import Store

SAVE_AFTER_SECONDS = 0.5

_TABLES = """
CREATE TABLE IF NOT EXISTS record (
    object TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (object, id)
);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

Snapshot = tuple[bool, list[tuple[str, str, Row | None]], dict[str, int]]


class StateFile:
    """Writes changed rows at most half a second after the change, and at the end."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store
        self._touched: set[tuple[str, str]] = set()
        self._must_clear = False
        self._has_work = asyncio.Event()
        self._lock = asyncio.Lock()
        self._writing: asyncio.Future[None] | None = None
        store.on_commit(self._note)

    def load(self) -> bool:
        """Read the file into the store; False when there is none."""
        if not self._path.exists():
            return False
        with contextlib.closing(sqlite3.connect(self._path)) as database:
            database.executescript(_TABLES)
            for name, value in database.execute("SELECT name, value FROM counter"):
                self._store.counters[name] = value
            found = False
            for sobject, body in database.execute("SELECT object, body FROM record ORDER BY rowid"):
                self._store.load(sobject, _decoded(self._store, sobject, loads(body)))
                found = True
        return found

    def start_over(self) -> None:
        """Forget the file's rows at the next save."""
        self._must_clear = True
        self._touched.clear()
        self._has_work.set()

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[None]:
        """Save while inside, and once more on the way out."""
        task = asyncio.get_running_loop().create_task(self._save_when_changed())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._save()

    def _note(self, touched: set[tuple[str, str]]) -> None:
        self._touched |= touched
        self._has_work.set()

    async def _save_when_changed(self) -> None:
        while True:
            await self._has_work.wait()
            await asyncio.sleep(SAVE_AFTER_SECONDS)
            await self._save()

    async def _save(self) -> None:
        async with self._lock:
            if self._writing is not None:
                # A cancelled save goes on in its thread; a newer one must not overtake it.
                await self._writing
            self._has_work.clear()
            if not self._touched and not self._must_clear:
                return
            rows = [(name, key, self._store.get(name, key)) for name, key in sorted(self._touched)]
            snapshot = (self._must_clear, rows, dict(self._store.counters))
            self._touched, self._must_clear = set(), False
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, snapshot))
            await asyncio.shield(self._writing)

    def _write(self, snapshot: Snapshot) -> None:
        must_clear, rows, counters = snapshot
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            database.executescript(_TABLES)
            if must_clear:
                database.execute("DELETE FROM record")
            for name, key, row in rows:
                if row is not None:
                    database.execute(
                        "INSERT INTO record (object, id, body) VALUES (?, ?, ?)"
                        " ON CONFLICT (object, id) DO UPDATE SET body = excluded.body",
                        (name, key, dumps(row)),
                    )
            database.executemany(
                "INSERT INTO counter (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                list(counters.items()),
            )


def _decoded(store: Store, name: str, saved: Row) -> Row:
    """A saved row with numbers as Decimal and with fields added since."""
    sobject = store.schema.objects[name.lower()]
    row: Row = {}
    for one in sobject.fields.values():
        value = saved.get(one.name, one.default)
        if one.type.is_number and isinstance(value, int):
            value = Decimal(value)
        row[one.name] = value
    return row
