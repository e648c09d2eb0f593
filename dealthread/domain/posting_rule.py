"""Which invoices may be a part of their day's summary, and when it is posted (`posting_policy`)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.deal import CollectionMethod
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money

POSTED_AT = time(2, 0, tzinfo=UTC)
"""A day's summary is posted on the next morning: what a card paid by midnight is told by then."""
LATE_AFTER = timedelta(minutes=10)
"""How long after it is due a summary that is not posted is late."""


def why_not_in_summary(bill: Bill, contract: Contract, ledger_currency: str) -> str:
    """Why an invoice cannot be a part of a summary as it stands; "" where it can. Of one that is
    still to be paid nobody knows yet."""
    if contract.collection_method is not CollectionMethod.CARD:
        return "not_by_card"
    if contract.days_until_due:
        return "on_terms"
    if bill.buyer is None:
        return "buyer_not_told"
    if bill.buyer.tax_ids:
        return "buyer_has_tax_id"
    if bill.currency != ledger_currency:
        return "another_currency"
    if bill.gross.amount <= 0 or bill.issue_date is None or bill.finalised_at is None:
        return "nothing_to_receive"
    if bill.status not in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        return "not_to_be_paid"
    if bill.credit_memos or bill.voided_credits:
        return "credited"
    if bill.balance_used or any(one.way is not PaymentWay.PROCESSOR for one in bill.payments):
        return "not_by_card"
    if any(one.receipt for one in bill.payments):
        return "not_by_card"
    if bill.failed_attempts:
        return "failed_charge"
    return ""


def is_paid_whole(bill: Bill) -> bool:
    """Whether its payments come to exactly what it says."""
    paid = Money.total((one.amount for one in bill.payments), bill.currency)
    return bill.status is InvoiceStatus.PAID and not bill.remaining and paid == bill.gross


def due_of(issue_date: date, now: datetime) -> datetime:
    """When the summary of a day is posted; of a later part of it, on the next morning."""
    first = datetime.combine(issue_date + timedelta(days=1), POSTED_AT)
    if now < first:
        return first
    today = datetime.combine(now.astimezone(UTC).date(), POSTED_AT)
    return today if now < today else today + timedelta(days=1)
