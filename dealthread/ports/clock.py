"""The business clock."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class BusinessClock(Protocol):
    """Business time = machine time + the environment's fixed offset (0 in production)."""

    def now(self) -> datetime:
        """Aware, UTC."""
