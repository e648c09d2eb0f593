"""Use that a fake biller has counted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from dealthread.outcome import Outcome, Rejected
from dealthread.ports.usage import UsageReport
from tests.fakes.world import World


class FakeUsage:
    """Sums of use, each counted once under its key."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.usage: dict[str, UsageReport] = {}
        """By the batch's key: sums of use that were counted."""

    async def report_usage(self, report: UsageReport, *, attempt: int) -> Outcome[str]:
        """As Stripe: a sum whose key is known is refused."""
        if report.batch_key in self.usage:
            return Rejected("billing.rejected", "http_400")

        def effect() -> str:
            self.usage[report.batch_key] = report
            return report.batch_key

        return await self._world.write("billing.report_usage", report.batch_key, effect)

    async def counted_usage(
        self, billing_account: str, customer_key: str, meter: str, start: datetime, end: datetime
    ) -> Decimal:
        def look() -> Decimal:
            return sum(
                (
                    one.quantity
                    for one in self.usage.values()
                    if (one.billing_account, one.customer_key, one.meter)
                    == (billing_account, customer_key, meter)
                    and start <= one.used_at < end
                ),
                Decimal(0),
            )

        return await self._world.read("billing.counted_usage", look)
