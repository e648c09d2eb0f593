"""What the processor says of a month that is to be closed, read through the billing port."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.closing_inputs import OfClose, ReadProcessor
from activities.settlement import payout_document_key, payout_return_key
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.closing.of_processor import PayoutDocuments, ProcessorMonth
from dealthread.domain.processor import ProcessorBalance
from dealthread.domain.recognition.rows import month_after
from dealthread.ports.billing import BillingPort


class ProcessorActivities:
    """Reads alone."""

    def __init__(self, billing: BillingPort, config: Callable[[], ConfigSet]) -> None:
        self._billing = billing
        self._config = config

    @activity.defn(name="closing.read_processor")
    async def read(self, order: OfClose) -> ReadProcessor:
        """Each of the company's billing accounts: its balance, what moved, what was paid out."""
        accounts = [one for one in self._config().billing_accounts if one.seller == order.seller]
        months = [
            self._month(order, balance)
            for account in accounts
            for balance in await self._billing.read_balance(
                account.key, order.period, month_after(order.period)
            )
        ]
        return ReadProcessor(months=tuple(months))

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
