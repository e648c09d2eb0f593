"""A payment that its payer's bank takes back, until it is won or lost (PF-08, DM-10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute, DisputedPayment, DisputeStatus
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from dealthread.naming import dispute_key
from tests.fakes.world import Fault, settled
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.dispute_runs import told_of
from tests.support.invoice_lab import (
    START,
    balances,
    bill_of,
    news,
    paid_bill,
    ref_of,
    told,
    until,
)
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACCOUNT = "acct_alder_us"
GROSS = Decimal("15891.00")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


async def paid_d1(it: Lab, client: Client) -> tuple[Contract, Bill]:
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
    it.billing.bills[bill.ref.native_id] = bill
    assert await (await news(client, bill)).result() == "paid"
    return contract, bill


def disputed(it: Lab, native_id: str, bill: Bill | None, **changes: Any) -> Dispute:
    made = Dispute(
        ref=ref_of(ACCOUNT, "dispute", native_id),
        status=DisputeStatus.OPEN,
        amount=usd("15891.00"),
        reason="fraudulent",
        withdrawn=usd("15891.00"),
        reinstated=usd("0.00"),
        fee=usd("15.00"),
        fee_returned=usd("0.00"),
        opened_on=START,
        evidence_due=datetime(2100, 1, 10, tzinfo=UTC),
        invoice_id=bill.ref.native_id if bill is not None else "",
        payment_id=bill.payments[0].ref.native_id if bill is not None else "",
    ).model_copy(update=changes)
    it.billing.disputes[native_id] = made
    return made


@pytest.mark.tells(EventType.DISPUTE_OPENED, EventType.DISPUTE_CLOSED)
async def test_won_it_goes_back_and_everybody_was_told(client: Client, engine: AsyncEngine) -> None:
    """The case names the bank's last day and closes by itself; the receivable was never open."""
    async with lab(client, engine, START) as it:
        contract, bill = await paid_d1(it, client)
        native_id = f"du_{contract.key}"
        made = disputed(it, native_id, bill)
        handle = await told_of(it, native_id)
        case = await it.case_of(contract.key, kind="cash.disputed")
        assert (case.queue, case.code) == ("collections", "payment_disputed")
        assert case.evidence["evidence_due_by"].startswith("2100-01-10")
        assert case.evidence["invoice"] == bill.number
        assert case.money_at_risk == usd("15906.00")
        assert case.decide_by - case.opened_at > timedelta(days=365)
        assert balances(it, "1") == {
            "1060": GROSS,
            "6650": Decimal("15.00"),
            "1050": Decimal("-15.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        await until(lambda: it.crm.collections[bill.ref].state == "disputed")
        it.billing.disputes[native_id] = made.model_copy(
            update={
                "status": DisputeStatus.WON,
                "reinstated": usd("15891.00"),
                "reinstated_on": date(2026, 1, 9),
            }
        )
        await told_of(it, native_id)
        assert await handle.result() == "won"
        assert balances(it, "1")["1050"] == GROSS - Decimal("15.00")
        assert "1060" not in balances(it, "1")
        assert it.crm.collections[bill.ref].state == "dispute_won"
        assert await it.open_case(contract.key) is None
        (opened,) = await told(it, contract.key, "dispute.opened")
        (closed,) = await told(it, contract.key, "dispute.closed")
        assert (opened["invoice_number"], opened["amount"]) == (bill.number, "15891.00")
        assert (closed["outcome"], closed["receivable_reopened"]) == ("won", False)


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_lost_the_customer_owes_it_again_through_a_fault_at_any_act(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: each document once; the invoice is open in the ledger, and the claim is a person's."""
    async with lab(client, engine, START) as it:
        it.world.retry_after = it.world.retry_after / 100
        for act in ("erp.post_journal", "erp.reverse_journal", "crm.show_collections"):
            contract, bill = await paid_d1(it, client)
            before = balances(it, "1")
            native_id = f"du_{contract.key}"
            disputed(it, native_id, bill, status=DisputeStatus.LOST)
            it.world.calls.clear()
            it.world.plan(act, fault)
            handle = await told_of(it, native_id)
            case = await it.case_of(contract.key, kind="cash.returned")
            assert (case.code, case.allowed) == ("claim_open_again", (DecisionKind.HAND_OVER,))
            await it.decide(case, DecisionKind.HAND_OVER)
            assert await handle.result() == "lost"
            await settled(it.world)
            after = balances(it, "1")
            moved = {
                account: after.get(account, Decimal(0)) - before.get(account, Decimal(0))
                for account in {*before, *after}
            }
            assert {account: amount for account, amount in moved.items() if amount} == {
                "1100": GROSS,
                "6650": Decimal("15.00"),
                "1050": -GROSS - Decimal("15.00"),
            }, act
            (invoice,) = await it.erp.open_documents("1", contract.customer_key)
            assert (invoice.number, invoice.open_amount) == (bill.number, usd("15891.00"))
            (closed,) = await told(it, contract.key, "dispute.closed")
            assert (closed["outcome"], closed["receivable_reopened"]) == ("lost", True)
            it.world.heal()


async def test_a_lost_dispute_that_is_told_before_its_payment_waits_for_it(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Nothing was told of the invoice yet: its run is begun, and nobody has to try again. Told
    again when all is over, nobody is asked again."""
    async with lab(dev_server, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        native_id = f"du_{contract.key}"
        disputed(it, native_id, bill, status=DisputeStatus.LOST)
        handle = await told_of(it, native_id)
        case = await it.case_of(contract.key)
        assert (case.code, case.version) == ("claim_open_again", 1)
        await it.decide(case, DecisionKind.HAND_OVER)
        assert await handle.result() == "lost"
        owed = {
            "1100": GROSS,
            "6650": Decimal("15.00"),
            "1050": Decimal("-15.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        assert balances(it, "1") == owed
        again = await told_of(it, native_id)
        assert await again.result() == "lost"
        assert await it.open_case(contract.key) is None
        assert (await it.cases.show(case.case_id)).version == 1
        assert balances(it, "1") == owed
        assert len(await told(it, contract.key, "dispute.closed")) == 1


async def test_a_charge_of_no_invoice_of_ours_is_posted_and_its_loss_booked(
    client: Client, engine: AsyncEngine
) -> None:
    """Nothing is left on disputes or, once it is paid out, on clearing."""
    async with lab(client, engine, START) as it:
        disputed(it, "du_other", None, status=DisputeStatus.LOST)
        assert await (await told_of(it, "du_other")).result() == "lost"
        assert balances(it, "1") == {"6650": Decimal("15906.00"), "1050": Decimal("-15906.00")}
        (opened,) = await told(it, dispute_key(ACCOUNT, "du_other"), "dispute.opened")
        assert opened["invoice_number"] == ""


async def test_a_dispute_of_more_than_its_payment_is_put_before_a_person_by_its_field(
    client: Client, engine: AsyncEngine
) -> None:
    """It is another payment than the bill tells: nothing is reversed."""
    async with lab(client, engine, START) as it:
        contract, bill = await paid_d1(it, client)
        native_id = f"du_more_{contract.key}"
        more = usd("15891.01")
        lost = disputed(it, native_id, bill, status=DisputeStatus.LOST, amount=more, withdrawn=more)
        handle = await told_of(it, native_id)
        case = await it.case_of(dispute_key(ACCOUNT, native_id), kind="cash.returned")
        assert (case.code, case.evidence["field"]) == ("dispute_is_not_the_payment", "amount")
        assert (case.evidence["invoice"], case.evidence["contract"]) == (bill.number, contract.key)
        assert (case.evidence["dispute"], case.evidence["payment"]) == (
            "15,891.01 USD",
            "15,891.00 USD",
        )
        it.billing.disputes[native_id] = lost.model_copy(
            update={"status": DisputeStatus.CLOSED, "withdrawn": usd("0.00"), "fee": usd("0.00")}
        )
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "closed"


async def test_a_lost_payment_of_an_invoice_of_others_too_is_a_persons(
    client: Client, engine: AsyncEngine
) -> None:
    """What was taken is about an invoice that no contract of ours made, beside one that is ours:
    it is booked by hand, and the run ends by that."""
    async with lab(client, engine, START) as it:
        contract, bill = await paid_d1(it, client)
        other = bill.model_copy(
            update={
                "ref": ref_of(ACCOUNT, "invoice", f"in_other_{contract.key}"),
                "number": f"N-other-{contract.key}",
                "contract_key": "",
                "payments": (
                    bill.payments[0].model_copy(
                        update={"ref": ref_of(ACCOUNT, "payment", f"py_other_{contract.key}")}
                    ),
                ),
            }
        )
        it.billing.bills[other.ref.native_id] = other
        before, native_id = balances(it, "1"), f"du_others_{contract.key}"
        open_one = disputed(
            it,
            native_id,
            None,
            is_of_several=True,
            several=tuple(
                DisputedPayment(
                    invoice_id=one.ref.native_id, payment_id=one.payments[0].ref.native_id
                )
                for one in (bill, other)
            ),
            amount=usd("31782.00"),
            withdrawn=usd("31782.00"),
        )
        handle = await told_of(it, native_id)
        await it.case_of(contract.key, kind="cash.disputed")
        it.billing.disputes[native_id] = open_one.model_copy(update={"status": DisputeStatus.LOST})
        await told_of(it, native_id)
        case = await it.case_of(contract.key, kind="cash.returned")
        assert (case.code, case.evidence["field"]) == ("payment_of_several_invoices", "invoice")
        assert case.allowed == (DecisionKind.RETRY, DecisionKind.ABORT)
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "left_to_people"
        after = balances(it, "1")
        moved = {one: after.get(one, 0) - before.get(one, 0) for one in {*before, *after}}
        assert {account: amount for account, amount in moved.items() if amount} == {
            "1060": Decimal("31782.00"),
            "6650": Decimal("15.00"),
            "1050": Decimal("-31797.00"),
        }


async def test_what_a_person_books_by_hand_is_posted_by_no_later_message(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The ledger refuses what was taken, a person books it; the bank's word, which comes later and
    again, moves nothing and asks nobody."""
    async with lab(dev_server, engine, START) as it:
        contract, bill = await paid_d1(it, dev_server)
        before = balances(it, "1")
        native_id = f"du_{contract.key}"
        made = disputed(it, native_id, bill)
        it.world.plan("erp.post_journal", Fault.REJECTED)
        handle = await told_of(it, native_id)
        case = await it.case_of(contract.key)
        assert case.allowed == (DecisionKind.RETRY, DecisionKind.ABORT)
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "left_to_people"
        lost = made.model_copy(update={"status": DisputeStatus.LOST})
        it.billing.disputes[native_id] = lost
        for _ in range(2):
            assert await (await told_of(it, native_id)).result() == "left_to_people"
        assert balances(it, "1") == before
        assert await it.open_case(contract.key) is None
        assert await told(it, contract.key, "dispute") == []
