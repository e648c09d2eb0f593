"""PF-09: a credit note that the biller voids while its memo is on its way to the ledger.

Whatever became of the memo, the invoice is owed whole again at the end, and every document that is
in the books is undone there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.invoice import LedgerActivities
from activities.invoice_inputs import PostCreditMemo, TakeBackCredit
from activities.ledger_documents import credit_memos, ledger_invoice, taken_back
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import Case, DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.errors import OutcomeUnknown, StepRejected
from dealthread.naming import invoice_id
from dealthread.store.journal import PostgresJournal
from tests.fakes.bills import credited
from tests.fakes.world import Fault, settled
from tests.store.writing import QUICK
from tests.support.change_lab import sold
from tests.support.deal_builder import d2
from tests.support.invoice_lab import balances, bill_of, mirrored, news, told, until
from tests.support.saga_lab import Lab, fresh, lab
from tests.unit.versions import worked as w

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

DAY = date(2026, 3, 15)
# D2 of facts/domain.md §9.6: 40 seats and their tax; the credit is 100.00 with 19.00.
GROSS = Decimal("21134.40")
OWED = {"1100": GROSS, "2300": Decimal("-17760.00"), "2120": Decimal("-3374.40")}


async def _credited(it: Lab) -> tuple[Contract, Bill, Bill, Bill]:
    """The bill as it is issued, credited, and with its credit taken back."""
    contract = await sold(it, fresh(d2()))
    bill = bill_of(contract, f"in_{contract.key}", DAY)
    net, tax = Money.of("100.00", "EUR"), Money.of("19.00", "EUR")
    less = credited(bill, net, tax, DAY, CreditForm.OPEN_INVOICE)
    voided = tuple(one.model_copy(update={"voided_on": DAY}) for one in less.credit_memos)
    return contract, bill, less, bill.model_copy(update={"voided_credits": voided})


def _context(contract: Contract, bill: Bill) -> SagaContext:
    return SagaContext(
        business_key=invoice_id(bill.ref.account, bill.ref.native_id),
        generation=1,
        contract_key=contract.key,
        org=contract.org,
        deal_id=contract.deal_id,
    )


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.LOST])
async def test_it_is_posted_and_undone_by_the_run_that_was_posting_it(
    dev_server: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """The answer is waited for, or it is lost: then both documents close each other."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, less, again = await _credited(it)
        it.billing.bills[bill.ref.native_id] = bill
        await news(dev_server, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        planned = it.world.plan("erp.post_credit_memo", fault)
        it.billing.bills[bill.ref.native_id] = less
        await news(dev_server, bill)
        await until(lambda: planned.met == 1)
        it.billing.bills[bill.ref.native_id] = again
        await news(dev_server, bill)
        it.world.let_go.set()
        await until(lambda: it.world.calls["erp.take_back_credit"] == 1)
        await until(lambda: balances(it, contract.erp_company) == OWED)
        await until(
            lambda: [one.is_void for one in mirrored(it)[bill.ref.native_id].credits] == [True]
        )
        document = it.erp.ledger.documents
        assert sorted(one.kind for one in document.values() if one.number.startswith("N-")) == [
            "credit_memo",
            "invoice",
            "invoice",
        ]


async def _refused(it: Lab, client: Client, **more: int) -> tuple[Contract, Bill, Bill, Case]:
    """The ledger has the invoice and refused its credit: a person is asked. `again`: the bill with
    the credit taken back."""
    contract, bill, less, again = await _credited(it)
    it.billing.bills[bill.ref.native_id] = bill
    await news(client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    it.world.plan("erp.post_credit_memo", Fault.REJECTED, **more)
    it.billing.bills[bill.ref.native_id] = less
    await news(client, bill)
    return contract, bill, again, await it.case_of(contract.key)


async def _ends_as_if_it_had_never_been(it: Lab, contract: Contract, bill: Bill) -> None:
    """Nothing of the credit is in the books, nor comes there later, and nobody is asked."""
    for _ in range(400):
        if await it.open_case(contract.key) is None:
            break
        await asyncio.sleep(0.05)
    assert mirrored(it)[bill.ref.native_id].remaining == bill.gross
    assert balances(it, contract.erp_company) == OWED
    assert [one.kind for one in it.erp.ledger.documents.values() if one.number] == ["invoice"]
    assert it.world.calls["erp.take_back_credit"] == 0
    assert await it.open_case(contract.key) is None
    assert await told(it, contract.key, "credit_memo") == []


async def test_a_refused_credit_that_is_taken_back_closes_its_own_case(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Nothing is left to post: nobody has to decide, the refused memo is not sent again, and the
    run goes on to the payment."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, again, case = await _refused(it, dev_server, times=0)
        it.billing.bills[bill.ref.native_id] = again
        handle = await news(dev_server, bill)
        await _ends_as_if_it_had_never_been(it, contract, bill)
        settled_case = await it.cases.show(case.case_id)
        assert (settled_case.version, settled_case.decision) == (1, None)
        assert it.world.calls["erp.post_credit_memo"] == 1
        it.billing.pay(bill.ref.native_id, bill.gross, DAY, PaymentWay.BANK)
        await news(dev_server, bill)
        assert await handle.result() == "paid"


async def test_a_person_who_tries_a_credit_again_that_is_taken_back_posts_nothing(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The biller's message about it was lost: it is read before it is tried."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, again, case = await _refused(it, dev_server)
        it.billing.bills[bill.ref.native_id] = again
        await it.decide(case, DecisionKind.RETRY)
        await _ends_as_if_it_had_never_been(it, contract, bill)
        assert it.world.calls["erp.post_credit_memo"] == 1


async def test_other_news_leaves_the_case_and_a_person_has_it_posted(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The credit stands at the biller, and a biller that does not answer has taken nothing back."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, _, case = await _refused(it, dev_server)
        refused = it.world.plan(
            "billing.read_bill",
            Fault.REFUSED,
            occurrence=it.world.calls["billing.read_bill"] + 1,
        )
        await news(dev_server, bill)
        await until(lambda: refused.met == 1)
        assert await it.open_case(contract.key) == case
        await it.decide(case, DecisionKind.RETRY)
        await until(lambda: mirrored(it)[bill.ref.native_id].remaining.amount == GROSS - 119)
        assert balances(it, contract.erp_company)["1100"] == GROSS - 119
        (event,) = await told(it, contract.key, "credit_memo")
        assert event["total"] == "119.00"
        assert it.world.calls["erp.post_credit_memo"] == 2


async def test_a_refused_invoice_that_is_voided_closes_its_own_case(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """As a biller does who issues it anew: the ledger never had it, and gets nothing."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, _, _ = await _credited(it)
        it.billing.bills[bill.ref.native_id] = bill
        it.world.plan("erp.post_invoice", Fault.REJECTED, times=0)
        handle = await news(dev_server, bill)
        case = await it.case_of(contract.key)
        void = bill.model_copy(update={"status": InvoiceStatus.VOID})
        it.billing.bills[bill.ref.native_id] = void
        await news(dev_server, bill)
        assert await handle.result() == "void"
        assert (await it.cases.show(case.case_id)).decision is None
        assert await it.open_case(contract.key) is None
        assert it.world.calls["erp.post_invoice"] == 1
        assert mirrored(it)[bill.ref.native_id].status == "void"
        assert balances(it, contract.erp_company) == {}


async def test_a_credit_that_comes_while_the_payment_is_on_its_way_is_posted(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Paid, and a moment later a credit to the balance: the run does not end without it."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, _, _ = await _credited(it)
        it.billing.bills[bill.ref.native_id] = bill
        it.billing.pay(bill.ref.native_id, bill.gross, DAY, PaymentWay.BANK)
        planned = it.world.plan("erp.apply_receipt", Fault.HANG)
        handle = await news(dev_server, bill)
        await until(lambda: planned.met == 1)
        paid = it.billing.bills[bill.ref.native_id]
        net, tax = Money.of("100.00", "EUR"), Money.of("19.00", "EUR")
        after = credited(paid, net, tax, DAY, CreditForm.BALANCE)
        it.billing.bills[bill.ref.native_id] = after
        await news(dev_server, bill)
        it.world.let_go.set()
        assert await handle.result() == "paid"
        (event,) = await told(it, contract.key, "credit_memo")
        assert event["total"] == "119.00"
        assert len(await told(it, contract.key, "payment.succeeded")) == 1
        assert it.world.calls["crm.mirror_invoice"] == 2


@dataclass
class Clock:
    """Time of the journal, moved by the test."""

    now: datetime = datetime(2026, 3, 15, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_a_memo_that_is_still_on_its_way_is_waited_for_before_nothing_is_undone(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The run that sent it was ended by hand; the next one finds nothing in the ledger yet. It
    looks again until a late effect is out of the question, and lets no later attempt in."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, less, again = await _credited(it)
        clock = Clock()
        ensure = Ensure(PostgresJournal(engine), QUICK, clock)
        steps = LedgerActivities({contract.erp: it.erp}, ensure, it.contracts, w.config)
        context = _context(contract, bill)
        it.erp.ledger.invoice(ledger_invoice(bill, contract, "default"))
        (memo,) = credit_memos(less, contract, "default")
        (taken,) = taken_back(again, contract, "default")
        posting = PostCreditMemo(context=context, erp=contract.erp, memo=memo)
        undoing = TakeBackCredit(context=context, erp=contract.erp, taken=taken)
        it.world.plan("erp.post_credit_memo", Fault.LATE)
        it.world.late_after = 3600  # until the test lets it happen
        with pytest.raises(OutcomeUnknown):
            await steps.credit(posting)
        with pytest.raises(OutcomeUnknown) as waits:
            await steps.take_back(undoing)
        assert waits.value.code == "late_effect_possible"

        it.world.late = [(0.0, effect) for _, effect in it.world.late]
        await settled(it.world)
        assert balances(it, contract.erp_company)["1100"] == GROSS - 119
        clock.now += timedelta(minutes=2)
        made = await steps.take_back(undoing)
        assert made.document is not None
        assert made.document.number == f"{memo.number} void"
        assert balances(it, contract.erp_company) == OWED
        # Once, although it is asked again; and the attempt that comes late is refused.
        assert await steps.take_back(undoing) == made
        with pytest.raises(StepRejected) as late:
            await steps.credit(posting)
        assert late.value.code == "fenced_by_undo"
        assert balances(it, contract.erp_company) == OWED


async def test_what_never_reached_the_ledger_is_nothing_to_undo_and_does_not_reach_it_later(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Read as void before anybody posted it; an attempt of an older reading is refused."""
    async with lab(dev_server, engine, DAY) as it:
        contract, bill, less, again = await _credited(it)
        it.billing.bills[bill.ref.native_id] = again
        await news(dev_server, bill)
        await until(lambda: balances(it, contract.erp_company) == OWED)
        await until(lambda: bill.ref.native_id in mirrored(it))
        (memo,) = credit_memos(less, contract, "default")
        late_one = PostCreditMemo(context=_context(contract, bill), erp=contract.erp, memo=memo)
        steps = LedgerActivities(
            {contract.erp: it.erp}, Ensure(PostgresJournal(engine), QUICK), it.contracts, w.config
        )
        with pytest.raises(StepRejected) as late:
            await steps.credit(late_one)
        assert late.value.code == "fenced_by_undo"
        assert it.world.calls["erp.post_credit_memo"] == 0
