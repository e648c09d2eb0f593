"""What is asked of the service that holds the right to use."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from dealthread.domain.base import Carried
from dealthread.domain.documents import Entitlement, Grant
from dealthread.outcome import Outcome


class GrantEntitlement(Carried):
    """Turn the service on: recorded at once, effective from each grant's `access_from`."""

    contract_key: str
    customer_key: str
    grants: tuple[Grant, ...]


class EntitlementPort(Protocol):
    """The service that holds the right to use. Told by a signed event whose 2xx answer carries
    the native id and confirms."""

    settle_window: timedelta

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Record and activate."""

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        """What the service holds for the contract."""

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        """Undo. Nothing there counts as done."""
