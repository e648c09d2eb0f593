"""The relay's duty to the biller's events: each reaches the run that it is about.

What several events of one look say of the same thing is told once, since each is a hint to read it
back. Different things are told at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.bill_hints import draft_told_of, invoice_told_of
from dealthread.bridge.money_hints import dispute_told_of, payout_told_of
from dealthread.bridge.starting import (
    start_dispute,
    start_invoice,
    start_payout,
    start_recovery,
    tell_collections,
)
from dealthread.bridge.taking import told_or_later
from dealthread.domain.transaction import ChangeOutcome
from dealthread.errors import BadInput
from dealthread.naming import dispute_id, invoice_id, payout_id, write_off_id
from dealthread.settings import Settings
from dealthread.store.bills import PostgresBills
from dealthread.store.inbox import Inbox, InboxRow, InboxState
from dealthread.store.runs import Runs

Tell = Callable[[str, str], Awaitable[None]]
"""Billing account, and the id there."""


class BillDuty:
    """Reads what an event is about, and tells it. `slots` bounds what is under way at once."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        engine: AsyncEngine,
        slots: asyncio.Semaphore,
    ) -> None:
        self._settings = settings
        self._client = client
        self._inbox = Inbox(engine)
        self._bills = PostgresBills(engine)
        self._runs = Runs(engine)
        self._slots = slots

    async def take(self, limit: int) -> int:
        """How many events were taken."""
        rows = await self._inbox.due_held("stripe", limit)
        about: dict[str, tuple[Tell, str, list[InboxRow]]] = {}
        for row in rows:
            try:
                named = await self._named(row)
            except BadInput as error:
                outcome = f"{error.code}: {error.field}"
                await self._inbox.finish(row.id, InboxState.REFUSED, outcome)
                continue
            if named is not None:
                business_key, tell, native_id = named
                about.setdefault(business_key, (tell, native_id, []))[2].append(row)
        await asyncio.gather(
            *(
                told_or_later(self._inbox, some, self._tell(key, tell, native_id, some))
                for key, (tell, native_id, some) in about.items()
            )
        )
        return len(rows)

    async def _tell(
        self, business_key: str, tell: Tell, native_id: str, rows: list[InboxRow]
    ) -> None:
        async with self._slots:
            await tell(rows[0].account, native_id)
            for row in rows:
                await self._inbox.finish(row.id, InboxState.HANDLED, "accepted", business_key)

    async def _named(self, row: InboxRow) -> tuple[str, Tell, str] | None:
        """Whom the event is for: business key, how he is told, the id at the biller. None where
        nobody is told; the row has its outcome then. Raises BadInput."""
        draft, invoice = draft_told_of(row.account, row), invoice_told_of(row)
        payout, dispute = payout_told_of(row), dispute_told_of(row)
        if payout is not None:
            return payout_id(row.account, payout), self._payout, payout
        if dispute is not None:
            return dispute_id(row.account, dispute), self._dispute, dispute
        if draft is not None and draft.drafted_at is not None:
            # As old as the draft: a reading of the invoice is younger, and stands.
            await self._bills.seen(draft, draft.drafted_at)
            await self._inbox.finish(row.id, InboxState.HANDLED, "noted: a draft")
            return None
        if invoice is None:
            await self._inbox.finish(row.id, InboxState.HANDLED, "ignored: not about an invoice")
            return None
        return invoice_id(row.account, invoice), self._invoice, invoice

    async def _payout(self, account: str, payout: str) -> None:
        await start_payout(self._client, self._settings, account, payout)

    async def _dispute(self, account: str, dispute: str) -> None:
        await start_dispute(self._client, self._settings, account, dispute)

    async def _invoice(self, account: str, invoice: str) -> None:
        await start_invoice(self._client, self._settings, account, invoice)
        await tell_collections(self._client, account, invoice)
        _, given_up = await self._runs.latest_generation(write_off_id(account, invoice))
        if given_up == ChangeOutcome.COMPLETED:
            await start_recovery(self._client, self._settings, account, invoice)
