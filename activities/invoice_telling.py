"""What subscribers hear of an invoice: issued, not collected, posted, paid, credited.

Each once, by the id of its act.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from activities.invoice_inputs import MirrorInvoice
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.event_data.base import EventData
from dealthread.domain.event_data.cash import (
    CreditMemoCreated,
    InvoiceIssued,
    InvoicePosted,
    PaymentFailed,
    PaymentSucceeded,
)
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.posted import PostedDocument
from dealthread.naming import event_id, idempotency_key, invoice_id


def issued(bill: Bill, contract: Contract, now: datetime) -> tuple[BusinessEvent, ...]:
    """The biller has made a legal invoice: told once, with the id of the invoice itself. The time
    of service is that of its lines, the contract's where no line has one."""
    if not bill.number or bill.finalised_at is None:
        return ()
    starts = [line.period_start for line in bill.lines if line.period_start is not None]
    ends = [line.period_end for line in bill.lines if line.period_end is not None]
    data = InvoiceIssued(
        contract_key=bill.contract_key,
        customer_key=bill.customer_key,
        seller=contract.seller,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        invoice_number=bill.number,
        currency=bill.currency,
        total=str(bill.gross.amount),
        issue_date=bill.issue_date or bill.finalised_at.date(),
        due_date=bill.due_date,
        service_start_date=min(starts, default=contract.start_date),
        service_end_date=max(ends, default=contract.end_date or contract.start_date),
    )
    told = idempotency_key(invoice_id(bill.ref.account, bill.ref.native_id), 1, "issued", "told")
    return (
        BusinessEvent(
            id=event_id(told),
            type=EventType.INVOICE_ISSUED,
            subject=bill.contract_key,
            time=now,
            data=data.told(),
        ),
    )


def failed(bill: Bill, contract: Contract, now: datetime) -> tuple[BusinessEvent, ...]:
    """The biller could not collect what is open: told once for each attempt that was seen."""
    if not bill.failed_attempts:
        return ()
    data = PaymentFailed(
        contract_key=bill.contract_key,
        customer_key=bill.customer_key,
        seller=contract.seller,
        billing_account=bill.ref.account,
        payment_id="",
        invoice_numbers=(bill.number,),
        currency=bill.currency,
        amount=str(bill.payable.amount),
        code="",
        attempt=bill.failed_attempts,
        next_attempt_on=bill.next_attempt_on,
    )
    key = invoice_id(bill.ref.account, bill.ref.native_id)
    told = idempotency_key(key, 1, f"failed-{bill.failed_attempts}", "told")
    return (
        BusinessEvent(
            id=event_id(told),
            type=EventType.PAYMENT_FAILED,
            subject=bill.contract_key,
            time=now,
            data=data.told(),
        ),
    )


def events_of(order: MirrorInvoice, now: datetime) -> tuple[BusinessEvent, ...]:
    """Events of what happened since the invoice was shown last."""
    context = order.context

    def event(kind: EventType, topic: str, data: EventData) -> BusinessEvent:
        key = idempotency_key(context.business_key, context.generation, topic, "told")
        return BusinessEvent(
            id=event_id(key),
            type=kind,
            subject=order.told.bill.contract_key,
            time=now,
            data=data.told(),
        )

    return tuple(event(kind, topic, data) for kind, topic, data in _told(order))


def _number_in_ledger(document: PostedDocument) -> str:
    """Of the document that the ledger has: of one that a day's summary holds, the summary's."""
    number = document.number if document.held_in is None else document.held_in.number
    return number or document.ref.native_id


def _told(order: MirrorInvoice) -> Iterator[tuple[EventType, str, EventData]]:
    told, bill = order.told, order.told.bill
    whose = {
        "contract_key": bill.contract_key,
        "customer_key": bill.customer_key,
        "seller": told.seller,
        "billing_account": bill.ref.account,
        "currency": bill.currency,
    }
    if order.posted and told.invoice is not None and order.document is not None:
        yield (
            EventType.INVOICE_POSTED,
            "posted",
            InvoicePosted(
                **whose,
                invoice_id=bill.ref.native_id,
                invoice_number=bill.number,
                total=str(bill.gross.amount),
                document=_number_in_ledger(order.document),
                posting_date=told.invoice.dates.posting_date,
            ),
        )
    for receipt in order.paid:
        yield (
            EventType.PAYMENT_SUCCEEDED,
            f"paid-{receipt.document_key}",
            PaymentSucceeded(
                **whose,
                payment_id=receipt.source.native_id,
                invoice_numbers=(bill.number,),
                amount=str(receipt.amount.amount),
                paid_on=receipt.value_date,
            ),
        )
    for memo in order.credited:
        yield (
            EventType.CREDIT_MEMO_CREATED,
            f"credited-{memo.document_key}",
            CreditMemoCreated(
                **whose,
                credit_memo_id=memo.billing.native_id,
                credit_memo_number=memo.number,
                corrects_invoice=bill.number if memo.corrects else "",
                reason=memo.reason,
                total=str(memo.gross.amount),
            ),
        )
