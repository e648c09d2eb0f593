"""EV-03, PF-07, PF-08: what the biller tells of one invoice, in any order and again, by a seed.

The biller does one thing after another; what it tells of them comes late, twice, and out of turn,
also after everything is over. The end is the same to the cent, and everything is told once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute, DisputeStatus
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.naming import payout_key
from tests.fakes.bills import credited
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import (
    START,
    balances,
    bill_of,
    mirrored,
    paid_bill,
    ref_of,
    told,
    until,
)
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

# By hand: 15,891.00 less the processor's 461.14 is in the bank, the dispute was won but for its
# 15.00, and the credit that was taken back is worth nothing.
AT_THE_END = {
    "1000": Decimal("15429.86"),
    "6600": Decimal("461.14"),
    "6650": Decimal("15.00"),
    "1050": Decimal("-15.00"),
    "2300": Decimal("-15000.00"),
    "2110": Decimal("-891.00"),
}

LOST = AT_THE_END | {"1100": Decimal("10891.00"), "1050": Decimal("-10906.00")}
"""The dispute was lost: the payment that was taken is owed again."""


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


Deed = tuple[str, dict[str, str], Callable[[], None]]
"""Kind of the event, what it is about, and what the biller does before it tells."""


def _life(it: Lab, contract: Contract, *, is_won: bool) -> tuple[Bill, list[Deed]]:
    """Issued, credited, the credit taken back, paid in two parts, paid out, disputed, won or
    lost."""
    name = contract.key.replace("-", "")
    bill = bill_of(contract, f"in_{name}", START)
    less = credited(bill, usd("300.00"), usd("19.80"), START, CreditForm.OPEN_INVOICE)
    voided = tuple(one.model_copy(update={"voided_on": START}) for one in less.credit_memos)
    again = bill.model_copy(update={"voided_credits": voided})
    part = paid_bill(again, usd("5000.00"), START, PaymentWay.PROCESSOR)
    paid = paid_bill(part, usd("10891.00"), START, PaymentWay.PROCESSOR)
    charges = Movements(
        kind=MovementKind.CHARGE, count=2, amount=usd("15891.00"), fee=usd("461.14")
    )
    payout = Payout(
        ref=ref_of(bill.ref.account, "payout", f"po_{name}"),
        status=PayoutStatus.PAID,
        amount=usd("15429.86"),
        arrival_date=date(2026, 1, 5),
        is_automatic=True,
        is_itemised=True,
        movements=(charges,),
    )
    dispute = Dispute(
        ref=ref_of(bill.ref.account, "dispute", f"du_{name}"),
        status=DisputeStatus.OPEN,
        amount=usd("10891.00"),
        reason="fraudulent",
        withdrawn=usd("10891.00"),
        reinstated=usd("0.00"),
        fee=usd("15.00"),
        fee_returned=usd("0.00"),
        opened_on=START,
        evidence_due=datetime(2100, 1, 10, tzinfo=UTC),
        invoice_id=bill.ref.native_id,
        payment_id=paid.payments[1].ref.native_id,
    )
    won = {"status": DisputeStatus.WON, "reinstated": usd("10891.00"), "reinstated_on": START}
    ended = dispute.model_copy(update=won if is_won else {"status": DisputeStatus.LOST})

    def bills(state: Bill) -> Callable[[], None]:
        return lambda: it.billing.bills.update({bill.ref.native_id: state})

    def pays_out(state: Payout) -> Callable[[], None]:
        return lambda: it.billing.payouts.update({payout.ref.native_id: state})

    def disputes(state: Dispute) -> Callable[[], None]:
        return lambda: it.billing.disputes.update({dispute.ref.native_id: state})

    of_bill, note = {"id": bill.ref.native_id}, {"id": "x_1", "invoice": bill.ref.native_id}
    of_payout, of_dispute = {"id": payout.ref.native_id}, {"id": dispute.ref.native_id}
    untold = payout.model_copy(update={"is_itemised": False, "movements": ()})
    return bill, [
        ("invoice.finalized", of_bill, bills(bill)),
        ("credit_note.created", note, bills(less)),
        ("credit_note.voided", note, bills(again)),
        ("invoice_payment.paid", note, bills(part)),
        ("invoice.paid", of_bill, bills(paid)),
        ("payout.paid", of_payout, pays_out(untold)),
        ("charge.dispute.created", of_dispute, disputes(dispute)),
        ("payout.reconciliation_completed", of_payout, pays_out(payout)),
        ("charge.dispute.closed", of_dispute, disputes(ended)),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_the_end_is_the_same_in_whatever_order_it_is_told_and_told_again(
    dev_server: Client, engine: AsyncEngine, database_url: str, seed: int
) -> None:
    async with lab(dev_server, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill, deeds = _life(it, contract, is_won=True)
        office = Office(it, database_url, dev_server)
        async with office.pool:
            await _told(it, office, contract, deeds, seed)
            await until(lambda: balances(it, contract.erp_company) == AT_THE_END, within=60)
            await _told_once_more(it, office, contract, bill, deeds, seed)
        assert balances(it, contract.erp_company) == AT_THE_END
        await _each_is_told_once(it, contract, bill)
        assert await it.open_case(contract.key) is None


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
async def test_a_lost_dispute_ends_the_same_in_whatever_order_it_is_told_and_told_again(
    dev_server: Client, engine: AsyncEngine, database_url: str, seed: int
) -> None:
    """The invoice is not voided: the customer owes what the bank took, and one person is asked
    once, whatever was told first."""
    async with lab(dev_server, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill, deeds = _life(it, contract, is_won=False)
        office = Office(it, database_url, dev_server)
        async with office.pool:
            await _told(it, office, contract, deeds, seed)
            await until(lambda: balances(it, contract.erp_company) == LOST, within=60)
            claim = await it.case_of(contract.key, kind="cash.returned")
            assert (claim.code, claim.occurrence) == ("claim_open_again", 1)
            await it.decide(claim, DecisionKind.HAND_OVER)
            await _told_once_more(it, office, contract, bill, deeds, seed)
        assert balances(it, contract.erp_company) == LOST
        await _each_is_told_once(it, contract, bill)


async def _told(it: Lab, office: Office, contract: Contract, deeds: list[Deed], seed: int) -> None:
    """What the biller does, and what is told of it meanwhile and after."""
    by = random.Random(seed)  # noqa: S311 - a repeatable order
    waiting: list[str] = []
    for kind, about, deed in deeds:
        deed()
        event = json.dumps({"id": "evt", "type": kind, "data": {"object": about}})
        waiting += [event] * by.randint(1, 3)
        by.shuffle(waiting)
        some = by.randint(0, len(waiting))
        await _delivered(office, contract, waiting[:some])
        waiting = waiting[some:]
    by.shuffle(waiting)
    await _delivered(office, contract, waiting)


async def _told_once_more(
    it: Lab, office: Office, contract: Contract, bill: Bill, deeds: list[Deed], seed: int
) -> None:
    """All of it, after everything is over."""
    native_id = bill.ref.native_id
    await until(lambda: native_id in mirrored(it), within=60)
    await until(lambda: mirrored(it)[native_id].status == "paid", within=60)
    by = random.Random(-seed)  # noqa: S311 - a repeatable order
    again = [
        json.dumps({"id": "evt", "type": kind, "data": {"object": about}})
        for kind, about, _ in by.sample(deeds, len(deeds))
    ]
    await _delivered(office, contract, again)
    for workflow in (
        f"invoice:{contract.billing_account}:{native_id}",
        f"payout:{contract.billing_account}:{native_id.replace('in_', 'po_')}",
        f"dispute:{contract.billing_account}:{native_id.replace('in_', 'du_')}",
    ):
        await it.client.get_workflow_handle(workflow).result()


async def _delivered(office: Office, contract: Contract, some: list[str]) -> None:
    await office.held("stripe", contract.billing_account, *some)
    while await office.relay.take_bills():
        pass


async def _each_is_told_once(it: Lab, contract: Contract, bill: Bill) -> None:
    paid = await told(it, contract.key, "payment.succeeded")
    assert sorted(one["amount"] for one in paid) == ["10891.00", "5000.00"]
    for kind in ("invoice.posted", "dispute.opened", "dispute.closed"):
        assert len(await told(it, contract.key, kind)) == 1, kind
    key = payout_key(contract.billing_account, bill.ref.native_id.replace("in_", "po_"))
    assert len(await told(it, key, "payment.settled")) == 1
