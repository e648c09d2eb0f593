"""A payout reaches the ledger once, whatever fails and in whatever order it is told (PF-08)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.settlement_inputs import PayoutInput
from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.naming import WORKFLOW_QUEUE, payout_id, payout_key
from tests.fakes.world import Fault, settled
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import START, balances, bill_of, news, paid_bill, ref_of, until
from tests.support.invoice_lab import told as heard_of
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab
from workflows.payout_to_bank import PayoutToBankWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACCOUNT = "acct_alder_us"


def payout_of(
    native_id: str, gross: str, fee: str, status: PayoutStatus = PayoutStatus.PAID
) -> Payout:
    amount, kept = Money.of(gross, "USD"), Money.of(fee, "USD")
    charges = Movements(kind=MovementKind.CHARGE, count=1, amount=amount, fee=kept)
    return Payout(
        ref=ref_of(ACCOUNT, "payout", native_id),
        status=status,
        amount=amount - kept,
        arrival_date=date(2026, 1, 5),
        is_automatic=True,
        is_itemised=True,
        movements=(charges,),
    )


async def told(client: Client, native_id: str) -> WorkflowHandle[PayoutToBankWorkflow, str]:
    """As the relay tells it."""
    return await client.start_workflow(
        PayoutToBankWorkflow.run,
        PayoutInput(billing_account=ACCOUNT, payout_id=native_id),
        id=payout_id(ACCOUNT, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )


async def _paid_by_card(it: Lab, client: Client) -> None:
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
    it.billing.bills[bill.ref.native_id] = bill
    assert await (await news(client, bill)).result() == "paid"


@pytest.mark.tells(EventType.PAYMENT_SETTLED)
async def test_d1s_payment_is_paid_out_and_its_clearing_account_is_nought(
    client: Client, engine: AsyncEngine
) -> None:
    """1000 15,429.86 and 6600 461.14; nothing is left on 1050. Told again: nothing new."""
    async with lab(client, engine, START) as it:
        await _paid_by_card(it, client)
        it.billing.payouts["po_d1"] = payout_of("po_d1", "15891.00", "461.14")
        for _ in range(2):
            assert await (await told(client, "po_d1")).result() == "paid"
        (heard,) = await heard_of(it, payout_key(ACCOUNT, "po_d1"), "payment.settled")
        assert (heard["amount"], heard["fee"], heard["settled_on"]) == (
            "15891.00",
            "461.14",
            "2026-01-05",
        )
        assert (heard["payout_id"], heard["seller"], heard["payment_id"]) == ("po_d1", "US01", "")
        assert balances(it, "1") == {
            "1000": Decimal("15429.86"),
            "6600": Decimal("461.14"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_either_entry_posts_each_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: of a payout that came back both entries are one each; the fee stays booked."""
    async with lab(client, engine, START) as it:
        it.world.retry_after = it.world.retry_after / 100
        it.world.plan("erp.post_journal", fault)
        it.world.plan("erp.post_journal", fault, occurrence=3)
        native_id = f"po_{fault}"
        it.billing.payouts[native_id] = payout_of(
            native_id, "100.00", "3.00", PayoutStatus.FAILED
        ).model_copy(update={"returned_on": date(2026, 1, 8), "failure_code": "account_closed"})
        assert await (await told(client, native_id)).result() == "failed"
        await settled(it.world)
        assert len(it.erp.ledger.entries) == 2
        assert await heard_of(it, payout_key(ACCOUNT, native_id), "payment.settled") == []
        assert balances(it, "1") == {"6600": Decimal("3.00"), "1050": Decimal("-3.00")}


async def test_one_that_fails_after_it_was_paid_only_gets_its_return(
    client: Client, engine: AsyncEngine
) -> None:
    """The second run finds the first entry; the news may come in the other order too."""
    async with lab(client, engine, START) as it:
        paid = payout_of("po_back", "100.00", "3.00")
        it.billing.payouts["po_back"] = paid
        assert await (await told(client, "po_back")).result() == "paid"
        it.billing.payouts["po_back"] = paid.model_copy(
            update={"status": PayoutStatus.FAILED, "returned_on": date(2026, 1, 8)}
        )
        for _ in range(2):
            assert await (await told(client, "po_back")).result() == "failed"
        assert [entry.description for entry in it.erp.ledger.entries] == [
            "Payout po_back",
            "Payout po_back returned",
        ]


async def test_one_that_comes_back_while_its_entry_waits_for_the_ledger_gets_its_return(
    client: Client, engine: AsyncEngine
) -> None:
    """The news finds a run that has read it as paid: it is read again before the run ends."""
    async with lab(client, engine, START) as it:
        paid = payout_of("po_turned", "100.00", "3.00")
        it.billing.payouts["po_turned"] = paid
        it.world.plan("erp.post_journal", Fault.REJECTED)
        handle = await told(client, "po_turned")
        case = await it.case_of(payout_key(ACCOUNT, "po_turned"))
        it.billing.payouts["po_turned"] = paid.model_copy(
            update={"status": PayoutStatus.FAILED, "returned_on": date(2026, 1, 8)}
        )
        await told(client, "po_turned")
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "failed"
        assert [entry.description for entry in it.erp.ledger.entries] == [
            "Payout po_turned",
            "Payout po_turned returned",
        ]


async def test_it_waits_until_the_processor_has_told_what_is_in_it(
    client: Client, engine: AsyncEngine
) -> None:
    """Paid, and not itemised yet: nothing is posted until the list is complete."""
    async with lab(client, engine, START) as it:
        whole = payout_of("po_wait", "100.00", "3.00")
        it.billing.payouts["po_wait"] = whole.model_copy(
            update={"is_itemised": False, "movements": ()}
        )
        handle = await told(client, "po_wait")
        await until(lambda: it.world.calls["billing.read_payout"] == 1)
        assert it.erp.ledger.entries == []
        it.billing.payouts["po_wait"] = whole
        await told(client, "po_wait")
        assert await handle.result() == "paid"
        assert len(it.erp.ledger.entries) == 1


async def test_one_that_does_not_add_up_waits_for_treasury(
    client: Client, engine: AsyncEngine
) -> None:
    """A case names the field and both sums; mended and retried, it is posted."""
    async with lab(client, engine, START) as it:
        whole = payout_of("po_off", "100.00", "3.00")
        it.billing.payouts["po_off"] = whole.model_copy(update={"amount": Money.of("96.99", "USD")})
        handle = await told(client, "po_off")
        case = await it.case_of(payout_key(ACCOUNT, "po_off"), kind="cash.payout_mismatch")
        assert (case.queue, case.code) == ("treasury", "payout_is_not_its_movements")
        assert (case.evidence["field"], case.evidence["payout"], case.evidence["movements"]) == (
            "amount",
            "96.99 USD",
            "97.00 USD",
        )
        it.billing.payouts["po_off"] = whole
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "paid"


async def test_a_manual_payout_is_left_to_a_person(client: Client, engine: AsyncEngine) -> None:
    """Of it the processor does not tell what is in it: treasury books it and gives it up here."""
    async with lab(client, engine, START) as it:
        it.billing.payouts["po_hand"] = payout_of("po_hand", "100.00", "3.00").model_copy(
            update={"is_automatic": False, "movements": ()}
        )
        handle = await told(client, "po_hand")
        case = await it.case_of(payout_key(ACCOUNT, "po_hand"), kind="cash.payout_mismatch")
        assert case.code == "manual_payout"
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "left_to_people"
        assert it.erp.ledger.entries == []
