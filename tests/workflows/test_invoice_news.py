"""What is told of an invoice later, again or out of turn: credits withdrawn, voids, an invoice
that is given up. By a run that remembers, and by one that begins anew."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import CaseState, DecisionKind
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.store.cases import PostgresCases
from dealthread.store.money_reading import MoneyReading
from tests.fakes.bills import credited
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import (
    START,
    balances,
    bill_of,
    mirrored,
    news,
    paid_bill,
    standing,
    told,
    until,
)
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_news_told_ten_times_and_after_the_end_posts_nothing_twice(
    client: Client, engine: AsyncEngine
) -> None:
    """EV-03: the journal knows what is done, whichever run did it."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        handles = [await news(client, bill) for _ in range(10)]
        assert {await one.result() for one in handles} == {"paid"}
        assert await (await news(client, bill)).result() == "paid"
        assert it.world.calls["erp.post_invoice"] == 1
        assert it.world.calls["erp.apply_receipt"] == 1


async def test_an_invoice_of_nobodys_contract_is_left_alone(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = bill.model_copy(update={"contract_key": ""})
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(client, bill)).result() == "no contract of ours"
        assert balances(it, contract.erp_company) == {}


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.LATE])
async def test_an_invoice_voided_after_it_was_posted_is_reversed_in_the_ledger(
    client: Client, engine: AsyncEngine, fault: Fault | None
) -> None:
    """By one document that names it, on the day of the void, though its answer is lost and it is
    told again; nothing differs in the money view, and no case is opened."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        if fault is not None:
            it.world.plan("erp.post_credit_memo", fault)
        day = START + timedelta(days=2)
        it.billing.bills[bill.ref.native_id] = bill.model_copy(
            update={"status": InvoiceStatus.VOID, "voided_on": day}
        )
        await news(client, bill)
        assert await handle.result() == "void"
        assert await (await news(client, bill)).result() == "void"
        assert mirrored(it)[bill.ref.native_id].status == "void"
        (memo,) = await _posted(it, contract.key, "erp.void")
        assert (memo.number, memo.gross) == (f"{bill.number} void", bill.gross)
        assert memo.posting_date == day
        left = {one.kind: one.open_amount for one in it.erp.ledger.documents.values()}
        assert {str(kind): bool(amount) for kind, amount in left.items()} == {
            "invoice": False,
            "credit_memo": False,
        }
        assert balances(it, contract.erp_company) == {}
        # The onboarding was never accepted: nothing else differs.
        differing = [one.kind for one in (await standing(it, contract, day)).differences]
        assert differing == ["waits_for_acceptance"]
        assert await _open_cases(it, contract.key) == []


async def test_an_invoice_voided_after_something_of_it_was_paid_is_put_before_a_person(
    client: Client, engine: AsyncEngine
) -> None:
    """What becomes of the money is not ours to say; the CRM shows the invoice as void."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = paid_bill(bill, Money.of("500.00", "USD"), START, PaymentWay.BANK)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        it.billing.bills[bill.ref.native_id] = bill.model_copy(
            update={"status": InvoiceStatus.VOID, "voided_on": START}
        )
        await news(client, bill)
        case = await it.case_of(contract.key)
        assert case.code == "posted_invoice_voided"
        assert case.money_at_risk == bill.gross
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "void"
        assert mirrored(it)[bill.ref.native_id].status == "void"


async def test_an_invoice_that_the_biller_gives_up_is_shown_and_waits(
    client: Client, engine: AsyncEngine
) -> None:
    """Uncollectible is the biller's word alone: the ledger keeps the receivable, the CRM is told,
    and the customer may still pay."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        given_up = bill.model_copy(update={"status": InvoiceStatus.UNCOLLECTIBLE})
        it.billing.bills[bill.ref.native_id] = given_up
        await news(client, bill)
        await until(lambda: mirrored(it)[bill.ref.native_id].status == "uncollectible")
        assert balances(it, contract.erp_company)["1100"] == Decimal("15891.00")
        it.billing.bills[bill.ref.native_id] = paid_bill(
            given_up, bill.gross, START, PaymentWay.PROCESSOR
        )
        await news(client, bill)
        assert await handle.result() == "paid"
        assert mirrored(it)[bill.ref.native_id].status == "paid"


async def test_a_credit_that_the_biller_withdraws_is_no_longer_shown(
    client: Client, engine: AsyncEngine
) -> None:
    """The invoice stands where it stood before: the CRM is told although it was told so once."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        net, tax = Money.of("100.00", "USD"), Money.of("6.60", "USD")
        less = credited(bill, net, tax, START, CreditForm.OPEN_INVOICE)
        for stands in (less, bill):
            it.billing.bills[bill.ref.native_id] = stands
            await news(client, bill)
            left = stands.remaining
            await until(lambda left=left: mirrored(it)[bill.ref.native_id].remaining == left)
        await handle.terminate()


async def test_a_credit_in_place_of_a_withdrawn_one_is_told_after_the_end(
    client: Client, engine: AsyncEngine
) -> None:
    """Each later run remembers nothing: what was told of one credit is not taken for another's."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        net, tax = Money.of("100.00", "USD"), Money.of("6.60", "USD")
        first = credited(bill, net, tax, START, CreditForm.BALANCE)
        second = credited(first, net, tax, START, CreditForm.BALANCE)
        second = second.model_copy(update={"credit_memos": second.credit_memos[1:]})
        for stands in (first, second):
            it.billing.bills[bill.ref.native_id] = stands
            assert await (await news(client, bill)).result() == "paid"
        heard = await told(it, contract.key, "credit_memo.created")
        assert sorted(one["credit_memo_number"] for one in heard) == [
            f"{bill.number}-CN-1",
            f"{bill.number}-CN-2",
        ]


async def test_a_void_is_looked_for_in_the_ledger_by_a_run_that_knows_of_nothing(
    client: Client, engine: AsyncEngine
) -> None:
    """The run that posted it was ended by hand: its invoice is reversed all the same."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        await handle.terminate()
        it.billing.bills[bill.ref.native_id] = bill.model_copy(
            update={"status": InvoiceStatus.VOID, "voided_on": START}
        )
        assert await (await news(client, bill)).result() == "void"
        assert len(await _posted(it, contract.key, "erp.void")) == 1
        assert balances(it, contract.erp_company) == {}


async def test_an_invoice_voided_before_it_was_posted_never_reaches_the_ledger(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = bill.model_copy(update={"status": InvoiceStatus.VOID})
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await news(client, bill)).result() == "void"
        assert balances(it, contract.erp_company) == {}


async def test_each_failed_attempt_that_was_read_is_told_once_with_what_is_left_to_pay(
    client: Client, engine: AsyncEngine
) -> None:
    """Read twice after the first attempt and once after the second; the third is never read."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        retry = date(2026, 1, 4)
        for attempt, planned in ((1, retry), (1, retry), (2, date(2026, 1, 8))):
            failing = {"failed_attempts": attempt, "next_attempt_on": planned}
            it.billing.bills[bill.ref.native_id] = bill.model_copy(update=failing)
            handle = await news(client, bill)
            await _heard(it, contract.key, attempt)
        paid = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = paid
        await news(client, bill)
        assert await handle.result() == "paid"
        heard = await told(it, contract.key, "payment.failed")
        shown = [(one["attempt"], one["next_attempt_on"], one["amount"]) for one in heard]
        assert sorted(shown) == [
            (1, "2026-01-04", "15891.00"),
            (2, "2026-01-08", "15891.00"),
        ]
        assert {one["invoice_numbers"][0] for one in heard} == {bill.number}


async def _heard(it: Lab, key: str, attempt: int) -> None:
    """Until subscribers could hear of an attempt."""
    for _ in range(1000):
        if any(one["attempt"] == attempt for one in await told(it, key, "payment.failed")):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the attempt was not told")


async def _posted(it: Lab, key: str, step: str) -> list[PostedDocument]:
    """The ledger's documents of one step, as our store has them."""
    async for (facts,) in MoneyReading(it.engine).facts(date(2100, 1, 1), contract_key=key):
        return [one.document for one in facts.postings if one.step == step and one.document]
    raise AssertionError("the contract is not known")


async def _open_cases(it: Lab, key: str) -> list[str]:
    listed = await PostgresCases(it.engine).listing(CaseState.OPEN, "", 1000)
    return [one.code for one in listed if one.contract_key == key]
