"""PF-08, PF-09: an invoice that is voided after it was posted, and was credited or used the
customer's balance before: the ledger gets the reversal of what remains, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.bills import credited_in_words
from tests.fakes.world import Fault, settled
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import START, balances, bill_of, mirrored, news, until
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_fault_at_any_act_reverses_what_remains_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """D1's 15,891.00, of which the balance paid 533.00 and 100.00 were credited: 15,258.00 are
    closed, 533.00 are the customer's again. The credit and the void are told together."""
    async with lab(client, engine, START) as it:
        it.world.retry_after = it.world.retry_after / 100
        for act, occurrences in (("erp.post_credit_memo", (1, 3)), ("erp.apply_receipt", (1,))):
            for occurrence in occurrences:
                it.world.plan(act, fault, occurrence=occurrence)
        contract = await sold(it, fresh(d1()))
        used = Money.of("533.00", "USD")
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = bill.model_copy(
            update={"balance_used": used, "remaining": bill.gross - used, "due_date": None}
        )
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        day = START + timedelta(days=2)
        words = Money.of("100.00", "USD")
        after = credited_in_words(bill, words, START, CreditForm.OPEN_INVOICE)
        it.billing.bills[bill.ref.native_id] = after.model_copy(
            update={"status": InvoiceStatus.VOID, "voided_on": day}
        )
        await news(client, bill)
        assert await handle.result() == "void"
        assert await (await news(client, bill)).result() == "void"
        await settled(it.world)
        memos = {
            one.number: (str(one.gross.amount), one.posting_date)
            for one in it.erp.ledger.documents.values()
            if one.kind == "credit_memo"
        }
        assert memos == {
            after.credit_memos[0].number: ("100.00", START),
            f"{bill.number} void": ("15791.00", day),
        }
        assert {one.open_amount.amount for one in it.erp.ledger.documents.values()} == {0}
        # All of it is undone, and the balance is what it was before the invoice.
        assert balances(it, contract.erp_company) == {}
        case = await it.case_of(contract.key)
        assert case.kind == "credit.outside"
