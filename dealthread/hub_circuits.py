"""What the core asks of its own store about circuits. Implemented in `store/`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dealthread.domain.circuit import Circuit


class Circuits(Protocol):
    """What a breaker asks of circuits. Of several who change one at once, one does."""

    async def read(self, vendor: str, account: str) -> Circuit:
        """One; closed where nobody has touched it."""

    async def all(self) -> Sequence[Circuit]:
        """Every one that was ever opened."""

    async def change(
        self, before: Circuit, after: Circuit, *, at: datetime, actor: str, reason: str
    ) -> bool:
        """Compare and set by the version. An outage's begin and end are put on record and told to
        subscribers in the same transaction. False when somebody was faster."""
