"""PF-08: payments of our invoices by the processor's id, and what the ledger made of them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.bill import PaymentWay
from dealthread.domain.money import Money
from dealthread.store.bills import PostgresBills
from dealthread.store.payments import PostgresPayments
from tests.support.invoice_lab import bill_of, paid_bill
from tests.support.running_contract import running_contract, worked_contract

pytestmark = pytest.mark.postgres

DAY = date(2026, 1, 1)
READ = datetime(2026, 1, 1, 9, tzinfo=UTC)


async def test_a_payment_is_found_by_the_processors_id_in_its_own_account(
    store: AsyncEngine,
) -> None:
    """Of two payments of one invoice each by its own; one by bank has none; unknown ones are left
    out. What the ledger has of it is not known before it is posted."""
    contract = await running_contract(store, worked_contract())
    bill = bill_of(contract, "in_1", DAY)
    for amount, way in (("10.00", PaymentWay.PROCESSOR), ("5.00", PaymentWay.BANK)):
        bill = paid_bill(bill, Money.of(amount, bill.currency), DAY, way)
    bill = paid_bill(bill, bill.remaining, DAY, PaymentWay.PROCESSOR)
    await PostgresBills(store).seen(bill, READ)
    first, _, last = bill.payments
    payments = PostgresPayments(store)
    wanted = [last.processor_id, first.processor_id, "pi_nobodys"]
    found = await payments.known(bill.ref.account, wanted)
    assert {key: [one.native_id for one in parts] for key, parts in found.items()} == {
        first.processor_id: [first.ref.native_id],
        last.processor_id: [last.ref.native_id],
    }
    (one,) = found[first.processor_id]
    assert (one.invoice_number, one.invoice_id, one.contract_key, one.customer_key) == (
        bill.number,
        "in_1",
        contract.key,
        contract.customer_key,
    )
    assert (str(one.amount.amount), one.carried) == ("10.00", None)
    assert await payments.known("acct_another", wanted) == {}
    assert await payments.known(bill.ref.account, []) == {}
    assert await payments.known(bill.ref.account, [""]) == {}
