"""What is recorded of credits on invoices: given, waiting for a second person, refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import WorkflowHandle

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from tests.fakes.bills import credited
from tests.fakes.world import Fault
from tests.replay.record_changes import START, Recorded, settled
from tests.support.change_lab import on, sold
from tests.support.credit_lab import credit, invoiced
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of, mirrored, news, until
from tests.support.saga_lab import Lab, fresh


async def invoice_credit_completed(it: Lab) -> Recorded:
    """500.00 of a paid invoice, to the balance; the invoice's run is begun by it."""
    on(it, START)
    contract, bill = await invoiced(it)
    handle = await credit(it, contract, bill, "500.00")
    await handle.result()
    return Recorded(handle.id)


async def invoice_credit_waiting_for_approval(it: Lab) -> Recorded:
    """Above the limit, still running."""
    on(it, START)
    contract, bill = await invoiced(it)
    handle = await credit(it, contract, bill, "2000.00")
    await it.case_of(contract.key, kind="deal.approval")
    await settled(handle)
    return Recorded(handle.id)


async def invoice_with_a_credit_tried_again(it: Lab) -> Recorded:
    """The ledger refused the credit; there is news while a person is asked, who has it tried
    again. Paid in the end."""
    contract, bill, handle = await _refused(it)
    case = await it.case_of(contract.key)
    await news(it.client, bill)
    await settled(handle)
    await it.decide(case, DecisionKind.RETRY)
    native_id = bill.ref.native_id
    await until(lambda: mirrored(it)[native_id].remaining < bill.gross)
    return await _paid(it, bill, handle)


async def invoice_with_a_credit_taken_back(it: Lab) -> Recorded:
    """The same, and the biller takes the credit back: the case closes by itself."""
    contract, bill, handle = await _refused(it)
    await it.case_of(contract.key)
    native_id = bill.ref.native_id
    voided = tuple(
        one.model_copy(update={"voided_on": START})
        for one in it.billing.bills[native_id].credit_memos
    )
    it.billing.bills[native_id] = bill.model_copy(update={"voided_credits": voided})
    await news(it.client, bill)
    return await _paid(it, bill, handle)


async def _refused(it: Lab) -> tuple[Contract, Bill, WorkflowHandle[Any, str]]:
    """D1's invoice is in the ledger, 319.80 of credit on it is not."""
    on(it, START)
    contract = await sold(it, fresh(d1()))
    bill = bill_of(contract, f"in_{contract.key}", START)
    native_id = bill.ref.native_id
    it.billing.bills[native_id] = bill
    handle = await news(it.client, bill)
    await until(lambda: native_id in mirrored(it))
    it.world.plan("erp.post_credit_memo", Fault.REJECTED)
    net, tax = Money.of("300.00", "USD"), Money.of("19.80", "USD")
    it.billing.bills[native_id] = credited(bill, net, tax, START, CreditForm.OPEN_INVOICE)
    await news(it.client, bill)
    return contract, bill, handle


async def _paid(it: Lab, bill: Bill, handle: WorkflowHandle[Any, str]) -> Recorded:
    native_id = bill.ref.native_id
    left = it.billing.bills[native_id].remaining
    it.billing.pay(native_id, left, START, PaymentWay.BANK)
    await news(it.client, bill)
    await handle.result()
    return Recorded(handle.id)


CREDITS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    invoice_credit_completed,
    invoice_credit_waiting_for_approval,
    invoice_with_a_credit_tried_again,
    invoice_with_a_credit_taken_back,
)
