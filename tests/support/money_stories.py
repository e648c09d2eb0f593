"""What happens to the money of one contract in a month, each as the systems tell it: for the
identities of facts/domain.md §6, which must hold after each.

The invoices have the legal numbers of one series, so that T15 compares them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from activities.cash_inputs import CashReceiptInput
from activities.settlement_inputs import PayoutInput
from activities.write_off_inputs import RecoveryInput
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.cash import BankReceipt
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute, DisputedPayment, DisputeStatus
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, Movements, Payout, PayoutStatus
from dealthread.domain.transaction import ChangeInput, ChangeKind, ChangeRequest, Environment
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.naming import (
    WORKFLOW_QUEUE,
    bank_receipt_id,
    payout_id,
    recovery_id,
    write_off_id,
)
from tests.support.change_lab import on, sold
from tests.support.credit_lab import credit
from tests.support.deal_builder import d1, d3, d4
from tests.support.dispute_runs import told_of
from tests.support.invoice_lab import bill_of, mirrored, news, ref_of, until
from tests.support.saga_lab import Lab, fresh
from tests.support.worked_year import UK, US
from workflows.cash_receipt import CashReceiptWorkflow
from workflows.invoice_write_off import InvoiceWriteOffWorkflow, WriteOffRecoveryWorkflow
from workflows.payout_to_bank import PayoutToBankWorkflow

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
_ACCOUNT = "acct_alder_us"


@dataclass(frozen=True)
class Month:
    """The company's month that is closed after a story."""

    seller: str
    period: date
    begins: date
    """When the story begins."""


IN_JANUARY = Month(US, JANUARY, JANUARY)
Story = Callable[[Lab], Awaitable[None]]


# ------------------------------------------------------------ parts


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def spans(bill: Bill, start: date, end: date) -> Bill:
    lines = (
        one.model_copy(update={"period_start": start, "period_end": end}) for one in bill.lines
    )
    return bill.model_copy(update={"lines": tuple(lines)})


async def billed(it: Lab, contract: Contract, number: int, day: date) -> Bill:
    """In the ledger and in the CRM."""
    bill = bill_of(contract, f"in_{number}_{contract.key}", day)
    bill = bill.model_copy(update={"number": f"{contract.seller}-{number:06d}"})
    it.billing.bills[bill.ref.native_id] = bill
    await news(it.client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    return bill


async def paid(it: Lab, bill: Bill, amount: Money, day: date, way: PaymentWay) -> Bill:
    after = it.billing.pay(bill.ref.native_id, amount, day, way)
    handle = await news(it.client, after)
    if not after.remaining:
        assert await handle.result() == "paid"
    return after


async def of_d1(it: Lab, *, is_paid: bool = True) -> tuple[Contract, Bill]:
    """15,000.00 and 891.00 of tax, paid by card."""
    contract = await sold(it, fresh(d1()))
    bill = await billed(it, contract, 1, JANUARY)
    if is_paid:
        bill = await paid(it, bill, bill.gross, JANUARY, PaymentWay.PROCESSOR)
    return contract, bill


# ------------------------------------------------------------ stories of January


async def an_invoice_that_is_open(it: Lab) -> None:
    await of_d1(it, is_paid=False)


async def a_payment_by_card(it: Lab) -> None:
    await of_d1(it)


async def a_part_payment_by_bank(it: Lab) -> None:
    _, bill = await of_d1(it, is_paid=False)
    before = len(it.erp.ledger.entries)
    await paid(it, bill, usd("5000.00"), date(2026, 1, 20), PaymentWay.BANK)
    await until(lambda: len(it.erp.ledger.entries) > before)


async def a_credit_note_on_an_open_invoice(it: Lab) -> None:
    contract, bill = await of_d1(it, is_paid=False)
    assert await (await credit(it, contract, bill, "500.00")).result() == "completed"


async def a_credit_note_kept_for_the_customer(it: Lab) -> None:
    contract, bill = await of_d1(it)
    assert await (await credit(it, contract, bill, "500.00")).result() == "completed"


async def a_refund(it: Lab) -> None:
    contract, bill = await of_d1(it)
    handle = await credit(it, contract, bill, "500.00", refund=True)
    assert await handle.result() == "completed"


async def an_invoice_void_before_it_was_posted(it: Lab) -> None:
    """A wrong address: the first is void, the second is paid. Both numbers are used."""
    contract = await sold(it, fresh(d1()))
    void = bill_of(contract, f"in_0_{contract.key}", JANUARY).model_copy(
        update={"number": "US01-000000", "status": InvoiceStatus.VOID, "voided_on": JANUARY}
    )
    it.billing.bills[void.ref.native_id] = void
    assert await (await news(it.client, void)).result() == "void"
    bill = await billed(it, contract, 1, JANUARY)
    await paid(it, bill, bill.gross, JANUARY, PaymentWay.PROCESSOR)


async def an_invoice_void_after_it_was_posted(it: Lab) -> None:
    """A wrong address, seen late: the ledger has the first and its reversal, the second is paid."""
    contract, first = await of_d1(it, is_paid=False)
    on(it, date(2026, 1, 20))
    void = first.model_copy(update={"status": InvoiceStatus.VOID, "voided_on": date(2026, 1, 20)})
    it.billing.bills[void.ref.native_id] = void
    assert await (await news(it.client, void)).result() == "void"
    bill = await billed(it, contract, 2, date(2026, 1, 20))
    await paid(it, bill, bill.gross, date(2026, 1, 20), PaymentWay.PROCESSOR)


async def a_payout_with_fees(it: Lab) -> None:
    """D1's 461.14 (facts/domain.md §9.8)."""
    contract, _ = await of_d1(it)
    payout = f"po_{contract.key}"
    amount, fee = usd("15891.00"), usd("461.14")
    it.billing.payouts[payout] = Payout(
        ref=ref_of(_ACCOUNT, "payout", payout),
        status=PayoutStatus.PAID,
        amount=amount - fee,
        arrival_date=date(2026, 1, 5),
        is_automatic=True,
        is_itemised=True,
        movements=(Movements(kind=MovementKind.CHARGE, count=1, amount=amount, fee=fee),),
    )
    handle = await it.client.start_workflow(
        PayoutToBankWorkflow.run,
        PayoutInput(billing_account=_ACCOUNT, payout_id=payout),
        id=payout_id(_ACCOUNT, payout),
        task_queue=WORKFLOW_QUEUE,
        start_signal="news",
    )
    assert await handle.result() == "paid"


async def disputed(it: Lab, bill: Bill, opened: date = date(2026, 1, 10), **changes: Any) -> Any:
    """Taken ten days before the story goes on, with a fee of 15.00."""
    dispute, account = f"du_{bill.contract_key}", bill.ref.account
    nought = Money.zero(bill.currency)
    made = Dispute(
        ref=ref_of(account, "dispute", dispute),
        status=DisputeStatus.OPEN,
        amount=bill.gross,
        reason="fraudulent",
        withdrawn=bill.gross,
        reinstated=nought,
        fee=Money.of("15.00", bill.currency),
        fee_returned=nought,
        opened_on=opened,
        invoice_id=bill.ref.native_id,
        payment_id=bill.payments[0].ref.native_id,
    ).model_copy(update=changes)
    it.billing.disputes[dispute] = made
    on(it, opened + timedelta(days=10))
    return await told_of(it, dispute, account)


async def a_dispute_that_is_open(it: Lab) -> None:
    contract, bill = await of_d1(it)
    await disputed(it, bill)
    await it.case_of(contract.key, kind="cash.disputed")


async def a_dispute_that_was_won(it: Lab) -> None:
    _, bill = await of_d1(it)
    back = {"reinstated": bill.gross, "reinstated_on": date(2026, 1, 18)}
    handle = await disputed(it, bill, status=DisputeStatus.WON, **back)
    assert await handle.result() == "won"


async def a_dispute_that_was_lost(it: Lab) -> None:
    """The customer owes 15,891.00 again."""
    contract, bill = await of_d1(it)
    handle = await disputed(it, bill, status=DisputeStatus.LOST)
    case = await it.case_of(contract.key, kind="cash.returned")
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"


async def a_dispute_of_a_part_that_was_lost(it: Lab) -> None:
    """The customer owes 100.00 of 15,891.00 again; the rest of the payment settles as before."""
    contract, bill = await of_d1(it)
    part = {"amount": usd("100.00"), "withdrawn": usd("100.00")}
    handle = await disputed(it, bill, status=DisputeStatus.LOST, **part)
    case = await it.case_of(contract.key, kind="cash.returned")
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"


# ------------------------------------------------------------ stories of other months


async def an_overpayment(it: Lab) -> None:
    """D4's transposed receipt: 47,043.00 for 47,034.00; 9.00 stay on account."""
    contract = await sold(it, fresh(d4()))
    first_year = contract.model_copy(update={"lines": contract.lines[:1]})
    bill = await billed(it, first_year, 1, FEBRUARY)
    receipt = BankReceipt(
        seller=US,
        source=f"BANK-{contract.key}",
        amount=usd("47043.00"),
        value_date=date(2026, 2, 20),
        actor="clara",
        reference=f"inv {bill.number}",
    )
    handle = await it.client.start_workflow(
        CashReceiptWorkflow.run,
        CashReceiptInput(receipt=receipt),
        id=bank_receipt_id(US, receipt.source),
        task_queue=WORKFLOW_QUEUE,
    )
    case = await it.case_of(contract.key, kind="cash.over_under")
    await it.decide(case, DecisionKind.RETRY_WITH, correction={"on_account": True})
    assert await handle.result() == "47,034.00 USD applied, 9.00 USD on account"
    await until(lambda: mirrored(it)[bill.ref.native_id].status == "paid")


async def _two_months(it: Lab) -> tuple[Contract, Bill]:
    """D3's platform in April and May, 480.00 each: May's is paid, April's is open."""
    contract = await sold(it, fresh(d3()))
    platform = contract.model_copy(update={"lines": contract.lines[:1]})
    april = await billed(it, platform, 1, APRIL)
    on(it, MAY)
    may = spans(bill_of(platform, f"in_2_{contract.key}", MAY), MAY, date(2026, 6, 1))
    may = may.model_copy(update={"number": "UK01-000002"})
    it.billing.bills[may.ref.native_id] = may
    await paid(it, may, may.gross, MAY, PaymentWay.PROCESSOR)
    return contract, april


async def a_dispute_of_two_invoices_that_was_lost(it: Lab) -> None:
    """One card payment of both months, 960.00; of 500.00 that are lost May's 480.00 are owed again,
    and 20.00 of April's."""
    contract, april = await _two_months(it)
    april = await paid(it, april, april.gross, MAY, PaymentWay.PROCESSOR)
    (may,) = [one for one in it.billing.bills.values() if one.number == "UK01-000002"]
    lost = Money.of("500.00", "GBP")
    handle = await disputed(
        it,
        april,
        MAY,
        status=DisputeStatus.LOST,
        amount=lost,
        withdrawn=lost,
        invoice_id="",
        payment_id="",
        is_of_several=True,
        several=tuple(
            DisputedPayment(invoice_id=one.ref.native_id, payment_id=one.payments[0].ref.native_id)
            for one in (april, may)
        ),
    )
    case = await it.case_of(contract.key, kind="cash.returned")
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"
    owed = await it.erp.open_documents("3", contract.customer_key)
    assert {one.number: str(one.open_amount.amount) for one in owed} == {
        "UK01-000001": "20.00",
        "UK01-000002": "480.00",
    }


async def a_write_off(it: Lab) -> None:
    """April's claim; the service was rendered, and its tax is not given back before six months."""
    contract, bill = await _two_months(it)
    on(it, date(2026, 5, 20))
    change_id = write_off_id(bill.ref.account, bill.ref.native_id)
    request = ChangeRequest(
        change_id=change_id,
        kind=ChangeKind.INVOICE_WRITE_OFF,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="olaf",
    )
    order = WriteOffOrder(
        change_id=change_id,
        contract_key=contract.key,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        reason="insolvent",
        accepted_on=date(2026, 5, 20),
        without_relief=True,
    )
    assert await it.changes.place(order, request, contract.key)
    handle = await it.client.start_workflow(
        InvoiceWriteOffWorkflow.run,
        ChangeInput(
            request=request,
            contract_key=contract.key,
            environment=Environment(business_offset_seconds=it.offset_seconds()),
        ),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )
    case = await it.case_of(contract.key, kind="deal.approval")
    await it.decide(case, DecisionKind.APPROVE)
    assert await handle.result() == "completed"


async def a_write_off_that_was_paid_after_all(it: Lab) -> None:
    await a_write_off(it)
    (bill,) = [one for one in it.billing.bills.values() if one.number == "UK01-000001"]
    it.billing.pay(bill.ref.native_id, bill.gross, date(2026, 5, 28), PaymentWay.BANK)
    on(it, date(2026, 5, 28))
    recovered = await it.client.execute_workflow(
        WriteOffRecoveryWorkflow.run,
        RecoveryInput(billing_account=bill.ref.account, invoice_id=bill.ref.native_id),
        id=recovery_id(bill.ref.account, bill.ref.native_id),
        task_queue=WORKFLOW_QUEUE,
    )
    assert recovered == "recovered"
    assert await (await news(it.client, bill)).result() == "paid"


STORIES: tuple[tuple[Month, Story], ...] = (
    (IN_JANUARY, an_invoice_that_is_open),
    (IN_JANUARY, a_payment_by_card),
    (IN_JANUARY, a_part_payment_by_bank),
    (IN_JANUARY, a_credit_note_on_an_open_invoice),
    (IN_JANUARY, a_credit_note_kept_for_the_customer),
    (IN_JANUARY, a_refund),
    (IN_JANUARY, an_invoice_void_before_it_was_posted),
    (IN_JANUARY, an_invoice_void_after_it_was_posted),
    (IN_JANUARY, a_payout_with_fees),
    (IN_JANUARY, a_dispute_that_is_open),
    (IN_JANUARY, a_dispute_that_was_won),
    (IN_JANUARY, a_dispute_that_was_lost),
    (IN_JANUARY, a_dispute_of_a_part_that_was_lost),
    (Month(US, FEBRUARY, FEBRUARY), an_overpayment),
    (Month(UK, MAY, APRIL), a_dispute_of_two_invoices_that_was_lost),
    (Month(UK, MAY, APRIL), a_write_off),
    (Month(UK, MAY, APRIL), a_write_off_that_was_paid_after_all),
)
