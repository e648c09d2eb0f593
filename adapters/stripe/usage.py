"""Use that is charged, at Stripe: meter events, and the summaries that tell what was counted.

docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api: an event's identifier is
unique for at least 24 hours; its time lies within the past 35 days and no more than five minutes
ahead. Single events cannot be read back, sums of whole minutes can.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from decimal import Decimal

from stripe import StripeObject

from adapters.stripe import translate
from adapters.stripe.clients import BillingAccount, Options
from adapters.stripe.customers import Customers
from adapters.stripe.paging import pages
from dealthread.errors import NotFound
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.usage import UsageReport

_CUSTOMER, _VALUE = "stripe_customer_id", "value"


class Usage:
    """Works on one account at a time."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers
        self._ids: dict[tuple[str, str], str] = {}
        self._meters: dict[tuple[str, str], str] = {}

    async def report(
        self, account: BillingAccount, report: UsageReport, attempt: int
    ) -> Outcome[str]:
        """One meter event."""
        try:
            customer = await self._customer(account, report.customer_key)
        except NotFound:
            return Rejected("billing.rejected", "customer_not_found", "customer_key")

        def send(options: Options) -> Awaitable[StripeObject]:
            return account.v1.billing.meter_events.create_async(
                {
                    "event_name": report.meter,
                    "identifier": report.batch_key,
                    "payload": {_CUSTOMER: customer, _VALUE: f"{report.quantity:f}"},
                    "timestamp": int(report.used_at.timestamp()),
                },
                options,
            )

        # The identifier is what guards; under one key Stripe would replay a refusal for a day,
        # whatever was mended meanwhile.
        outcome = await account.write(
            "report_usage", send, f"{report.batch_key}:{attempt}", proof="identifier"
        )
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        return Done(translate.text(outcome, "identifier"))

    async def counted(
        self,
        account: BillingAccount,
        customer_key: str,
        meter: str,
        start: datetime,
        end: datetime,
    ) -> Decimal:
        """Sum of a customer on a meter in [start, end)."""
        customer = await self._customer(account, customer_key)
        meter_id = await self._meter(account, meter)
        found = Decimal(0)
        async for row in pages(
            account,
            "list_usage",
            lambda after: account.v1.billing.meters.event_summaries.list_async(
                meter_id,
                {
                    "customer": customer,
                    "start_time": int(start.timestamp()),
                    "end_time": int(end.timestamp()),
                    "limit": 100,
                    **({"starting_after": after} if after else {}),  # type: ignore[typeddict-item]
                },
            ),
        ):
            found += Decimal(str(translate.at(row, "aggregated_value")))
        return found

    async def _customer(self, account: BillingAccount, customer_key: str) -> str:
        """Raises NotFound. A customer's id never changes, so it is kept."""
        known = (account.key, customer_key)
        if known not in self._ids:
            row = await self._customers.find(account, customer_key, "")
            if row is None:
                raise NotFound("customer_not_found", id=customer_key)
            self._ids[known] = translate.text(row, "id")
        return self._ids[known]

    async def _meter(self, account: BillingAccount, event_name: str) -> str:
        known = (account.key, event_name)
        if known not in self._meters:
            async for row in pages(
                account,
                "list_meters",
                lambda after: account.v1.billing.meters.list_async(
                    {
                        "status": "active",
                        "limit": 100,
                        **({"starting_after": after} if after else {}),
                    }
                ),
            ):
                self._meters[account.key, translate.text(row, "event_name")] = translate.text(
                    row, "id"
                )
        if known not in self._meters:
            raise NotFound("meter_not_found", id=event_name)
        return self._meters[known]
