"""Rows in memory with indices, transactions with real rollback, and the last commit undoable.

Rows are replaced, never changed in place: whoever holds a row holds the state of that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from dealthread.simulators.salesforce.ids import make_id
from dealthread.simulators.salesforce.schema.model import Field, Row, Schema, SObject, Value

INSTANCE = "5i"
"""Characters 4 and 5 of every id."""

Change = tuple[str, str, Row | None]
"""(object, id, row before)."""


class Store:
    """The org's rows. Changes happen inside `transaction()`."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._tables: dict[str, dict[str, Row]] = {}
        self._indices: dict[str, dict[str, dict[str, dict[str, None]]]] = {}
        self._indexed: dict[str, tuple[Field, ...]] = {}
        self._case_sensitive: dict[str, frozenset[str]] = {}
        for sobject in schema.objects.values():
            indexed = tuple(one for one in sobject.fields.values() if one.is_indexed)
            self._tables[sobject.name] = {}
            self._indexed[sobject.name] = indexed
            self._case_sensitive[sobject.name] = frozenset(
                one.name for one in indexed if one.case_sensitive
            )
            self._indices[sobject.name] = {one.name: {} for one in indexed}
        self.counters: dict[str, int] = {}
        self._journal: list[Change] = []
        self._after_commit: list[Callable[[], None]] = []
        self._is_open = False
        self._is_background = False
        self._last_commit: list[Change] = []
        self._commit_listeners: list[Callable[[set[tuple[str, str]]], None]] = []

    # ------------------------------------------------------------ reading

    def get(self, sobject: str, record_id: str) -> Row | None:
        """A row, deleted ones included."""
        return self._tables[sobject].get(record_id)

    def live(self, sobject: str, record_id: Value) -> Row | None:
        """A row that is not deleted."""
        row = self._tables[sobject].get(str(record_id))
        return None if row is None or row["IsDeleted"] else row

    def rows(self, sobject: str) -> Iterator[Row]:
        """All rows in the order they were made, deleted ones included."""
        return iter(list(self._tables[sobject].values()))

    def lookup(self, sobject: str, field: str, value: Value) -> list[Row]:
        """Rows whose indexed field has the value, deleted ones included.

        Text is found in any case, unless the field tells cases apart.
        """
        found = self._indices[sobject][field].get(_index_key(value), {})
        table = self._tables[sobject]
        rows = [table[record_id] for record_id in found]
        if field in self._case_sensitive[sobject]:
            return [row for row in rows if row[field] == value]
        return rows

    def live_lookup(self, sobject: str, field: str, value: Value) -> list[Row]:
        """The same without deleted rows."""
        return [row for row in self.lookup(sobject, field, value) if not row["IsDeleted"]]

    # ------------------------------------------------------------ writing

    @contextmanager
    def transaction(self, *, is_background: bool = False) -> Iterator[None]:
        """All changes inside, or none. Inside another transaction this is a savepoint.

        What happens in the background is not the "last commit" that a stale read misses.
        """
        if self._is_open:
            mark, hooks = len(self._journal), len(self._after_commit)
            try:
                yield
            except BaseException:
                self._undo_to(mark)
                del self._after_commit[hooks:]
                raise
            return
        self._is_open, self._is_background = True, is_background
        try:
            yield
        except BaseException:
            self._undo_to(0)
            self._after_commit.clear()
            raise
        finally:
            self._is_open = False
        self._commit()

    def put(self, sobject: str, row: Row) -> None:
        """Insert or replace a row by its Id."""
        if not self._is_open:
            raise RuntimeError("rows change only inside a transaction")
        record_id = str(row["Id"])
        self._journal.append((sobject, record_id, self._tables[sobject].get(record_id)))
        self._set(sobject, record_id, row)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run this when the transaction has been committed, not when it is rolled back."""
        self._after_commit.append(action)

    def new_id(self, sobject: SObject) -> str:
        """The next id of an object type; a rollback leaves a gap, as at Salesforce."""
        return make_id(sobject.prefix, INSTANCE, self.next_number(sobject.name))

    def next_number(self, name: str) -> int:
        """The next number of a named sequence."""
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]

    def on_commit(self, listener: Callable[[set[tuple[str, str]]], None]) -> None:
        """Call this with the (object, id) pairs of each commit."""
        self._commit_listeners.append(listener)

    @contextmanager
    def before_last_commit(self) -> Iterator[None]:
        """Inside, reads see the state before the last commit (a stale replica)."""
        current = [(name, key, self._tables[name].get(key)) for name, key, _ in self._last_commit]
        for name, key, before in reversed(self._last_commit):
            self._set(name, key, before)
        try:
            yield
        finally:
            for name, key, row in current:
                self._set(name, key, row)

    # ------------------------------------------------------------ whole world

    def load(self, sobject: str, row: Row) -> None:
        """Put a row back that was saved earlier."""
        self._set(sobject, str(row["Id"]), row)

    def clear(self) -> None:
        """Forget all rows; id sequences go on, so that an id is never used twice."""
        for name, table in self._tables.items():
            table.clear()
            for index in self._indices[name].values():
                index.clear()
        self._last_commit = []

    # ------------------------------------------------------------ inside

    def _commit(self) -> None:
        hooks, self._after_commit = self._after_commit, []
        if self._journal:
            journal, self._journal = self._journal, []
            if not self._is_background:
                self._last_commit = journal
            touched = {(name, record_id) for name, record_id, _ in journal}
            for listener in self._commit_listeners:
                listener(touched)
        for hook in hooks:
            hook()

    def _undo_to(self, mark: int) -> None:
        while len(self._journal) > mark:
            name, record_id, before = self._journal.pop()
            self._set(name, record_id, before)

    def _set(self, sobject: str, record_id: str, row: Row | None) -> None:
        table, indices = self._tables[sobject], self._indices[sobject]
        old = table.get(record_id)
        for one in self._indexed[sobject]:
            was = None if old is None else old.get(one.name)
            now = None if row is None else row.get(one.name)
            if was == now:
                continue
            index = indices[one.name]
            if was is not None:
                ids = index[_index_key(was)]
                del ids[record_id]
                if not ids:
                    del index[_index_key(was)]
            if now is not None:
                index.setdefault(_index_key(now), {})[record_id] = None
        if row is None:
            table.pop(record_id, None)
        else:
            table[record_id] = row


def _index_key(value: Value) -> str:
    if isinstance(value, str):
        return value.casefold()  # external ids ignore case unless declared otherwise
    if isinstance(value, Decimal):
        return str(value.normalize())
    return str(value)
