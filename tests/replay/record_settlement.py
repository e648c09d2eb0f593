"""What is recorded of payouts, disputes, write-offs, and money of the bank: at ends and waits.

A function a history, of the same name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from activities.cash_inputs import CashReceiptInput
from activities.write_off_inputs import RecoveryInput
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.cash import BankReceipt
from dealthread.domain.dispute import DisputeStatus
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.naming import (
    WORKFLOW_QUEUE,
    bank_receipt_id,
    dispute_key,
    payout_key,
    recovery_id,
)
from tests.replay.record_changes import START, Recorded, settled
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of, mirrored, news, paid_bill, until
from tests.support.saga_lab import Lab, fresh
from tests.workflows.test_dispute_in_parts import dispute_of, paid_together
from tests.workflows.test_dispute_to_end import disputed, paid_d1, told_of
from tests.workflows.test_invoice_write_off import APRIL, DECEMBER, given_up, open_claim
from tests.workflows.test_payout_to_bank import ACCOUNT, payout_of, told
from workflows.cash_receipt import CashReceiptWorkflow
from workflows.invoice_write_off import WriteOffRecoveryWorkflow


async def payout_completed(it: Lab) -> Recorded:
    """In the bank, one entry."""
    on(it, START)
    it.billing.payouts["po_done"] = payout_of("po_done", "100.00", "3.00")
    handle = await told(it.client, "po_done")
    await handle.result()
    return Recorded(handle.id)


async def payout_waiting_for_a_person(it: Lab) -> Recorded:
    """Its parts are not the sum that went out; still running."""
    on(it, START)
    made = payout_of("po_stuck", "100.00", "3.00")
    it.billing.payouts["po_stuck"] = made.model_copy(update={"amount": Money.of("90.00", "USD")})
    handle = await told(it.client, "po_stuck")
    await it.case_of(payout_key(ACCOUNT, "po_stuck"))
    await settled(handle)
    return Recorded(handle.id)


async def dispute_won(it: Lab) -> Recorded:
    """A person was asked; the bank decided first."""
    on(it, START)
    contract, bill = await paid_d1(it, it.client)
    native_id = f"du_{contract.key}"
    made = disputed(it, native_id, bill)
    handle = await told_of(it, native_id)
    await it.case_of(contract.key, kind="cash.disputed")
    it.billing.disputes[native_id] = made.model_copy(
        update={
            "status": DisputeStatus.WON,
            "reinstated": made.withdrawn,
            "reinstated_on": START,
        }
    )
    await told_of(it, native_id)
    await handle.result()
    return Recorded(handle.id)


async def dispute_lost_and_handed_over(it: Lab) -> Recorded:
    """The receivable is open again, and a person takes the claim."""
    on(it, START)
    contract, bill = await paid_d1(it, it.client)
    native_id = f"du_{contract.key}"
    disputed(it, native_id, bill, status=DisputeStatus.LOST)
    handle = await told_of(it, native_id)
    await it.decide(await it.case_of(contract.key), DecisionKind.HAND_OVER)
    await handle.result()
    return Recorded(handle.id)


async def dispute_lost_in_part_of_several(it: Lab) -> Recorded:
    """One payment of two invoices: the newer is owed again, and a part of the older."""
    on(it, START)
    contract = await sold(it, fresh(d1()))
    bills = await paid_together(it, it.client, contract, contract)
    native_id, lost = f"du_{contract.key}", Money.of("20000.00", "USD")
    dispute_of(it, native_id, bills, status=DisputeStatus.LOST, amount=lost, withdrawn=lost)
    handle = await told_of(it, native_id)
    await it.decide(await it.case_of(contract.key), DecisionKind.HAND_OVER)
    await handle.result()
    return Recorded(handle.id)


async def dispute_lost_before_its_payment_was_told(it: Lab) -> Recorded:
    """The invoice's run is begun by it, and the payment awaited; a person takes the claim."""
    on(it, START)
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
    it.billing.bills[bill.ref.native_id] = bill
    native_id = f"du_{contract.key}"
    disputed(it, native_id, bill, status=DisputeStatus.LOST)
    handle = await told_of(it, native_id)
    await it.decide(await it.case_of(contract.key), DecisionKind.HAND_OVER)
    await handle.result()
    return Recorded(handle.id)


async def dispute_begins_the_pursuit(it: Lab) -> Recorded:
    """A part was paid and is disputed; the rest is open, and its pursuit rests from its first day.
    The bank has not decided."""
    on(it, START)
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    part = Money.of("5000.00", "USD")
    bill = paid_bill(bill, part, START, PaymentWay.PROCESSOR)
    it.billing.bills[bill.ref.native_id] = bill
    native_id = f"du_{contract.key}"
    disputed(it, native_id, bill, amount=part, withdrawn=part)
    handle = await told_of(it, native_id)
    await it.case_of(contract.key, kind="cash.disputed")
    await settled(handle)
    return Recorded(handle.id)


async def dispute_waiting_for_a_person(it: Lab) -> Recorded:
    """Open, about no invoice of ours; whether evidence is given is not decided."""
    on(it, START)
    disputed(it, "du_waits", None)
    handle = await told_of(it, "du_waits")
    await it.case_of(dispute_key(ACCOUNT, "du_waits"))
    await settled(handle)
    return Recorded(handle.id)


async def receipt_applied_and_left_on_account(it: Lab) -> Recorded:
    """One dollar more than its invoice: a person leaves it the customer's."""
    on(it, START)
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    it.billing.bills[bill.ref.native_id] = bill
    await news(it.client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    receipt = BankReceipt(
        seller=contract.seller,
        source="BANK-RECORDED",
        amount=bill.gross + Money.of("1.00", "USD"),
        value_date=START,
        invoices=(bill.number,),
    )
    handle = await it.client.start_workflow(
        CashReceiptWorkflow.run,
        CashReceiptInput(receipt=receipt),
        id=bank_receipt_id(contract.seller, receipt.source),
        task_queue=WORKFLOW_QUEUE,
    )
    case = await it.case_of(contract.key, kind="cash.over_under")
    await it.decide(case, DecisionKind.RETRY_WITH, correction={"on_account": True})
    await handle.result()
    return Recorded(handle.id)


async def write_off_completed(it: Lab) -> Recorded:
    """D3's second invoice, approved by a second person."""
    _, run_id = await _written_off(it)
    return Recorded(run_id)


async def recovery_completed(it: Lab) -> Recorded:
    """What was written off is paid, and the write-off reversed."""
    bill, _ = await _written_off(it)
    account, native_id = bill.ref.account, bill.ref.native_id
    left = it.billing.bills[native_id].remaining
    paid = it.billing.pay(native_id, left, DECEMBER, PaymentWay.BANK)
    it.billing.bills[native_id] = paid.model_copy(update={"status": InvoiceStatus.PAID})
    recovery = await it.client.start_workflow(
        WriteOffRecoveryWorkflow.run,
        RecoveryInput(billing_account=account, invoice_id=native_id),
        id=recovery_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
    )
    await recovery.result()
    return Recorded(recovery.id)


async def _written_off(it: Lab) -> tuple[Bill, str]:
    """The invoice, and the run that a second person approved."""
    on(it, APRIL)
    contract, bill = await open_claim(it, it.client)
    handle = await given_up(it, contract, bill)
    await it.decide(await it.case_of(contract.key, kind="deal.approval"), DecisionKind.APPROVE)
    await handle.result()
    return bill, handle.id


SETTLEMENTS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    payout_completed,
    payout_waiting_for_a_person,
    dispute_won,
    dispute_lost_and_handed_over,
    dispute_lost_in_part_of_several,
    dispute_lost_before_its_payment_was_told,
    dispute_begins_the_pursuit,
    dispute_waiting_for_a_person,
    receipt_applied_and_left_on_account,
    write_off_completed,
    recovery_completed,
)
