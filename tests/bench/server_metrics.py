"""The Temporal server's own count of billable actions, from its metrics port."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import httpx

PUBLISHED_SECONDS = 1.5
"""The server publishes its counts about once a second."""
_LINE = re.compile(r"^action\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


async def actions(metrics_url: str, namespace: str) -> Counter[str]:
    """Kind of action → count since the server started, of one namespace."""
    await asyncio.sleep(PUBLISHED_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        text = (await http.get(metrics_url)).raise_for_status().text
    found: Counter[str] = Counter()
    for line in _LINE.finditer(text):
        labels = dict(_LABEL.findall(line["labels"]))
        if labels.get("namespace") == namespace:
            found[labels["action_type"]] += round(float(line["value"]))
    return found
