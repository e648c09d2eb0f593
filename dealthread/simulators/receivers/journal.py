"""Keeps accepted events in a SQLite file; after a restart they are applied again in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS event (
    position INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL
)
"""


class Journal:
    """Append-only log of the events a receiver took. One process writes it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A simulator's file must survive the process, not the machine.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(_TABLE)

    def events(self) -> Iterator[tuple[str, bytes]]:
        """(message id, body), oldest first."""
        yield from self._database.execute("SELECT message_id, body FROM event ORDER BY position")

    def append(self, message_id: str, body: bytes) -> None:
        """Keep an event; a message id already there is left as it is."""
        self._database.execute(
            "INSERT OR IGNORE INTO event (message_id, body) VALUES (?, ?)", (message_id, body)
        )

    def clear(self) -> None:
        """Forget all events."""
        self._database.execute("DELETE FROM event")

    def close(self) -> None:
        """Release the file."""
        self._database.close()
