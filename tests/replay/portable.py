"""A recorded history without what only the recording machine knew."""

from __future__ import annotations

import json
import re
from typing import Any

_PROCESS = re.compile(r"\b\d+@[\w.-]+")
"""`process@host`, as the SDK names a worker and its sticky queue."""


def portable(history: str) -> str:
    """The history's JSON without stack traces, which name folders, and with a neutral worker in
    place of process and host. Replay reads neither: it compares commands and their order."""
    return json.dumps(_clean(json.loads(history)), indent=2, ensure_ascii=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "" if key == "stackTrace" else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    if isinstance(value, str):
        return _PROCESS.sub("recorder", value)
    return value
