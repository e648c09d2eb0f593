"""What steps ask the store about payments that the processor names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from dealthread.domain.events import BusinessEvent
from dealthread.domain.paid_out import KnownPayment


class Payments(Protocol):
    """Payments of our invoices, by the processor's id."""

    async def known(
        self, billing_account: str, payments: Sequence[str]
    ) -> Mapping[str, Sequence[KnownPayment]]:
        """Those of them that pay an invoice which was read since its payment; of one that pays
        several, each in the order of their numbers."""

    async def told(self, events: tuple[BusinessEvent, ...]) -> None:
        """To subscribers, each once."""
