"""The org's rows written down one by one, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from dealthread.simulators.kit import state_store
from dealthread.simulators.kit.state import Keeper, Place
from dealthread.simulators.salesforce.jsonio import dumps, loads
from dealthread.simulators.salesforce.schema.model import FieldType, Row
from dealthread.simulators.salesforce.store import Store

_COUNTERS = "#counters"


class KeptOrg:
    """The org as rows: object name, id, JSON; and the counters that ids come from."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self) -> Iterator[state_store.Row]:
        """All records, deleted ones included, in the order they were made."""
        for sobject in self._store.schema.objects.values():
            for row in self._store.rows(sobject.name):
                yield state_store.Row(sobject.name, str(row["Id"]), _text(row))
        for name, value in self._store.counters.items():
            yield state_store.Row(_COUNTERS, name, str(value))

    def restore(self, rows: Iterable[state_store.Row]) -> None:
        """Replace all records. Raises ValueError for objects this org lacks.

        Counters never go back: an id that was given once is not given again.
        """
        counters: dict[str, int] = {}
        records: list[tuple[str, Row]] = []
        for part, key, body in rows:
            if part == _COUNTERS:
                counters[key] = int(body)
                continue
            if part.lower() not in self._store.schema.objects:
                raise ValueError(f"the state holds {part}, which this org lacks")
            records.append((part, _decoded(self._store, part, loads(body))))
        self._store.clear()
        for part, record in records:
            self._store.load(part, record)
        for name, value in counters.items():
            self._store.counters[name] = max(value, self._store.counters.get(name, 0))

    def tell_changes_to(self, keeper: Keeper) -> None:
        """Hand each committed row on."""

        def committed(touched: set[tuple[str, str]]) -> None:
            changes: dict[Place, str | None] = {
                (_COUNTERS, name): str(value) for name, value in self._store.counters.items()
            }
            # Ids grow with time: sorted, they keep the order of creation within an object.
            for name, key in sorted(touched):
                row = self._store.get(name, key)
                changes[name, key] = None if row is None else _text(row)
            keeper.tell(changes)

        self._store.on_commit(committed)


def _text(row: Row) -> str:
    return dumps(row).decode("ascii")


def _decoded(store: Store, name: str, saved: Row) -> Row:
    """A saved row with numbers as Decimal and with fields added since."""
    sobject = store.schema.objects[name.lower()]
    row: Row = {}
    for one in sobject.fields.values():
        if one.type is FieldType.ADDRESS:
            continue  # put together from its parts when it is read
        value = saved.get(one.name, one.default)
        if one.type.is_number and isinstance(value, int):
            value = Decimal(value)
        row[one.name] = value
    return row
