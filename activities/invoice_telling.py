"""What subscribers hear of an invoice: posted, paid, credited. Each once, by the id of its act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from activities.invoice_inputs import MirrorInvoice
from dealthread.domain.event_data.base import EventData
from dealthread.domain.event_data.cash import CreditMemoCreated, InvoicePosted, PaymentSucceeded
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.naming import event_id, idempotency_key


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
                document=order.document.number or order.document.ref.native_id,
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
                corrects_invoice=bill.number,
                reason=memo.reason,
                total=str(memo.gross.amount),
            ),
        )
