"""DM-11: an invoice in another currency than its ledger's is posted at the ledger's rate of its day
and settled at that of the payment (D5 of facts/domain.md §9.6, journals of §9.8)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.cash_inputs import CashReceiptInput
from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.cash import BankReceipt
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.naming import WORKFLOW_QUEUE, bank_receipt_id
from dealthread.store.schema import journal
from tests.fakes.bills import credited
from tests.fakes.world import Fault
from tests.support.change_lab import on
from tests.support.invoice_lab import balances, bill_of, mirrored, news, paid_bill, until
from tests.support.money_stories_abroad import sold_abroad
from tests.support.saga_lab import lab
from workflows.cash_receipt import CashReceiptWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ISSUED, CAME, PAID = date(2026, 6, 1), date(2026, 6, 5), date(2026, 6, 29)


async def test_d5_is_posted_at_the_rate_of_its_day_and_the_payment_realises_the_loss(
    client: Client, engine: AsyncEngine
) -> None:
    """12,000.00 EUR: 1100 10,200.00 against 2300; 1000 10,104.00 and 7000 96.00 against 1100. A
    rate that nobody entered is a case that names currency and day, and nothing is posted."""
    async with lab(client, engine, ISSUED) as it:
        entered = it.erp.ledger.rates.pop(("EUR", "GBP"))
        contract = await sold_abroad(it)
        bill = bill_of(contract, f"in_{contract.key}", ISSUED)
        assert bill.gross == Money.of("12000.00", "EUR")
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        case = await it.case_of(contract.key)
        assert (case.kind, case.evidence["code"]) == ("erp.rejected", "rate_missing")
        assert (case.evidence["currency"], case.evidence["day"]) == ("EUR", "2026-06-01")
        assert balances(it, contract.erp_company) == {}

        it.erp.ledger.rates["EUR", "GBP"] = entered
        await it.decide(case, DecisionKind.RETRY)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("10200.00"),
            "2300": Decimal("-10200.00"),
        }
        on(it, PAID)
        paid = paid_bill(bill, bill.gross, PAID, PaymentWay.BANK)
        it.billing.bills[bill.ref.native_id] = paid
        await news(client, bill)
        assert await handle.result() == "paid"
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("10104.00"),
            "7000": Decimal("96.00"),
            "2300": Decimal("-10200.00"),
        }
        said = {one.kind: one.rate for one in await _posted(it.engine, contract.key)}
        assert [(kind, str(rate.rate), rate.rate_date) for kind, rate in said.items()] == [
            ("invoice", "0.85", ISSUED),
            ("receipt", "0.842", PAID),
        ]


async def test_money_of_the_bank_leaves_unapplied_cash_at_the_rate_at_which_it_came(
    client: Client, engine: AsyncEngine
) -> None:
    """It came at 0.85 and is recorded at the biller on a day at 0.842: nothing is left in 2200, and
    nothing is realised that the bank did not lose."""
    async with lab(client, engine, ISSUED) as it:
        contract = await sold_abroad(it)
        bill = bill_of(contract, f"in_{contract.key}", ISSUED)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        on(it, PAID)
        receipt = BankReceipt(
            seller=contract.seller,
            source=f"FX-{contract.key}",
            amount=bill.gross,
            value_date=CAME,
            invoices=(bill.number,),
        )
        came = await client.start_workflow(
            CashReceiptWorkflow.run,
            CashReceiptInput(receipt=receipt),
            id=bank_receipt_id(contract.seller, receipt.source),
            task_queue=WORKFLOW_QUEUE,
        )
        assert await came.result() == f"{bill.gross} applied, 0.00 EUR on account"
        assert await handle.result() == "paid"
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("10200.00"),
            "2300": Decimal("-10200.00"),
        }


async def test_a_repeat_keeps_the_rate_although_treasury_corrects_it_meanwhile(
    client: Client, engine: AsyncEngine
) -> None:
    """The answers of invoice and payment are lost, and the rate of each one's day is another one
    when the repeat comes: what is in the books stands, and is on record."""
    async with lab(client, engine, ISSUED) as it:
        contract = await sold_abroad(it)
        bill = bill_of(contract, f"in_{contract.key}", ISSUED)
        table = it.erp.ledger.rates["EUR", "GBP"]
        days = {"erp.post_invoice": ISSUED, "erp.apply_receipt": PAID}

        def corrected(method: str) -> None:
            if method in days:
                table[days[method]] = "0.9"

        it.world.after_effect = corrected
        for method in days:
            it.world.plan(method, Fault.LOST)
        it.billing.bills[bill.ref.native_id] = paid_bill(bill, bill.gross, PAID, PaymentWay.BANK)
        assert await (await news(client, bill)).result() == "paid"
        assert [table[day] for day in days.values()] == ["0.9", "0.9"]
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("10104.00"),
            "7000": Decimal("96.00"),
            "2300": Decimal("-10200.00"),
        }
        said = [one.rate for one in await _posted(it.engine, contract.key)]
        assert [str(one.rate) for one in said if one is not None] == ["0.85", "0.842"]


async def test_a_credit_takes_its_invoices_rate_and_asks_for_none_of_its_own_day(
    client: Client, engine: AsyncEngine
) -> None:
    """Ten days later, with no rate entered since: 1,200.00 EUR less are 1,020.00 less at 0.85."""
    async with lab(client, engine, ISSUED) as it:
        contract = await sold_abroad(it)
        bill = bill_of(contract, f"in_{contract.key}", ISSUED)
        net, tax = Money.of("1200.00", "EUR"), Money.zero("EUR")
        less = credited(bill, net, tax, date(2026, 6, 11), CreditForm.OPEN_INVOICE)
        it.billing.bills[bill.ref.native_id] = less
        await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("9180.00"),
            "2300": Decimal("-9180.00"),
        }
        assert await it.open_case(contract.key) is None


async def _posted(engine: AsyncEngine, contract_key: str) -> list[PostedDocument]:
    """What the record of postings says, in order."""
    query = (
        select(journal.c.result)
        .where(
            journal.c.contract_key == contract_key,
            journal.c.step.in_(("erp.invoice", "erp.receipt")),
        )
        .order_by(journal.c.opened_at)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).scalars()
        return [PostedDocument.model_validate_json(row) for row in rows]
