"""Who bought stands on each document of the ledger as on the biller's, and nowhere of ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.cash_inputs import CashReceiptInput
from dealthread.domain.bill import PaidBill, PaymentWay
from dealthread.domain.cash import BankReceipt
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.money import Money
from dealthread.domain.party import Address, BuyerSnapshot, TaxId
from dealthread.naming import WORKFLOW_QUEUE, bank_receipt_id
from dealthread.store.schema import audit, bills, journal, metadata, outbox
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d2
from tests.support.invoice_lab import balances, bill_of, mirrored, news, paid_bill, ref_of, until
from tests.support.saga_ends import all_met
from tests.support.saga_lab import fresh, lab
from workflows.cash_receipt import CashReceiptWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

BEGIN = date(2026, 3, 15)
BUYER = BuyerSnapshot(
    name="Karla Beispiel Maschinenbau",
    address=Address(street="Am Sandtorkai 2", city="Hamburg", postal_code="20457", country="DE"),
    tax_ids=(TaxId(scheme="eu_vat", number="DE199999907"),),
)


async def test_invoice_and_credit_say_who_bought_and_our_tables_do_not(
    client: Client, engine: AsyncEngine
) -> None:
    """Told again by a run of its own under another name, nothing is posted a second time."""
    async with lab(client, engine, BEGIN) as it:
        contract = await sold(it, fresh(d2()))
        bill = bill_of(contract, f"in_{contract.key}", BEGIN).model_copy(update={"buyer": BUYER})
        credit = CreditMemo(
            ref=ref_of(bill.ref.account, "credit_note", f"cn_{contract.key}"),
            number=f"{bill.number}-CN-01",
            corrects=bill.ref,
            lines=(
                CreditMemoLine(
                    line_key=contract.lines[0].line_key,
                    net=Money.of("2201.75", "EUR"),
                    tax=Money.of("418.33", "EUR"),
                ),
            ),
            net=Money.of("2201.75", "EUR"),
            tax=Money.of("418.33", "EUR"),
            gross=Money.of("2620.08", "EUR"),
            forms={CreditForm.BALANCE: Money.of("2620.08", "EUR")},
            issue_date=BEGIN,
        )
        paid = paid_bill(bill, bill.gross, BEGIN, PaymentWay.BANK)
        paid = paid.model_copy(update={"credit_memos": (credit,)})
        it.billing.bills[bill.ref.native_id] = paid
        handle = await news(client, paid)
        assert await handle.result() == "paid"
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert list(it.erp.ledger.buyers.values()) == [BUYER, BUYER]
        before = balances(it, contract.erp_company)
        assert before["2210"] == Decimal("-2620.08")

        renamed = BUYER.model_copy(update={"name": "Karla Anders Maschinenbau"})
        it.billing.bills[bill.ref.native_id] = paid.model_copy(update={"buyer": renamed})
        again = await news(client, paid)
        assert await again.result() == "paid"
        assert balances(it, contract.erp_company) == before
        assert list(it.erp.ledger.buyers.values()) == [BUYER, BUYER]

        await nowhere_of_ours(engine)


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.LATE])
async def test_a_receipt_of_the_bank_leaves_no_word_of_who_bought(
    client: Client, engine: AsyncEngine, fault: Fault | None
) -> None:
    """The biller answers a recorded payment, and a look for it, with the whole document."""
    async with lab(client, engine, BEGIN) as it:
        contract = await sold(it, fresh(d2()))
        bill = bill_of(contract, f"in_{contract.key}", BEGIN).model_copy(update={"buyer": BUYER})
        it.billing.bills[bill.ref.native_id] = bill
        await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        if fault is not None:
            it.world.plan("billing.record_payment", fault)
        receipt = BankReceipt(
            seller=contract.seller,
            source=f"BANK-{contract.key}",
            amount=bill.gross,
            value_date=BEGIN,
            invoices=(bill.number,),
            actor="clara",
        )
        result = await client.execute_workflow(
            CashReceiptWorkflow.run,
            CashReceiptInput(receipt=receipt),
            id=bank_receipt_id(receipt.seller, receipt.source),
            task_queue=WORKFLOW_QUEUE,
        )
        assert result == f"{bill.gross} applied, 0.00 EUR on account"
        all_met(it)
        await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")
        recorded = select(journal.c.result).where(journal.c.step == "billing.record_payment")
        async with engine.connect() as connection:
            (kept,) = (await connection.execute(recorded)).scalars()
        assert PaidBill.model_validate_json(kept).remaining == Money.zero("EUR")
        await nowhere_of_ours(engine)


async def nowhere_of_ours(engine: AsyncEngine) -> None:
    """No row of any table names the buyer."""
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = (await connection.execute(select(table))).all()
            assert rows or table not in (bills, journal, outbox, audit)
            # A row as it prints itself leaves out the middle of a long text.
            assert "Karla" not in repr([tuple(row) for row in rows])
