"""All accounts written down row by row, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from dealthread.simulators.kit.state_store import Row
from dealthread.simulators.stripe.store import AccountState
from dealthread.simulators.stripe.wire import idempotency
from dealthread.simulators.stripe.world import World

# Parts that hold mappings of mappings: kind → id → object, relation → parent → children.
_NESTED = ("objects", "relations")
_SCALARS = "#"


class KeptAccounts:
    """The world as rows: `{account}/{part}`, key, JSON. Webhooks waiting to be sent are not kept.

    Every field of `AccountState` is a part, so that none is forgotten.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def rows(self) -> Iterator[Row]:
        """Everything in all accounts, in the order of creation within a part."""
        for account in self._world.accounts.values():
            for part in _parts(account):
                held = getattr(account, part)
                if part in _NESTED:
                    for name, inner in held.items():
                        yield from _rows(f"{account.id}/{part}/{name}", inner)
                elif isinstance(held, dict):
                    yield from _rows(f"{account.id}/{part}", held)
                else:
                    yield from _rows(f"{account.id}/{_SCALARS}", {part: held})

    def restore(self, rows: Iterable[Row]) -> None:
        """Replace the content of all accounts. Raises ValueError for an account not configured."""
        held = list(rows)
        unknown = {row.part.partition("/")[0] for row in held} - set(self._world.accounts)
        if unknown:
            raise ValueError(f"accounts that are not configured here: {sorted(unknown)}")
        parsed = [(row.part.split("/"), row.key, json.loads(row.body)) for row in held]
        for path, key, _ in parsed:
            account = self._world.accounts[path[0]]
            if (key if path[1] == _SCALARS else path[1]) not in _parts(account):
                raise ValueError(f"the state holds {'/'.join(path)}, which this version lacks")
        for account in self._world.accounts.values():
            account.clear()
        for path, key, value in parsed:
            account = self._world.accounts[path[0]]
            if path[1] == _SCALARS:
                setattr(account, key, value)
            elif path[1] in _NESTED:
                getattr(account, path[1]).setdefault(path[2], {})[key] = value
            else:
                getattr(account, path[1])[key] = value
        for account in self._world.accounts.values():
            account.rebuild_heap()
            idempotency.drop_unfinished(account)


def _parts(account: AccountState) -> list[str]:
    return [one.name for one in fields(account) if one.name != "config" and one.name[0] != "_"]


def _rows(part: str, held: dict[str, Any]) -> Iterator[Row]:
    for key, value in held.items():
        yield Row(part, key, json.dumps(value, separators=(",", ":")))
