"""A dispute of a part of a payment, and of one payment of several invoices (PF-08, docs/adr/0028):
each invoice is owed again by what was lost of it, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
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
from dealthread.domain.posted import DocumentKind
from dealthread.naming import dispute_key
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d1
from tests.support.dispute_runs import told_of
from tests.support.invoice_lab import START, balances, bill_of, news, paid_bill, told
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab
from tests.workflows.test_dispute_to_end import disputed, paid_d1, usd

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACTS = ("erp.reverse_journal", "erp.apply_receipt", "erp.post_journal", "crm.show_collections")
LATER = date(2026, 1, 5)
WHOLE = usd("31782.00")
"""One card payment of two invoices of D1's 15,891.00."""


def moved(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By account, what a story added."""
    sums = {one: after.get(one, Decimal(0)) - before.get(one, Decimal(0)) for one in after | before}
    return {account: amount for account, amount in sums.items() if amount}


def posted(it: Lab, key: str, kind: DocumentKind) -> list[tuple[str, Money]]:
    """Number and amount of what the ledger has of a customer, of one kind."""
    return [
        (one.document_key, one.gross)
        for one in it.erp.ledger.documents.values()
        if one.customer_key == key and one.kind is kind
    ]


@pytest.mark.tells(EventType.DISPUTE_OPENED, EventType.DISPUTE_CLOSED)
@pytest.mark.parametrize("fault", TRANSIENT)
async def test_of_a_part_that_is_lost_the_customer_owes_that_part_through_a_fault_at_any_act(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """100.00 of 15,891.00: the payment's entry is reversed once, 15,791.00 of it applied once, the
    invoice is open by 100.00; 15.00 is the fee. CRM and customer success hear of 100.00."""
    async with lab(client, engine, START) as it:
        it.world.retry_after = it.world.retry_after / 100
        for act in ACTS:
            contract, bill = await paid_d1(it, client)
            before, native_id = balances(it, "1"), f"du_{contract.key}"
            part = {"amount": usd("100.00"), "withdrawn": usd("100.00")}
            disputed(it, native_id, bill, status=DisputeStatus.LOST, **part)
            it.world.plan(act, fault)
            handle = await told_of(it, native_id)
            case = await it.case_of(contract.key, kind="cash.returned")
            assert (case.code, case.allowed) == ("claim_open_again", (DecisionKind.HAND_OVER,))
            assert case.money_at_risk == usd("100.00")
            assert case.evidence["owed_again"] == f"{bill.number}: 100.00 USD"
            await it.decide(case, DecisionKind.HAND_OVER)
            assert await handle.result() == "lost"
            await settled(it.world)
            assert moved(before, balances(it, "1")) == {
                "1100": Decimal("100.00"),
                "6650": Decimal("15.00"),
                "1050": Decimal("-115.00"),
            }, act
            (owed,) = await it.erp.open_documents("1", contract.customer_key)
            assert (owed.number, owed.open_amount) == (bill.number, usd("100.00"))
            _names_what_it_corrects(it, contract)
            assert it.crm.collections[bill.ref].state == "dispute_lost"
            (opened,) = await told(it, contract.key, "dispute.opened")
            (closed,) = await told(it, contract.key, "dispute.closed")
            assert (opened["amount"], opened["invoice_number"]) == ("100.00", bill.number)
            assert (closed["amount"], closed["receivable_reopened"]) == ("100.00", True)
            it.world.heal()


@pytest.mark.parametrize("is_late", [False, True], ids=["with the loss", "after it"])
async def test_what_is_given_back_of_one_that_is_lost_is_booked_and_the_rest_is_owed(
    client: Client, engine: AsyncEngine, is_late: bool
) -> None:
    """15,891.00 taken, 891.00 given back: 1060 is empty, 15,000.00 is owed again, 15.00 is the
    fee; the same where the processor gives back after the run has ended."""
    async with lab(client, engine, START) as it:
        contract, bill = await paid_d1(it, client)
        before, native_id = balances(it, "1"), f"du_{contract.key}"
        back = {"reinstated": usd("891.00"), "reinstated_on": date(2026, 1, 9)}
        if is_late:
            disputed(it, native_id, bill, status=DisputeStatus.LOST)
            first = await told_of(it, native_id)
            asked = await it.case_of(contract.key, kind="cash.returned")
            await it.decide(asked, DecisionKind.HAND_OVER)
            assert await first.result() == "lost"
        disputed(it, native_id, bill, status=DisputeStatus.LOST, **back)
        handle = await told_of(it, native_id)
        if not is_late:  # it is asked once, whatever comes after
            case = await it.case_of(contract.key, kind="cash.returned")
            assert case.evidence["owed_again"] == f"{bill.number}: 15,000.00 USD"
            await it.decide(case, DecisionKind.HAND_OVER)
        assert await handle.result() == "lost"
        assert moved(before, balances(it, "1")) == {
            "1100": Decimal("15000.00"),
            "6650": Decimal("15.00"),
            "1050": Decimal("-15015.00"),
        }


async def test_one_that_is_won_and_given_back_in_part_is_a_persons(
    client: Client, engine: AsyncEngine
) -> None:
    """Nobody says of what the rest is: it would stand on disputes receivable for ever."""
    async with lab(client, engine, START) as it:
        contract, bill = await paid_d1(it, client)
        native_id = f"du_{contract.key}"
        made = disputed(it, native_id, bill, status=DisputeStatus.WON, reinstated=usd("15000.00"))
        handle = await told_of(it, native_id)
        case = await it.case_of(dispute_key("acct_alder_us", native_id))
        assert (case.code, case.evidence["reinstated"]) == (
            "dispute_is_back_in_part",
            "15,000.00 USD",
        )
        it.billing.disputes[native_id] = made.model_copy(
            update={"reinstated": usd("15891.00"), "reinstated_on": date(2026, 1, 9)}
        )
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "won"
        assert "1060" not in balances(it, "1")


def _names_what_it_corrects(it: Lab, contract: Contract) -> None:
    """The opposite names the payment's entry, and so does what is left of it."""
    (payment, whole), (_, left) = posted(it, contract.customer_key, DocumentKind.RECEIPT)
    assert (whole, left) == (usd("15891.00"), usd("15791.00"))
    undone = it.erp.ledger.find("1", payment)
    assert undone is not None
    (opposite,) = [one for one in it.erp.ledger.entries if one.ref == undone.reversal]
    assert opposite.description == f"dispute du_{contract.key} lost"
    (again,) = [one for one in it.erp.ledger.receipts if one.drawn_from == payment]
    assert again.reference.endswith(f"left of {payment}")


async def paid_together(it: Lab, client: Client, *contracts: Contract) -> tuple[Bill, Bill]:
    """An invoice of each, the older one first; one payment by card of both."""
    found = []
    on(it, LATER)
    for number, (contract, day) in enumerate(zip(contracts, (START, LATER), strict=True)):
        bill = bill_of(contract, f"in_{number}_{contract.key}", day)
        paid = paid_bill(bill, bill.gross, LATER, PaymentWay.PROCESSOR)
        it.billing.bills[paid.ref.native_id] = paid
        assert await (await news(client, paid)).result() == "paid"
        found.append(paid)
    older, newer = found
    return older, newer


def dispute_of(it: Lab, native_id: str, bills: tuple[Bill, ...], **changes: Any) -> Dispute:
    """In the order in which the biller happens to list them."""
    return disputed(
        it,
        native_id,
        None,
        is_of_several=True,
        several=tuple(
            DisputedPayment(invoice_id=one.ref.native_id, payment_id=one.payments[0].ref.native_id)
            for one in bills
        ),
        **changes,
    )


async def _lost(it: Lab, bills: tuple[Bill, Bill], taken: str, owed: dict[str, str]) -> None:
    """By number of the invoice, what is owed again of it."""
    key, customer = bills[0].contract_key, bills[0].customer_key
    before, native_id = balances(it, "1"), f"du_{key}"
    amount = {"amount": usd(taken), "withdrawn": usd(taken)}
    dispute_of(it, native_id, bills, status=DisputeStatus.LOST, **amount)
    handle = await told_of(it, native_id)
    case = await it.case_of(key, kind="cash.returned")
    assert case.money_at_risk == usd(taken)
    parts = dict(one.split(": ") for one in case.evidence["owed_again"].split("; "))
    assert parts == {number: str(usd(part)) for number, part in owed.items()}
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"
    await settled(it.world)
    assert moved(before, balances(it, "1")) == {
        "1100": Decimal(taken),
        "6650": Decimal("15.00"),
        "1050": -Decimal(taken) - Decimal("15.00"),
    }
    found = await it.erp.open_documents("1", customer)
    assert {one.number: one.open_amount for one in found} == {
        number: usd(part) for number, part in owed.items()
    }
    closed = await told(it, key, "dispute.closed")
    assert {one["invoice_number"]: one["amount"] for one in closed} == owed
    assert len(closed) == len(owed)
    shown = {bill.number: it.crm.collections.get(bill.ref) for bill in bills}
    assert {number for number, one in shown.items() if one} == {*owed}
    assert {one.state for one in shown.values() if one} == {"dispute_lost"}


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_of_several_invoices_the_newest_is_owed_again_first_through_faults(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """20,000.00 of 31,782.00: the newer by all of its 15,891.00, the older by 4,109.00, as if the
    payment had been 11,782.00 from the beginning. Each is told with its own part."""
    async with lab(client, engine, START) as it:
        it.world.retry_after = it.world.retry_after / 100
        contract = await sold(it, fresh(d1()))
        older, newer = await paid_together(it, client, contract, contract)
        for act in ACTS:
            it.world.plan(act, fault)
        owed = {newer.number: "15891.00", older.number: "4109.00"}
        # The biller lists them in any order.
        await _lost(it, (older, newer), "20000.00", owed)


async def test_of_several_invoices_those_are_open_again_that_were_taken_back(
    client: Client, engine: AsyncEngine
) -> None:
    """The whole payment: both. Less than the newest: that one alone, and of the other nobody
    hears."""
    async with lab(client, engine, START) as it:
        for taken in ("31782.00", "500.00"):
            contract = await sold(it, fresh(d1()))
            older, newer = await paid_together(it, client, contract, contract)
            owed = {newer.number: "500.00"}
            if taken == "31782.00":
                owed = {newer.number: "15891.00", older.number: "15891.00"}
            await _lost(it, (newer, older), taken, owed)


async def test_of_several_invoices_each_is_told_of_while_the_bank_decides_and_when_it_is_won(
    client: Client, engine: AsyncEngine
) -> None:
    """To its own contract's. The receivables stay settled; nothing comes to the ledger but what was
    taken and given back."""
    async with lab(client, engine, START) as it:
        first, second = await sold(it, fresh(d1())), await sold(it, fresh(d1()))
        older, newer = await paid_together(it, client, first, second)
        before, native_id = balances(it, "1"), f"du_{first.key}"
        made = dispute_of(it, native_id, (newer, older), amount=WHOLE, withdrawn=WHOLE)
        handle = await told_of(it, native_id)
        case = await it.case_of(second.key, kind="cash.disputed")
        assert case.evidence["invoice"] == f"{newer.number}, {older.number}"
        for contract, bill in ((first, older), (second, newer)):
            (opened,) = await told(it, contract.key, "dispute.opened")
            assert (opened["invoice_number"], opened["amount"]) == (bill.number, "15891.00")
            assert it.crm.collections[bill.ref].state == "disputed"
        it.billing.disputes[native_id] = made.model_copy(
            update={"status": DisputeStatus.WON, "reinstated": WHOLE, "reinstated_on": LATER}
        )
        await told_of(it, native_id)
        assert await handle.result() == "won"
        assert moved(before, balances(it, "1")) == {
            "6650": Decimal("15.00"),
            "1050": Decimal("-15.00"),
        }
        for contract, bill in ((first, older), (second, newer)):
            assert it.crm.collections[bill.ref].state == "dispute_won"
            (closed,) = await told(it, contract.key, "dispute.closed")
            assert (closed["outcome"], closed["receivable_reopened"]) == ("won", False)
