"""PF-08: payouts in another currency than the ledger's, and of payments that the processor
converted: the clearing account is nought, and the difference is realised. D5's 12,000.00 EUR, which
the ledger carries at 10,104.00 GBP."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, PayoutStatus
from dealthread.naming import payout_key
from tests.fakes.world import Fault, settled
from tests.support.invoice_lab import balances
from tests.support.invoice_lab import told as heard_of
from tests.support.payout_lab import (
    ARRIVES,
    ISSUED,
    d5_paid_by_card,
    d5_sold,
    paid_out,
    told,
)
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.tells(EventType.PAYMENT_SETTLED)
async def test_a_payment_that_was_converted_is_paid_out_once_through_a_fault_at_any_act(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """The processor made 10,020.00 GBP of it and kept 300.60: 84.00 less than it was carried at,
    beside the 96.00 that the payment itself realised."""
    async with lab(client, engine, ISSUED) as it:
        it.world.retry_after = it.world.retry_after / 100
        contract, bill = await d5_paid_by_card(it)
        assert balances(it, contract.erp_company)["1050"] == Decimal("10104.00")
        payout = paid_out(it, bill, "10020.00", "300.60", "GBP")
        for act in ("erp.post_journal", "billing.read_payout", "billing.payout_payments"):
            it.world.plan(act, fault)
        for _ in range(2):
            assert await (await told(it, payout)).result() == "paid"
        await settled(it.world)
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("9719.40"),
            "6600": Decimal("300.60"),
            "7000": Decimal("180.00"),
            "2300": Decimal("-10200.00"),
        }
        entry = it.erp.ledger.entries[-1]
        (cleared,) = [one for one in entry.lines if one.account == "1050"]
        assert cleared.document_amount == Money.of("12000.00", "EUR")
        (heard,) = await heard_of(it, contract.key, "payment.settled")
        assert (heard["amount"], heard["fee"], heard["currency"]) == ("10020.00", "300.60", "GBP")
        assert heard["invoice_numbers"] == [bill.number]
        assert heard["payment_id"] == bill.payments[0].ref.native_id


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_payout_in_euros_is_booked_at_the_ledgers_rate_of_its_arrival(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """11,700.00 EUR and a fee of 300.00 at 0.84: 9,828.00 and 252.00, 24.00 less than it was
    carried at. The rate is corrected while the answer is lost: what is in the books stands."""
    async with lab(client, engine, ISSUED) as it:
        it.world.retry_after = it.world.retry_after / 100
        table = it.erp.ledger.rates["EUR", "GBP"]
        table[ARRIVES] = "0.84"
        contract, bill = await d5_paid_by_card(it)
        payout = paid_out(it, bill, "12000.00", "300.00", "EUR")

        def corrected(method: str) -> None:
            if method == "erp.post_journal":
                table[ARRIVES] = "0.9"

        it.world.after_effect = corrected
        it.world.plan("erp.post_journal", fault)
        assert await (await told(it, payout)).result() == "paid"
        await settled(it.world)
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("9828.00"),
            "6600": Decimal("252.00"),
            "7000": Decimal("120.00"),
            "2300": Decimal("-10200.00"),
        }
        bank, *_ = it.erp.ledger.entries[-1].lines
        assert (bank.account, bank.document_amount) == ("1000", Money.of("11700.00", "EUR"))


async def test_one_whose_payment_the_ledger_does_not_have_waits_for_it(
    client: Client, engine: AsyncEngine
) -> None:
    """A case names the payment; retried when it is there."""
    async with lab(client, engine, ISSUED) as it:
        contract, bill = await d5_paid_by_card(it)
        payout = paid_out(it, bill, "10020.00", "300.60", "GBP")
        native_id = payout.ref.native_id
        paid = it.billing.paid_out[native_id]
        it.billing.paid_out[native_id] = tuple(
            one.model_copy(update={"payment": "pi_nobodys"}) for one in paid
        )
        handle = await told(it, payout)
        case = await it.case_of(payout_key(payout.ref.account, native_id))
        assert (case.code, case.evidence["field"]) == ("payment_not_in_the_ledger", "payment")
        assert case.evidence["payment"] == "pi_nobodys"
        it.billing.paid_out[native_id] = paid
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "paid"
        assert "1050" not in balances(it, contract.erp_company)


@pytest.mark.parametrize("what", ["refund", "returned"])
async def test_what_has_no_amount_in_the_ledger_is_left_to_people(
    client: Client, engine: AsyncEngine, what: str
) -> None:
    """A refund in euros, and a payout in euros that came back."""
    async with lab(client, engine, ISSUED) as it:
        contract = await d5_sold(it)
        refund = Money.of("-10.00", "EUR")
        gross = Money.of("100.00", "EUR")
        parts = [(MovementKind.CHARGE, gross)]
        parts += [(MovementKind.REFUND, refund)] if what == "refund" else []
        movements = tuple(
            Movements(kind=kind, count=1, amount=amount, fee=Money.zero("EUR"))
            for kind, amount in parts
        )
        bill = (await d5_paid_by_card(it))[1]
        payout = paid_out(it, bill, "12000.00", "0.00", "EUR").model_copy(
            update={
                "movements": movements,
                "amount": Money.total((one.amount for one in movements), "EUR"),
                "status": PayoutStatus.PAID if what == "refund" else PayoutStatus.FAILED,
                "returned_on": ARRIVES if what == "returned" else None,
            }
        )
        it.billing.payouts[payout.ref.native_id] = payout
        handle = await told(it, payout)
        key = payout_key(payout.ref.account, payout.ref.native_id)
        case = await it.case_of(key, kind="cash.payout_mismatch")
        assert (case.code, case.evidence["field"]) == ("payout_in_another_currency", "currency")
        assert case.evidence["kinds"] == ("refund" if what == "refund" else "its return")
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "left_to_people"
        assert contract.erp_company
