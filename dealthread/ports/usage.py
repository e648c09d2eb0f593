"""What is asked of a biller that charges as used: take sums of use in, and tell what it has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from pydantic import AwareDatetime

from dealthread.domain.base import Carried
from dealthread.domain.money import ExactDecimal
from dealthread.outcome import Outcome


class UsageReport(Carried):
    """One sum of use of a customer, to be counted once under its key."""

    batch_key: str
    billing_account: str
    customer_key: str
    meter: str
    quantity: ExactDecimal
    used_at: AwareDatetime
    """An instant of the billing period to which all of it belongs."""


class UsagePort(Protocol):
    """Use that is charged. The biller counts it and rates it."""

    async def report_usage(self, report: UsageReport, *, attempt: int) -> Outcome[str]:
        """Count it; the batch's key is the biller's own guard against counting it twice, for a day.
        `attempt` tells repeats apart where the biller would replay an old refusal."""

    async def counted_usage(
        self, billing_account: str, customer_key: str, meter: str, start: datetime, end: datetime
    ) -> Decimal:
        """What the biller has counted of a customer in [start, end). It may lag behind by a little.
        Raises NotFound where it knows no such customer or meter."""
