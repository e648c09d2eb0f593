"""What is asked of a biller about a claim that is given up."""

from __future__ import annotations

from typing import Protocol

from dealthread.domain.base import Ref
from dealthread.outcome import Outcome


class ClaimPort(Protocol):
    """The biller's own mark; what the books say of it is the ledger's."""

    async def give_up(
        self, billing_account: str, native_id: str, *, idempotency_key: str
    ) -> Outcome[Ref]:
        """Mark an open invoice as uncollectible; one that is marked is done. It may still be
        paid."""
