"""The state in a file: read at start, written soon after a change and at the end."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dealthread.simulators.stripe import idempotency
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import World

FORMAT = 1
_PARTS = ("objects", "hidden", "relations", "agenda", "idempotency", "next_invoice_number")


def dump(world: World) -> str:
    """All accounts as JSON text. Webhooks waiting to be sent are not kept."""
    accounts = {
        account_id: {part: getattr(account, part) for part in _PARTS}
        for account_id, account in world.accounts.items()
    }
    return json.dumps({"format": FORMAT, "accounts": accounts}, separators=(",", ":"))


def write(path: Path, text: str) -> None:
    """Replace the file as a whole, so that a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def load(world: World, path: Path) -> bool:
    """Read the file into the configured accounts; False when there is none."""
    if not path.exists():
        return False
    saved: Json = json.loads(path.read_text(encoding="utf-8"))
    if saved["format"] != FORMAT:
        raise ValueError(f"{path} has format {saved['format']}, expected {FORMAT}")
    unknown = set(saved["accounts"]) - set(world.accounts)
    if unknown:
        raise ValueError(f"{path} holds accounts that are not configured: {sorted(unknown)}")
    for account_id, parts in saved["accounts"].items():
        account = world.accounts[account_id]
        for part in _PARTS:
            setattr(account, part, parts[part])
        account.rebuild_heap()
        idempotency.drop_unfinished(account)
    return True
