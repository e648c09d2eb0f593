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


class SuspendEntitlement(Carried):
    """Withhold what is granted until the hold is lifted. Data is kept."""

    contract_key: str
    hold_id: str
    reason: str


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

    async def suspend(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Put on a hold. Rejected where nothing was ever granted; a grant does not lift it."""

    async def restore(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Lift this hold, and no other. Not there counts as done, and keeps a late copy of the
        suspension from taking effect."""
