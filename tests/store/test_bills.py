"""PF-07: a bill is kept as it was last read; what is told of its draft changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.invoice import InvoiceStatus
from dealthread.store.bills import PostgresBills
from tests.support.invoice_lab import bill_of
from tests.support.running_contract import running_contract, worked_contract

pytestmark = pytest.mark.postgres

READ = datetime(2026, 1, 1, 9, tzinfo=UTC)


async def test_what_went_out_is_never_a_draft_again(store: AsyncEngine) -> None:
    """Also where the biller's clock is ahead of ours: its draft seems younger than the invoice."""
    contract = await running_contract(store, worked_contract())
    bills = PostgresBills(store)
    for native_id, seconds in (("in_1", -3), ("in_2", 3)):
        told_at = READ + timedelta(seconds=seconds)
        issued = bill_of(contract, native_id, date(2026, 1, 1))
        draft = issued.model_copy(update={"status": InvoiceStatus.DRAFT, "number": ""})
        for bill, at in ((draft, told_at), (issued, READ), (draft, told_at)):
            await bills.seen(bill, at)
        assert await bills.named(native_id) == issued
