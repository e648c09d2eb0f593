"""The ERP away for a while: its proxy refuses every connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx


@asynccontextmanager
async def ledger_down(proxy: str) -> AsyncIterator[None]:
    """Until the block ends."""
    async with httpx.AsyncClient(base_url=proxy, trust_env=False) as erp:
        fault = {"kind": "refuse", "times": 0}
        answer = (await erp.post("/_sim/faults", json=fault)).raise_for_status().json()
        try:
            yield
        finally:
            (await erp.delete(f"/_sim/faults/{answer['id']}")).raise_for_status()
