"""Payouts of foreign payments in the laboratory: D5's 12,000.00 EUR of a company that keeps its
books in pounds (facts/domain.md §9.6)."""

from __future__ import annotations

from datetime import date
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.settlement_inputs import PayoutInput
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.naming import WORKFLOW_QUEUE, contract_key, payout_id
from tests.support.deal_builder import d5
from tests.support.invoice_lab import bill_of, news, ref_of
from tests.support.saga_lab import Lab, fresh
from workflows.payout_to_bank import PayoutToBankWorkflow

ISSUED, PAID, ARRIVES = date(2026, 6, 1), date(2026, 6, 29), date(2026, 6, 30)


async def d5_sold(it: Lab) -> Contract:
    """It is prepaid for two years: a second person agrees to that."""
    deal = fresh(d5())
    handle = await it.start(deal)
    await it.decide(await it.case(deal), DecisionKind.APPROVE)
    await handle.result()
    found = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert found is not None
    return found


async def d5_paid_by_card(it: Lab, number: str = "") -> tuple[Contract, Bill]:
    """Invoiced on 1 June at 0.85, paid on 29 June at 0.842: 1050 has 10,104.00 GBP of it."""
    contract = await d5_sold(it)
    bill = bill_of(contract, f"in_{contract.key}", ISSUED)
    if number:
        bill = bill.model_copy(update={"number": number})
    it.billing.bills[bill.ref.native_id] = bill
    bill = it.billing.pay(bill.ref.native_id, bill.gross, PAID, PaymentWay.PROCESSOR)
    assert await (await news(it.client, bill)).result() == "paid"
    return contract, bill


def paid_out(it: Lab, bill: Bill, amount: str, fee: str, currency: str) -> Payout:
    """Its payout, as the processor tells it: what the payment came to, in which currency."""
    gross, kept = Money.of(amount, currency), Money.of(fee, currency)
    is_converted = currency != bill.currency
    native_id = f"po_{bill.contract_key}"
    payout = Payout(
        ref=ref_of(bill.ref.account, "payout", native_id),
        status=PayoutStatus.PAID,
        amount=gross - kept,
        arrival_date=ARRIVES,
        is_automatic=True,
        is_itemised=True,
        movements=(Movements(kind=MovementKind.CHARGE, count=1, amount=gross, fee=kept),),
        converted="txn_1" if is_converted else "",
        converted_kinds=(MovementKind.CHARGE,) if is_converted else (),
    )
    (payment,) = bill.payments
    it.billing.payouts[native_id] = payout
    it.billing.paid_out[native_id] = (
        PaidOutPayment(
            payment=payment.processor_id, amount=gross, fee=kept, original=payment.amount
        ),
    )
    return payout


async def told(it: Lab, payout: Payout) -> WorkflowHandle[Any, str]:
    """As the relay tells it."""
    account, native_id = payout.ref.account, payout.ref.native_id
    return await it.client.start_workflow(
        PayoutToBankWorkflow.run,
        PayoutInput(billing_account=account, payout_id=native_id),
        id=payout_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )
