"""A closed month is what the next one begins with: the processor is not asked for it again."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import PaymentWay
from dealthread.store.closing import PostgresClosing
from tests.support.change_lab import on, sold
from tests.support.closing_lab import closed
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of, news, paid_bill
from tests.support.saga_lab import fresh, lab
from tests.support.worked_year import US

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
ACCOUNT = "acct_alder_us"


async def test_a_month_begins_with_the_balance_that_the_last_one_was_closed_on(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """January's is kept once January is over; each month's identities hold."""
    async with lab(dev_server, engine, JANUARY) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", JANUARY)
        bill = paid_bill(bill, bill.gross, JANUARY, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(dev_server, bill)).result() == "paid"
        store = PostgresClosing(engine)

        on(it, date(2026, 2, 2))
        assert (await closed(it, US, JANUARY)).outcome == "closed"
        (known,) = await store.known_balances(US, FEBRUARY)
        assert (known.billing_account, known.until) == (ACCOUNT, FEBRUARY)
        assert str(known.balance) == "15,891.00 USD"
        assert {asked for _, _, asked in it.billing.asked_balances} == {()}
        assert await store.known_balances(US, JANUARY) == ()

        on(it, date(2026, 3, 2))
        it.billing.asked_balances.clear()
        assert (await closed(it, US, FEBRUARY)).outcome == "closed"
        mine = {asked for key, _, asked in it.billing.asked_balances if key == ACCOUNT}
        assert mine == {(known,)}
        (later,) = await store.known_balances(US, MARCH)
        assert (later.until, later.balance) == (MARCH, known.balance)


async def test_on_a_months_last_day_nothing_is_kept_for_the_next(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """What still moves on that day would never be read."""
    async with lab(dev_server, engine, JANUARY) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", JANUARY)
        bill = paid_bill(bill, bill.gross, JANUARY, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(dev_server, bill)).result() == "paid"
        on(it, date(2026, 1, 31))
        assert (await closed(it, US, JANUARY)).outcome == "closed"
        assert await PostgresClosing(engine).known_balances(US, FEBRUARY) == ()
