"""A recorded history without what only the recording machine knew."""

from __future__ import annotations

import json
from typing import Any

MACHINE = {"stackTrace": "", "identity": "recorder"}
"""Keys that name folders, process or host of the machine. Replay reads none of them: it compares
commands and their order."""


def portable(history: str) -> str:
    """The history's JSON with those keys emptied or renamed; all else stays."""
    return json.dumps(_clean(json.loads(history)), indent=2, ensure_ascii=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MACHINE.get(key, _clean(inner)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value
