"""PF-07, PF-08: invoices of nought, below nought, and those that the customer's balance pays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.bills import credited
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d2
from tests.support.invoice_lab import (
    balances,
    bill_of,
    mirrored,
    news,
    paid_bill,
    ref_of,
    standing,
    told,
    until,
)
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

DAY = date(2026, 3, 15)
# D2 of facts/domain.md §9.6: 40 seats, their tax, and the credit that a renewal uses up.
NET, TAX, GROSS = Decimal("17760.00"), Decimal("3374.40"), Decimal("21134.40")
BALANCE = Decimal("2620.08")


async def _bill(it: Lab) -> tuple[Contract, Bill]:
    contract = await sold(it, fresh(d2()))
    bill = bill_of(contract, f"in_{contract.key}", DAY)
    assert (bill.net.amount, bill.tax.amount, bill.gross.amount) == (NET, TAX, GROSS)
    return contract, bill


def _times(bill: Bill, factor: int) -> Bill:
    """All amounts of a bill: as a credit, or nought."""
    zero = Money.zero(bill.currency)

    def of(amount: Money) -> Money:
        return -amount if factor else zero

    lines = tuple(
        one.model_copy(update={"net": of(one.net), "tax": of(one.tax)}) for one in bill.lines
    )
    return bill.model_copy(
        update={
            "lines": lines,
            "net": of(bill.net),
            "tax": of(bill.tax),
            "gross": of(bill.gross),
            "balance_used": of(bill.gross),
            "remaining": zero,
            "status": InvoiceStatus.PAID,
        }
    )


async def test_an_invoice_of_nought_is_registered_and_posted_nowhere(
    client: Client, engine: AsyncEngine
) -> None:
    """Its number is known, the ledger gets nothing, and nothing of it is late or missing."""
    async with lab(client, engine, DAY) as it:
        contract, bill = await _bill(it)
        bill = _times(bill, 0)
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(client, bill)).result() == "nothing to receive"
        assert balances(it, contract.erp_company) == {}
        stands = await standing(it, contract, DAY)
        assert (stands.differences, str(stands.position.receivable)) == ((), "0.00 EUR")


async def test_an_invoice_below_nought_is_a_credit_memo_to_the_customers_balance(
    client: Client, engine: AsyncEngine
) -> None:
    """2300 and 2120 against 2210; nobody owes anything, and the run ends."""
    async with lab(client, engine, DAY) as it:
        contract, bill = await _bill(it)
        bill = _times(bill, -1)
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(client, bill)).result() == "paid"
        assert balances(it, contract.erp_company) == {"2300": NET, "2120": TAX, "2210": -GROSS}
        stands = await standing(it, contract, DAY)
        position = stands.position
        assert (position.receivable.amount, position.credit_balance.amount) == (0, GROSS)
        assert stands.differences == ()
        (heard,) = await told(it, contract.key, "credit_memo.created")
        assert (heard["credit_memo_number"], heard["corrects_invoice"]) == (bill.number, "")
        # Told again after the end: nothing twice.
        assert await (await news(client, bill)).result() == "paid"
        assert it.world.calls["erp.post_credit_memo"] == 1


@pytest.mark.parametrize("used", [BALANCE, GROSS], ids=["in_part", "wholly"])
async def test_what_the_balance_pays_of_an_invoice_is_taken_out_of_the_liability(
    client: Client, engine: AsyncEngine, used: Decimal
) -> None:
    """The total is posted, never what is left to pay: 1100 is settled out of 2210."""
    async with lab(client, engine, DAY) as it:
        contract, bill = await _bill(it)
        left = Money.of(GROSS - used, "EUR")
        bill = bill.model_copy(
            update={
                "balance_used": Money.of(used, "EUR"),
                "remaining": left,
                "status": InvoiceStatus.OPEN if left else InvoiceStatus.PAID,
            }
        )
        bank = {}
        if left:
            bill, bank = paid_bill(bill, left, DAY, PaymentWay.BANK), {"1000": left.amount}
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(client, bill)).result() == "paid"
        assert balances(it, contract.erp_company) == {
            "2300": -NET,
            "2120": -TAX,
            "2210": used,
            **bank,
        }
        assert mirrored(it)[bill.ref.native_id].gross.amount == GROSS
        assert (await standing(it, contract, DAY)).differences == ()


async def test_a_credit_that_the_biller_voids_is_undone_in_the_ledger(
    client: Client, engine: AsyncEngine
) -> None:
    """PF-09: a document that names it, once although its answer is lost; the invoice is owed whole
    again and paid whole. One that the ledger never had is nothing to undo."""
    async with lab(client, engine, DAY) as it:
        contract, bill = await _bill(it)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        net, tax = Money.of("100.00", "EUR"), Money.of("19.00", "EUR")
        less = credited(bill, net, tax, DAY, CreditForm.OPEN_INVOICE)
        it.billing.bills[bill.ref.native_id] = less
        await news(client, bill)
        await until(lambda: balances(it, contract.erp_company).get("1100") == GROSS - 119)

        (memo,) = less.credit_memos
        unseen = memo.model_copy(
            update={"ref": ref_of(bill.ref.account, "credit_note", "cn_unseen"), "number": "N-X"}
        )
        voided = tuple(one.model_copy(update={"voided_on": DAY}) for one in (memo, unseen))
        again = bill.model_copy(update={"voided_credits": voided})
        it.billing.bills[bill.ref.native_id] = again
        it.world.plan("erp.take_back_credit", Fault.LOST)
        await news(client, bill)
        await until(lambda: balances(it, contract.erp_company).get("1100") == GROSS)
        paid = paid_bill(again, again.gross, DAY, PaymentWay.BANK)
        it.billing.bills[bill.ref.native_id] = paid
        await news(client, bill)
        assert await handle.result() == "paid"
        assert balances(it, contract.erp_company) == {"1000": GROSS, "2300": -NET, "2120": -TAX}
        assert (await standing(it, contract, DAY)).differences == ()
        # A run that remembers nothing finds it undone.
        assert await (await news(client, bill)).result() == "paid"
        undone = [one for one in it.erp.ledger.documents.values() if one.number.endswith(" void")]
        assert [one.number for one in undone] == [f"{memo.number} void"]
