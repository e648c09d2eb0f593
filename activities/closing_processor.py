"""What the processor says of a month that is to be closed, read through the billing port."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from temporalio import activity

from activities.closing_inputs import OfClose, ReadProcessor
from activities.settlement import payout_document_key, payout_return_key
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.closing.of_processor import PayoutDocuments, ProcessorMonth
from dealthread.domain.processor import ProcessorBalance
from dealthread.domain.recognition.rows import month_after
from dealthread.hub_closing import Closing
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock

SETTLES = timedelta(hours=1)
"""After a month's end, until its last movement is surely listed."""


class ProcessorActivities:
    """Reads alone."""

    def __init__(
        self,
        billing: BillingPort,
        config: Callable[[], ConfigSet],
        store: Closing,
        clock: BusinessClock,
    ) -> None:
        self._billing = billing
        self._config = config
        self._store = store
        self._clock = clock

    @activity.defn(name="closing.read_processor")
    async def read(self, order: OfClose) -> ReadProcessor:
        """Each of the company's billing accounts: its balance, what moved, what was paid out; on
        top of what the last month before it was closed on."""
        accounts = [one for one in self._config().billing_accounts if one.seller == order.seller]
        known = await self._store.known_balances(order.seller, order.period)
        end = month_after(order.period)
        is_over = self._clock.now() >= datetime.combine(end, time(), UTC) + SETTLES
        balances = [
            balance
            for account in accounts
            for balance in await self._billing.read_balance(
                account.key,
                order.period,
                end,
                tuple(one for one in known if one.billing_account == account.key),
            )
        ]
        return ReadProcessor(
            months=tuple(self._month(order, one) for one in balances),
            known=tuple(one.known(end) for one in balances) if is_over else (),
        )

    def _month(self, order: OfClose, balance: ProcessorBalance) -> ProcessorMonth:
        tenant = order.context.tenant
        return ProcessorMonth(
            balance=balance,
            documents=tuple(
                PayoutDocuments(
                    payout_id=one.ref.native_id,
                    document_key=payout_document_key(tenant, order.seller, one),
                    return_key=payout_return_key(tenant, order.seller, one),
                )
                for one in balance.payouts
            ),
        )
