"""A disputed payment in another currency than the ledger's (PF-08, DM-11, docs/adr/0028).

D5: 12,000.00 EUR of a company of pounds, billed at 0.85, paid by card at 0.842 (10,104.00 GBP on
clearing, 96.00 realised); taken back at 0.86; what is won comes back at 0.845.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute, DisputeStatus
from dealthread.domain.money import Money
from dealthread.naming import dispute_key
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on
from tests.support.dispute_runs import told_of
from tests.support.invoice_lab import balances, bill_of, news, paid_bill, ref_of, told
from tests.support.money_stories_abroad import sold_abroad
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, lab
from tests.workflows.test_dispute_in_parts import moved
from workflows.dispute_to_end import DisputeToEndWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ISSUED, PAID = date(2026, 6, 1), date(2026, 6, 29)
OPENED, WON = date(2026, 7, 6), date(2026, 8, 3)
ACCOUNT, COMPANY = "acct_alder_uk", "3"
RATES = {ISSUED: "0.85", PAID: "0.842", OPENED: "0.86", WON: "0.845"}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


async def _paid(it: Lab) -> tuple[Contract, Bill]:
    """By card, and in the ledger."""
    it.erp.ledger.rates["EUR", "GBP"] = dict(RATES)
    on(it, ISSUED)
    contract = await sold_abroad(it)
    bill = bill_of(contract, f"in_{contract.key}", ISSUED)
    paid = paid_bill(bill, bill.gross, PAID, PaymentWay.PROCESSOR)
    assert paid.gross == eur("12000.00")
    on(it, PAID)
    it.billing.bills[paid.ref.native_id] = paid
    assert await (await news(it.client, paid)).result() == "paid"
    return contract, paid


def _disputed(it: Lab, native_id: str, bill: Bill | None, taken: str, **changes: Any) -> None:
    """With a fee of 20.00 EUR, of a balance in euros."""
    it.billing.disputes[native_id] = Dispute(
        ref=ref_of(ACCOUNT, "dispute", native_id),
        status=DisputeStatus.LOST,
        amount=eur(taken),
        reason="fraudulent",
        withdrawn=eur(taken),
        reinstated=eur("0.00"),
        fee=eur("20.00"),
        fee_returned=eur("0.00"),
        opened_on=OPENED,
        invoice_id=bill.ref.native_id if bill is not None else "",
        payment_id=bill.payments[0].ref.native_id if bill is not None else "",
    ).model_copy(update=changes)


async def _told_of(it: Lab, native_id: str) -> WorkflowHandle[DisputeToEndWorkflow, str]:
    on(it, WON)
    return await told_of(it, native_id, ACCOUNT)


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_part_that_is_lost_is_owed_at_its_invoices_rate_through_a_fault_at_any_act(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """3,000.00 EUR. Taken: 1060 2,580.00 and 6650 17.20 against 1050. The payment undone: 1100
    10,200.00, 1050 10,104.00, 7000 96.00 back. 9,000.00 EUR of it again: 1050 7,578.00 and 7000
    72.00 against 1100 7,650.00. Lost: 1050 2,526.00 and 7000 54.00 against 1060."""
    async with lab(client, engine, ISSUED) as it:
        it.world.retry_after = it.world.retry_after / 100
        contract, bill = await _paid(it)
        before, native_id = balances(it, COMPANY), f"du_{contract.key}"
        _disputed(it, native_id, bill, "3000.00")
        for act in ("erp.reverse_journal", "erp.apply_receipt", "erp.post_journal"):
            it.world.plan(act, fault)
        handle = await _told_of(it, native_id)
        case = await it.case_of(contract.key, kind="cash.returned")
        assert case.evidence["owed_again"] == f"{bill.number}: 3,000.00 EUR"
        await it.decide(case, DecisionKind.HAND_OVER)
        assert await handle.result() == "lost"
        await settled(it.world)
        assert moved(before, balances(it, COMPANY)) == {
            "1100": Decimal("2550.00"),
            "6650": Decimal("17.20"),
            "1050": Decimal("-2597.20"),
            "7000": Decimal("30.00"),
        }
        (owed,) = await it.erp.open_documents(COMPANY, contract.customer_key)
        assert (owed.open_amount, owed.open_ledger_amount) == (eur("3000.00"), gbp("2550.00"))
        assert _on_clearing(it) == eur("8980.00").amount
        (closed,) = await told(it, contract.key, "dispute.closed")
        assert (closed["amount"], closed["currency"]) == ("3000.00", "EUR")


def _on_clearing(it: Lab) -> Decimal:
    """In euros, as the processor counts: charged less taken."""
    return sum(
        (
            line.document_amount.amount if line.signed.amount > 0 else -line.document_amount.amount
            for entry in it.erp.ledger.entries
            for line in entry.lines
            if line.account == "1050" and line.document_amount is not None
        ),
        Decimal(0),
    )


async def test_won_at_another_rate_the_difference_is_realised(
    client: Client, engine: AsyncEngine
) -> None:
    """10,320.00 GBP stood on 1060; 12,000.00 EUR at 0.845 are 10,140.00: 180.00 are lost. The fee
    of 20.00 EUR stays, at the rate of its day."""
    async with lab(client, engine, ISSUED) as it:
        contract, bill = await _paid(it)
        before, native_id = balances(it, COMPANY), f"du_{contract.key}"
        back = {"reinstated": eur("12000.00"), "reinstated_on": WON}
        _disputed(it, native_id, bill, "12000.00", status=DisputeStatus.WON, **back)
        assert await (await _told_of(it, native_id)).result() == "won"
        assert moved(before, balances(it, COMPANY)) == {
            "6650": Decimal("17.20"),
            "1050": Decimal("-197.20"),
            "7000": Decimal("180.00"),
        }


async def test_what_the_processor_converts_is_booked_as_it_says(
    client: Client, engine: AsyncEngine
) -> None:
    """It took 10,380.00 GBP for 12,000.00 EUR, with 15.00 of fee: no rate of the ledger is needed.
    The payment brought 10,104.00: 276.00 are lost, and its own 96.00 come back."""
    async with lab(client, engine, ISSUED) as it:
        contract, bill = await _paid(it)
        it.erp.ledger.rates["EUR", "GBP"] = {ISSUED: "0.85", PAID: "0.842"}
        before, native_id = balances(it, COMPANY), f"du_{contract.key}"
        _disputed(
            it,
            native_id,
            bill,
            "12000.00",
            withdrawn=gbp("10380.00"),
            reinstated=gbp("0.00"),
            fee=gbp("15.00"),
            fee_returned=gbp("0.00"),
            rate=Decimal("0.865"),
        )
        handle = await _told_of(it, native_id)
        await it.decide(await it.case_of(contract.key), DecisionKind.HAND_OVER)
        assert await handle.result() == "lost"
        assert moved(before, balances(it, COMPANY)) == {
            "1100": Decimal("10200.00"),
            "6650": Decimal("15.00"),
            "1050": Decimal("-10395.00"),
            "7000": Decimal("180.00"),
        }
        (owed,) = await it.erp.open_documents(COMPANY, contract.customer_key)
        assert (owed.open_amount, owed.open_ledger_amount) == (eur("12000.00"), gbp("10200.00"))


async def test_a_rate_that_nobody_entered_is_a_case_that_names_currency_and_day(
    client: Client, engine: AsyncEngine
) -> None:
    """Nothing is posted until treasury has entered it. About no invoice of ours, it is a loss at
    the rate at which it was taken."""
    async with lab(client, engine, ISSUED) as it:
        it.erp.ledger.rates["EUR", "GBP"] = {}
        before, native_id = balances(it, COMPANY), "du_no_rate"
        _disputed(it, native_id, None, "100.00")
        handle = await _told_of(it, native_id)
        case = await it.case_of(dispute_key(ACCOUNT, native_id))
        assert (case.kind, case.evidence["code"]) == ("erp.rejected", "rate_missing")
        assert (case.evidence["currency"], case.evidence["day"]) == ("EUR", "2026-07-06")
        assert balances(it, COMPANY) == before
        it.erp.ledger.rates["EUR", "GBP"] = {OPENED: "0.86"}
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "lost"
        assert moved(before, balances(it, COMPANY)) == {
            "6650": Decimal("103.20"),
            "1050": Decimal("-103.20"),
        }


async def test_what_came_back_in_part_of_a_converted_payment_is_a_persons(
    client: Client, engine: AsyncEngine
) -> None:
    """Which part of the payment it was no rate of the processor says: nothing is opened again."""
    async with lab(client, engine, ISSUED) as it:
        contract, bill = await _paid(it)
        native_id = f"du_{contract.key}"
        _disputed(
            it,
            native_id,
            bill,
            "12000.00",
            withdrawn=gbp("10380.00"),
            reinstated=gbp("80.00"),
            fee=gbp("0.00"),
            fee_returned=gbp("0.00"),
            rate=Decimal("0.865"),
        )
        before = balances(it, COMPANY)
        handle = await _told_of(it, native_id)
        case = await it.case_of(dispute_key(ACCOUNT, native_id))
        assert (case.kind, case.code) == ("cash.returned", "dispute_is_back_in_part")
        assert case.evidence["field"] == "reinstated"
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "left_to_people"
        assert balances(it, COMPANY) == before
