"""What is asked of a customer-success system: what it holds of a contract. It is told by events;
this reads what it has made of them, and of what its people entered."""

from __future__ import annotations

from typing import Protocol

from dealthread.domain.comparison.seen import HeldContract


class CustomerSuccessPort(Protocol):
    """Reads one customer-success system. Writes nothing."""

    async def contract_now(self, contract_key: str) -> HeldContract | None:
        """As the system holds it now; None where it knows nothing of the contract."""
