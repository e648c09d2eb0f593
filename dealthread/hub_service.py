"""What the core asks of its own store about the services of contracts."""

from __future__ import annotations

from typing import Protocol

from dealthread.domain.events import BusinessEvent
from dealthread.domain.service_status import ToldService


class Services(Protocol):
    """What was last told of the service of each contract. Implemented in `store/services.py`."""

    async def told(self, contract_key: str) -> ToldService:
        """What was last told; `none` where nothing was."""

    async def looked(
        self, before: ToldService, after: ToldService, event: BusinessEvent | None
    ) -> bool:
        """Record a look and what is told of it, in one transaction. False, and nothing recorded,
        where another look was recorded since `before` was read."""
