"""The Temporal server's own count of billable actions, from its metrics port."""

from __future__ import annotations

import re
from collections import Counter

import httpx

_LINE = re.compile(r"^action\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def actions(metrics_url: str, namespace: str) -> Counter[str]:
    """Kind of action → count since the server started, of one namespace."""
    text = httpx.get(metrics_url, trust_env=False, timeout=10).raise_for_status().text
    found: Counter[str] = Counter()
    for line in _LINE.finditer(text):
        labels = dict(_LABEL.findall(line["labels"]))
        if labels.get("namespace") == namespace:
            found[labels["action_type"]] += round(float(line["value"]))
    return found
