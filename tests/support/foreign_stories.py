"""Foreign payments that are paid out: converted by the processor, and in their own currency. Beside
`money_stories.py`."""

from __future__ import annotations

from tests.support.change_lab import on
from tests.support.money_stories import Month, Story
from tests.support.payout_lab import ARRIVES, ISSUED, d5_paid_by_card, paid_out, told
from tests.support.saga_lab import Lab
from tests.support.worked_year import UK

IN_JUNE = Month(UK, ISSUED, ISSUED)


async def a_payment_that_waits_for_its_conversion(it: Lab) -> None:
    """12,000.00 EUR on the clearing account of a company that keeps its books in pounds."""
    await d5_paid_by_card(it, "UK01-000001")


async def a_payout_of_a_payment_that_was_converted(it: Lab) -> None:
    """10,020.00 GBP less 300.60, carried at 10,104.00."""
    _, bill = await d5_paid_by_card(it, "UK01-000001")
    on(it, ARRIVES)
    payout = paid_out(it, bill, "10020.00", "300.60", "GBP")
    assert await (await told(it, payout)).result() == "paid"


async def a_payout_in_another_currency(it: Lab) -> None:
    """12,000.00 EUR less 300.00, on the day at 0.84."""
    it.erp.ledger.rates["EUR", "GBP"][ARRIVES] = "0.84"
    _, bill = await d5_paid_by_card(it, "UK01-000001")
    on(it, ARRIVES)
    payout = paid_out(it, bill, "12000.00", "300.00", "EUR")
    assert await (await told(it, payout)).result() == "paid"


FOREIGN: tuple[tuple[Month, Story], ...] = (
    (IN_JUNE, a_payment_that_waits_for_its_conversion),
    (IN_JUNE, a_payout_of_a_payment_that_was_converted),
    (IN_JUNE, a_payout_in_another_currency),
)
