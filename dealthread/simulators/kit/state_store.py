"""Where a simulated world is kept: a SQLite file or a PostgreSQL database, one row per thing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

_TABLE = """
CREATE TABLE IF NOT EXISTS simulator_state (
    simulator TEXT NOT NULL, part TEXT NOT NULL, key TEXT NOT NULL,
    position BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (simulator, part, key)
)
"""
# An update keeps the position: the order of creation is part of the state.
_UPSERT = """
INSERT INTO simulator_state (simulator, part, key, position, body)
VALUES (:simulator, :part, :key, :position, :body)
ON CONFLICT (simulator, part, key) DO UPDATE SET body = excluded.body
"""
_READ = "SELECT part, key, body FROM simulator_state WHERE simulator = :simulator ORDER BY position"
_LAST = "SELECT coalesce(max(position), 0) FROM simulator_state WHERE simulator = :simulator"
_REMOVE = "DELETE FROM simulator_state WHERE simulator = :simulator AND part = :part AND key = :key"
_CLEAR = "DELETE FROM simulator_state WHERE simulator = :simulator"
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(:simulator, 0))"


class StateRefused(Exception):
    """The place cannot be used; the text says why and what to do."""


class Row(NamedTuple):
    """One thing of a world: which part it belongs to, its key there, its JSON text."""

    part: str
    key: str
    body: str


class StateStore:
    """The kept rows of one simulator. Blocking: call it from a thread of its own."""

    def __init__(self, place: str, simulator: str) -> None:
        """`place` is a file's path or a `postgresql://` address.

        Raises StateRefused when it cannot be opened or when another process holds it.
        """
        self._simulator = simulator
        self._engine = _engine_for(place)
        self._holder: Connection | None = None
        try:
            with self._engine.begin() as connection:
                connection.execute(text(_TABLE))
                self._position: int = connection.execute(text(_LAST), self._own()).scalar_one()
            if self._engine.dialect.name == "postgresql":
                self._holder = self._hold()
        except SQLAlchemyError as exc:
            self._engine.dispose()
            raise StateRefused(f"cannot open the state: {_reason(exc)}") from exc

    def read(self) -> list[Row]:
        """All rows, in the order in which they were first written."""
        with self._engine.connect() as connection:
            return [Row(*found) for found in connection.execute(text(_READ), self._own())]

    def write(self, changes: Mapping[tuple[str, str], str | None], *, is_new: bool = False) -> None:
        """Write changed rows (None removes one) in one transaction; `is_new` forgets the others.

        Raises StateRefused when nothing was written.
        """
        kept: list[dict[str, object]] = []
        gone: list[dict[str, object]] = []
        for (part, key), body in changes.items():
            one = {**self._own(), "part": part, "key": key}
            if body is None:
                gone.append(one)
                continue
            self._position += 1
            kept.append({**one, "position": self._position, "body": body})
        try:
            with self._engine.begin() as connection:
                if is_new:
                    connection.execute(text(_CLEAR), self._own())
                elif gone:
                    connection.execute(text(_REMOVE), gone)
                if kept:
                    connection.execute(text(_UPSERT), kept)
        except SQLAlchemyError as exc:
            raise StateRefused(_reason(exc)) from exc

    def close(self) -> None:
        """Release the file or the connection."""
        if self._holder is not None:
            self._holder.close()
        self._engine.dispose()

    def _own(self) -> dict[str, object]:
        return {"simulator": self._simulator}

    def _hold(self) -> Connection:
        """Keep other processes out for as long as this connection lives."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not connection.execute(text(_LOCK), self._own()).scalar_one():
            connection.close()
            self._engine.dispose()
            raise StateRefused(
                f"another process keeps the state of {self._simulator} in this database; "
                "stop it or name another database"
            )
        return connection


def _engine_for(place: str) -> Engine:
    if "://" not in place:
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        return create_engine(f"sqlite:///{path}")
    try:
        url = make_url(place)
    except ArgumentError:
        raise StateRefused("the state is a file's path or a postgresql:// address") from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise StateRefused(
            f"the state is a file's path or a postgresql:// address, not {url.drivername}"
        )
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=2)


def _reason(exc: SQLAlchemyError) -> str:
    """The first line of the driver's words; neither statement nor address."""
    return str(getattr(exc, "orig", None) or exc).strip().partition("\n")[0]
