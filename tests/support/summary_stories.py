"""What happens to a day's card invoices that are one document of the ledger, for the identities."""

from __future__ import annotations

from datetime import date

from dealthread.domain.bill import Bill
from dealthread.domain.case import DecisionKind
from dealthread.domain.dispute import DisputeStatus
from tests.support.change_lab import on
from tests.support.credit_lab import credit
from tests.support.money_stories import IN_JANUARY, Month, Story, disputed
from tests.support.saga_lab import Lab
from tests.support.summary_lab import billed, by_card, control_customer, keyed, post_now


async def _posted(it: Lab) -> list[Bill]:
    """Two of 15,891.00, paid on 1 January, in the ledger as one document of 31,782.00."""
    control_customer(it)
    made = [await billed(it, number) for number in (1, 2)]
    for bill, _ in made:
        await by_card(it, bill)
    assert await post_now(it) == 2
    for bill, handle in made:
        await keyed(it, bill)
        assert await handle.result() == "paid"
    return [it.billing.bills[bill.ref.native_id] for bill, _ in made]


async def a_summary_of_two_invoices(it: Lab) -> None:
    await _posted(it)


async def a_summary_of_which_one_is_refunded_in_part(it: Lab) -> None:
    """On 20 January 500.00 and their tax go back to the card."""
    bill, _ = await _posted(it)
    on(it, date(2026, 1, 20))
    contract = await it.contracts.read(bill.contract_key)
    assert contract is not None
    given = await credit(it, contract, bill, "500.00", refund=True)
    assert await given.result() == "completed"


async def a_summary_of_which_one_is_lost_to_a_dispute(it: Lab) -> None:
    """Its payer's bank keeps 15,891.00: the invoice stands by itself, and is owed again."""
    bill, _ = await _posted(it)
    handle = await disputed(it, bill, status=DisputeStatus.LOST)
    case = await it.case_of(bill.contract_key, kind="cash.returned")
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"


SUMMARY_STORIES: tuple[tuple[Month, Story], ...] = (
    (IN_JANUARY, a_summary_of_two_invoices),
    (IN_JANUARY, a_summary_of_which_one_is_refunded_in_part),
    (IN_JANUARY, a_summary_of_which_one_is_lost_to_a_dispute),
)
