"""What is recorded of credits on invoices: one is given, one waits for a second person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.replay.record_changes import START, Recorded, settled
from tests.support.change_lab import on
from tests.support.credit_lab import credit, invoiced
from tests.support.saga_lab import Lab


async def invoice_credit_completed(it: Lab) -> Recorded:
    """500.00 of a paid invoice, to the balance; the invoice's run is begun by it."""
    on(it, START)
    contract, bill = await invoiced(it)
    handle = await credit(it, contract, bill, "500.00")
    await handle.result()
    return Recorded(handle.id)


async def invoice_credit_waiting_for_approval(it: Lab) -> Recorded:
    """Above the limit, still running."""
    on(it, START)
    contract, bill = await invoiced(it)
    handle = await credit(it, contract, bill, "2000.00")
    await it.case_of(contract.key, kind="deal.approval")
    await settled(handle)
    return Recorded(handle.id)


CREDITS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    invoice_credit_completed,
    invoice_credit_waiting_for_approval,
)
