"""Reading what the biller and the ledger say now, for the money view. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from temporalio import activity

from dealthread.domain.base import Carried
from dealthread.domain.ledger import PostedJournal, TrialBalanceRow
from dealthread.domain.position.by_hand import WATCHED
from dealthread.domain.position.owners import SeenBills, SeenLedger
from dealthread.errors import NotFound
from dealthread.ports.billing import BillingPort
from dealthread.ports.erp import ErpPort

MOST_UNREAD = 20
"""Each is a call to the biller, and the caller waits: the newest are named."""

MOST_BY_HAND = 200
"""The newest are told, and that there are more."""


class BillId(Carried):
    """One bill of one billing account."""

    billing_account: str
    native_id: str


class CustomerOfBiller(Carried):
    """One customer of one billing account."""

    billing_account: str
    customer_key: str


class ReadBills(Carried):
    """Input of `money.read_bills`."""

    bills: tuple[BillId, ...] = ()
    customers: tuple[CustomerOfBiller, ...] = ()
    """Whose other bills are looked for."""
    known: tuple[str, ...] = ()
    """Ids of bills of the customers that are recorded here, asked for or not."""


class ReadLedger(Carried):
    """Input of `money.read_ledger`: documents by key, or balances up to the end of a day."""

    erp: str
    company: str
    document_keys: tuple[str, ...] = ()
    before: date | None = None
    """First day that does not count; None asks for no balances."""
    by_hand_before: date | None = None
    """First day whose entries by hand do not count; None asks for none."""
    customer_keys: tuple[str, ...] = ()
    """Whose entries by hand; none named asks for all."""


class BillCheckActivities:
    """Through the billing port."""

    def __init__(self, billing: BillingPort) -> None:
        self._billing = billing

    @activity.defn(name="money.read_bills")
    async def read(self, order: ReadBills) -> SeenBills:
        """Each bill as its biller has it, and those of the customers that are not known."""
        found, gone = [], []
        for one in order.bills:
            try:
                found.append(await self._billing.read_bill(one.billing_account, one.native_id))
            except NotFound:
                gone.append(one.native_id)
        known = {*order.known, *(one.native_id for one in order.bills)}
        unread = [
            await self._billing.read_bill(customer.billing_account, native_id)
            for customer in order.customers
            for native_id in await self._unknown(customer, known)
        ]
        return SeenBills(bills=tuple(found), gone=tuple(gone), unread=tuple(unread))

    async def _unknown(self, customer: CustomerOfBiller, known: set[str]) -> list[str]:
        ids = await self._billing.bill_ids(customer.billing_account, customer.customer_key)
        return [native_id for native_id in ids if native_id not in known][:MOST_UNREAD]


class LedgerCheckActivities:
    """Through the port of the ERP that the contracts name."""

    def __init__(self, erps: Mapping[str, ErpPort]) -> None:
        self._erps = erps

    @activity.defn(name="money.read_ledger")
    async def read(self, order: ReadLedger) -> SeenLedger:
        """Documents as the ledger has them, or its balances."""
        erp = self._erps[order.erp]
        found, missing = [], []
        for key in order.document_keys:
            try:
                found.append(await erp.read_document(order.company, key))
            except NotFound:
                missing.append(key)
        balances: tuple[TrialBalanceRow, ...] = ()
        if order.before is not None:
            balances = await erp.trial_balance(order.company, order.before)
        by_hand: tuple[PostedJournal, ...] = ()
        if order.by_hand_before is not None:
            by_hand = await erp.entries_by_hand(
                order.company,
                WATCHED,
                order.by_hand_before,
                MOST_BY_HAND + 1,
                customer_keys=order.customer_keys,
            )
        return SeenLedger(
            company=order.company,
            documents=tuple(found),
            missing=tuple(missing),
            balances=balances,
            by_hand=by_hand[:MOST_BY_HAND],
            has_more_by_hand=len(by_hand) > MOST_BY_HAND,
        )
