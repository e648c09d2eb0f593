"""What is recorded of daily summaries: an invoice that waits and is posted in one, the run that
posts it, and an invoice that is taken out again.

A function a history, of the same name, each with a day of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from dealthread.naming import summary_id
from tests.replay.record_changes import START, Recorded
from tests.support.change_lab import on
from tests.support.credit_lab import credit
from tests.support.invoice_lab import mirrored, until
from tests.support.saga_lab import Lab
from tests.support.summary_lab import billed, by_card, control_customer, keyed, post_now


async def invoice_in_a_summary(it: Lab) -> Recorded:
    """It waits, is paid, waits on, and is posted with its day."""
    return await _posted(it, date(2026, 1, 2))


async def posting_summary_completed(it: Lab) -> Recorded:
    """One invoice, and what its card paid."""
    day = date(2026, 1, 3)
    await _posted(it, day)
    return Recorded(summary_id("US01", "USD", day, 1))


async def invoice_taken_out_of_its_summary(it: Lab) -> Recorded:
    """500.00 and their tax go back to the card: it is posted, paid and credited by itself."""
    day = date(2026, 1, 4)
    run = await _posted(it, day)
    on(it, date(2026, 1, 20))
    native_id = run.workflow_id.rpartition(":")[2]
    bill = it.billing.bills[native_id]
    contract = await it.contracts.read(bill.contract_key)
    assert contract is not None
    given = await credit(it, contract, bill, "500.00", refund=True)
    assert await given.result() == "completed"
    assert await it.client.get_workflow_handle(run.workflow_id).result() == "paid"
    return run


async def _posted(it: Lab, day: date) -> Recorded:
    on(it, START)
    control_customer(it)
    bill, handle = await billed(it, 1, day)
    await by_card(it, bill, day)
    await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")
    assert await post_now(it, day=day) == 1
    await keyed(it, bill)
    assert await handle.result() == "paid"
    return Recorded(handle.id)


SUMMARIES: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    invoice_in_a_summary,
    posting_summary_completed,
    invoice_taken_out_of_its_summary,
)
"""Of a seller that summarises (`summary_lab.summarising`)."""
