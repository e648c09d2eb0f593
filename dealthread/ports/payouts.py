"""What is asked of a biller that collects money itself: what it paid out, and what of."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from dealthread.domain.dispute import Dispute
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.payout import Payout
from dealthread.domain.processor import KnownBalance, ProcessorBalance


class PayoutPort(Protocol):
    """Money on its way from the processor to the bank."""

    async def read_payout(self, billing_account: str, native_id: str) -> Payout:
        """A payout as it stands, with the sums of what moved in it. Raises NotFound."""

    async def payout_payments(
        self, billing_account: str, native_id: str
    ) -> tuple[PaidOutPayment, ...]:
        """Its payments one by one, as far as the processor tells them. Raises NotFound."""

    async def read_balance(
        self,
        billing_account: str,
        start: date,
        end: date,
        known: tuple[KnownBalance, ...] = (),
    ) -> tuple[ProcessorBalance, ...]:
        """What moved on the balance up to the day before `end`, from the beginning; `start` begins
        the month. One for each currency in which anything ever moved. `known` is all that moved by
        a day, at the latest `start`: only what came after it is read."""

    async def read_dispute(self, billing_account: str, native_id: str) -> Dispute:
        """A disputed payment as it stands, with what it moved. Raises NotFound."""
