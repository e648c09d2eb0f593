"""PF-08, SN-10: what comes to the bank, by real workflows and store (D4 of facts/domain.md §9.6).

Bank against unapplied cash, and out of it whatever is applied: nothing is counted twice although
the biller tells the payment too.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.cash_inputs import CashReceiptInput
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import Case, CaseState, DecisionKind
from dealthread.domain.cash import BankReceipt
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.naming import WORKFLOW_QUEUE, bank_receipt_id
from dealthread.store.bills import PostgresBills
from tests.fakes.world import Fault, settled
from tests.support.change_lab import sold
from tests.support.deal_builder import d1, d2, d4
from tests.support.invoice_lab import balances, bill_of, mirrored, news, until
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab
from workflows.cash_receipt import CashReceiptWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START, PAID = date(2026, 1, 1), date(2026, 3, 3)
_numbers = itertools.count(1)


async def _enter(client: Client, amount: Money, **more: object) -> WorkflowHandle:
    """As the relay starts it."""
    source = f"BANK-{next(_numbers)}"
    given = {"source": source, "seller": "US01", "value_date": PAID, **more}
    receipt = BankReceipt(
        amount=amount,
        actor="clara",
        **given,  # type: ignore[arg-type]
    )
    return await client.start_workflow(
        CashReceiptWorkflow.run,
        CashReceiptInput(receipt=receipt),
        id=bank_receipt_id(receipt.seller, receipt.source),
        task_queue=WORKFLOW_QUEUE,
    )


async def _billed(it: Lab, client: Client, contract: Contract, name: str = "") -> Bill:
    bill = bill_of(contract, f"in_{name}{contract.key}", START)
    it.billing.bills[bill.ref.native_id] = bill
    await news(client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    return bill


async def _case(it: Lab, handle: WorkflowHandle) -> Case:
    for _ in range(1000):
        for one in await it.cases.listing(CaseState.OPEN, "", 100):
            if one.business_key == handle.id:
                return one
        await asyncio.sleep(0.02)
    raise AssertionError("no case was opened")


async def test_d4s_transposed_receipt_leaves_nine_dollars_and_a_case(
    client: Client, engine: AsyncEngine
) -> None:
    """47,043.00 for 47,034.00: 1000 against 1100, 9.00 unapplied until a person has said so."""
    async with lab(client, engine, date(2026, 2, 1)) as it:
        contract = await sold(it, fresh(d4()))
        first_year = contract.model_copy(update={"lines": contract.lines[:1]})
        bill = await _billed(it, client, first_year)
        assert bill.gross == Money.of("47034.00", "USD")
        handle = await _enter(client, Money.of("47043.00", "USD"), reference=f"inv {bill.number}")
        case = await _case(it, handle)
        assert (case.kind, case.code, case.queue) == (
            "cash.over_under",
            "over_payment",
            "cash-application",
        )
        assert case.money_at_risk == Money.of("9.00", "USD")
        assert (case.customer_key, case.contract_key) == (contract.customer_key, contract.key)
        assert case.evidence["invoices_paid"] == bill.number
        assert "on_account=true" in case.evidence["next_step"]
        await it.decide(case, DecisionKind.RETRY_WITH, correction={"on_account": True})
        assert await handle.result() == "47,034.00 USD applied, 9.00 USD on account"
        await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("47043.00"),
            "2200": Decimal("-9.00"),
            "2300": Decimal("-43200.00"),
            "2110": Decimal("-3834.00"),
        }


async def test_one_receipt_pays_several_invoices_of_its_customer(
    client: Client, engine: AsyncEngine
) -> None:
    """It names none: together they have exactly that left. One receipt, two applications."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        first, second = [await _billed(it, client, contract, name) for name in ("a", "b")]
        whole = first.gross + second.gross
        handle = await _enter(client, whole, customer_key=contract.customer_key)
        assert await handle.result() == f"{whole} applied, 0.00 USD on account"
        for bill in (first, second):
            await until(lambda bill=bill: mirrored(it)[bill.ref.native_id].status == "paid")
        held = balances(it, contract.erp_company)
        assert (held["1000"], held.get("1100"), held.get("2200")) == (whole.amount, None, None)
        assert it.world.calls["erp.apply_receipt"] == 3


async def test_money_that_comes_before_its_invoice_is_kept_and_then_applied(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """In the books at once, as unapplied cash; nobody has to remember it: its invoice is looked for
    every hour."""
    client = skipping_server.client
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        handle = await _enter(
            client, bill.gross, invoices=(bill.number,), customer_key=contract.customer_key
        )
        await until(lambda: "1000" in balances(it, contract.erp_company))
        assert balances(it, contract.erp_company) == {
            "1000": bill.gross.amount,
            "2200": -bill.gross.amount,
        }
        it.billing.bills[bill.ref.native_id] = bill
        invoice = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert await handle.result() == f"{bill.gross} applied, 0.00 USD on account"
        assert await invoice.result() == "paid"
        held = balances(it, contract.erp_company)
        assert (held["1000"], held.get("1100"), held.get("2200")) == (
            bill.gross.amount,
            None,
            None,
        )


async def test_money_that_names_nobody_is_a_case_and_a_person_says_whose_it_is(
    client: Client, engine: AsyncEngine
) -> None:
    """Then it names no invoice: another case, with customer, amount and next step."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, client, contract)
        handle = await _enter(client, bill.gross - Money.of("1.00", "USD"), reference="thanks")
        case = await _case(it, handle)
        assert (case.kind, case.code) == ("cash.unmatched", "payer_unknown")
        assert case.money_at_risk == Money.of("15890.00", "USD")
        await it.decide(
            case, DecisionKind.RETRY_WITH, correction={"customer_key": contract.customer_key}
        )
        case = await _case(it, handle)
        assert (case.kind, case.code) == ("cash.unmatched", "names_no_invoice")
        assert case.customer_key == contract.customer_key
        assert case.evidence["next_step"].startswith("name the invoices")
        assert balances(it, contract.erp_company)["2200"] == Decimal("-15890.00")
        await it.decide(case, DecisionKind.RETRY_WITH, correction={"invoices": bill.number})
        assert await handle.result() == "15,890.00 USD applied, 0.00 USD on account"
        assert it.billing.bills[bill.ref.native_id].remaining == Money.of("1.00", "USD")


async def test_a_customer_that_the_seller_does_not_have_is_nobody(
    client: Client, engine: AsyncEngine
) -> None:
    """A key that was mistyped, as it was entered and again in the answer, can be given anew."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, client, contract)
        handle = await _enter(client, bill.gross, customer_key="nobody-1")
        for wrong in ("nobody-2", contract.customer_key):
            case = await _case(it, handle)
            assert case.code == "payer_unknown"
            await it.decide(case, DecisionKind.RETRY_WITH, correction={"customer_key": wrong})
        assert await handle.result() == f"{bill.gross} applied, 0.00 USD on account"


async def test_money_for_an_invoice_that_was_voided_stays_and_a_person_names_another(
    client: Client, engine: AsyncEngine
) -> None:
    """The biller goes on naming an amount of a void invoice: nobody pays it, by its number or by
    the amount, and the case takes another invoice."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        void, other = [await _billed(it, client, contract, name) for name in ("a", "b")]
        voided = void.model_copy(update={"status": InvoiceStatus.VOID})
        it.billing.bills[void.ref.native_id] = voided
        await PostgresBills(engine).seen(voided, it.clock.now() + timedelta(minutes=1))
        handle = await _enter(client, void.gross, invoices=(void.number,))
        case = await _case(it, handle)
        assert (case.kind, case.code) == ("cash.unmatched", "names_no_invoice")
        assert it.billing.bills[void.ref.native_id] == voided
        await it.decide(case, DecisionKind.RETRY_WITH, correction={"invoices": other.number})
        assert await handle.result() == f"{void.gross} applied, 0.00 USD on account"
        # Of the two that had the amount only one is owed, and that one is paid by now.
        again = await _enter(client, void.gross, customer_key=contract.customer_key)
        assert (await _case(it, again)).code == "names_no_invoice"


async def test_two_transfers_pay_one_invoice_and_the_bank_has_each_once(
    client: Client, engine: AsyncEngine
) -> None:
    """D2 as it was paid: 11,134.40 and 10,000.00, entered as they came. Each is applied as far as
    it goes; nobody is asked, nothing waits in 2200."""
    async with lab(client, engine, date(2026, 3, 15)) as it:
        contract = await sold(it, fresh(d2()))
        bill = bill_of(contract, f"in_{contract.key}", date(2026, 3, 15))
        it.billing.bills[bill.ref.native_id] = bill
        await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert bill.gross == Money.of("21134.40", "EUR")
        for amount, left in (("11134.40", "10000.00"), ("10000.00", None)):
            part = Money.of(amount, "EUR")
            handle = await _enter(client, part, invoices=(bill.number,), seller="DE01")
            assert await handle.result() == f"{part} applied, 0.00 EUR on account"
            await until(
                lambda left=left: (
                    balances(it, contract.erp_company).get("1100")
                    == (None if left is None else Decimal(left))
                )
            )
        await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")
        held = balances(it, contract.erp_company)
        assert (held["1000"], held.get("1100"), held.get("2200")) == (
            Decimal("21134.40"),
            None,
            None,
        )
        paid = it.billing.bills[bill.ref.native_id].payments
        assert [str(one.amount.amount) for one in paid] == ["11134.40", "10000.00"]
        assert len({one.receipt for one in paid}) == 2


async def test_a_part_of_what_a_card_is_charged_for_is_a_case(
    client: Client, engine: AsyncEngine
) -> None:
    """The biller takes no part of it: the money waits in 2200 until a person says."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, client, contract)
        whole = bill.model_copy(update={"takes_parts": False})
        it.billing.bills[bill.ref.native_id] = whole
        part = Money.of("5000.00", "USD")
        handle = await _enter(client, part, invoices=(bill.number,))
        case = await _case(it, handle)
        assert (case.kind, case.code) == ("cash.over_under", "part_payment")
        assert case.money_at_risk == part
        assert "Do not record it at the biller" in case.evidence["next_step"]
        assert balances(it, contract.erp_company)["2200"] == Decimal("-5000.00")
        # The card pays the rest: what came before covers what is left.
        left = bill.gross - part
        it.billing.bills[bill.ref.native_id] = whole
        it.billing.pay(bill.ref.native_id, left, START, PaymentWay.PROCESSOR)
        await news(client, bill)
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == f"{part} applied, 0.00 USD on account"
        await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")
        held = balances(it, contract.erp_company)
        assert (held["1000"], held["1050"]) == (part.amount, left.amount)
        assert (held.get("1100"), held.get("2200")) == (None, None)


async def test_a_part_that_was_told_and_is_no_payment_of_its_invoice_is_a_persons(
    client: Client, engine: AsyncEngine
) -> None:
    """A card has paid the invoice meanwhile: the biller counts the bank's money as well, until
    somebody has reported it as given back there. Then it is money of the customer's like any."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, client, contract)
        it.billing.told_alone.add("BANK-ALONE")
        it.billing.pay(bill.ref.native_id, bill.gross, START, PaymentWay.PROCESSOR)
        received = Money.of("5000.00", "USD")
        handle = await _enter(client, received, source="BANK-ALONE", invoices=(bill.number,))
        case = await _case(it, handle)
        assert (case.kind, case.code) == ("cash.over_under", "payment_record_of_no_invoice")
        assert DecisionKind.RETRY in case.allowed
        it.billing.told_alone.clear()
        await it.decide(case, DecisionKind.RETRY)
        again = await _case(it, handle)
        assert (again.kind, again.code) == ("cash.unmatched", "names_no_invoice")
        await it.decide(again, DecisionKind.RETRY_WITH, correction={"on_account": True})
        assert await handle.result() == "0.00 USD applied, 5,000.00 USD on account"


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_part_whose_answer_was_lost_is_recorded_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, client, contract)
        it.world.retry_after = it.world.retry_after / 100
        it.world.plan("billing.record_payment", fault)
        part = Money.of("5000.00", "USD")
        handle = await _enter(client, part, invoices=(bill.number,))
        assert await handle.result() == f"{part} applied, 0.00 USD on account"
        left = bill.gross - part
        await until(lambda: balances(it, contract.erp_company).get("1100") == left.amount)
        await settled(it.world)
        now = it.billing.bills[bill.ref.native_id]
        assert (now.remaining, len(now.payments)) == (left, 1)
        assert balances(it, contract.erp_company).get("2200") is None


async def test_what_is_left_of_one_customers_money_pays_no_invoice_of_another(
    client: Client, engine: AsyncEngine
) -> None:
    """Nobody's word changes whose it is once it has paid an invoice."""
    async with lab(client, engine, START) as it:
        mine, others = [await sold(it, fresh(d1())) for _ in range(2)]
        assert mine.customer_key != others.customer_key
        bill, other = [await _billed(it, client, one) for one in (mine, others)]
        handle = await _enter(client, bill.gross + other.gross, reference=bill.number)
        case = await _case(it, handle)
        assert case.code == "over_payment"
        for said in ({"invoices": other.number}, {"customer_key": others.customer_key}):
            await it.decide(case, DecisionKind.RETRY_WITH, correction=said)
            case = await _case(it, handle)
            assert (case.code, case.customer_key) == ("over_payment", mine.customer_key)
        await it.decide(case, DecisionKind.RETRY_WITH, correction={"on_account": True})
        assert await handle.result() == f"{bill.gross} applied, {other.gross} on account"
        assert it.billing.bills[other.ref.native_id].remaining == other.gross


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_counts_the_money_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: bank, unapplied cash and receivable, however often an answer was lost."""
    async with lab(client, engine, START) as it:
        for act in ("erp.apply_receipt", "billing.record_payment"):
            contract = await sold(it, fresh(d1()))
            before = balances(it, contract.erp_company)
            bill = await _billed(it, client, contract)
            it.world.calls.clear()
            it.world.retry_after = it.world.retry_after / 100
            it.world.plan(act, fault)
            handle = await _enter(client, bill.gross, invoices=(bill.number,))
            assert await handle.result() == f"{bill.gross} applied, 0.00 USD on account"
            await until(lambda bill=bill: mirrored(it)[bill.ref.native_id].status == "paid")
            await settled(it.world)
            after = balances(it, contract.erp_company)
            assert after["1000"] - before.get("1000", Decimal(0)) == bill.gross.amount, act
            assert (after.get("1100"), after.get("2200")) == (None, None), act
            it.world.heal()
