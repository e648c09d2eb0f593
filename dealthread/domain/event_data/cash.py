"""Data of events about invoices, payments, credits, collections and usage."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from dealthread.domain.event_data.base import Amount, Currency, OfContract


class OfInvoice(OfContract):
    """About one legal invoice."""

    customer_key: str
    seller: str
    billing_account: str
    invoice_id: str
    invoice_number: str
    currency: Currency
    total: Amount


class InvoiceIssued(OfInvoice):
    """A legal invoice exists at the biller."""

    issue_date: date
    due_date: date | None
    service_start_date: date
    service_end_date: date


class InvoicePosted(OfInvoice):
    """The invoice is in the ledger."""

    document: str
    posting_date: date


class OfPayment(OfContract):
    """About one payment. `invoice_numbers` is empty for money on account."""

    customer_key: str
    seller: str
    billing_account: str
    payment_id: str
    invoice_numbers: tuple[str, ...]
    currency: Currency
    amount: Amount


class PaymentSucceeded(OfPayment):
    """The payer's money is confirmed."""

    paid_on: date


class PaymentFailed(OfPayment):
    """An attempt to collect failed. `payment_id` is empty, since none came about, and so is `code`
    where the biller's invoice names no cause."""

    code: str
    attempt: int
    next_attempt_on: date | None


class PaymentSettled(OfPayment):
    """The money is in the bank: `amount` gross, `fee` kept by the processor, in the payout's
    currency. Told of each payment, and of the payout whole: then `payment_id`, `invoice_numbers`
    and `customer_key` are empty, and `contract_key` is the payout's own (docs/adr/0022)."""

    payout_id: str
    fee: Amount
    settled_on: date


class CreditMemoCreated(OfContract):
    """A document that reduces what is owed; it names what it corrects."""

    customer_key: str
    seller: str
    billing_account: str
    credit_memo_id: str
    credit_memo_number: str
    corrects_invoice: str
    reason: str
    currency: Currency
    total: Amount


class OfDispute(OfContract):
    """About a payment that its payer's bank takes back. `contract_key` is the dispute's own where
    it is about no invoice of a contract."""

    customer_key: str
    seller: str
    billing_account: str
    dispute_id: str
    invoice_number: str
    currency: Currency
    amount: Amount
    reason: str


class DisputeOpened(OfDispute):
    """Until then evidence may be given; left out where none is asked for."""

    evidence_due_at: AwareDatetime | None = None


class DisputeClosed(OfDispute):
    """`outcome`: won, lost or closed. Lost, the customer may owe the invoice again."""

    outcome: str
    receivable_reopened: bool


class CollectionsStarted(OfContract):
    """Overdue payment is pursued."""

    customer_key: str
    invoice_number: str
    currency: Currency
    amount_due: Amount
    due_date: date


class CollectionsChanged(OfContract):
    """A stage was reached, or the pursuit was paused, resumed or put before a person.

    `notice` names what the customer is to be told with it; empty: nothing. `escalate`: those who
    look after the customer are to step in.
    """

    customer_key: str
    invoice_number: str
    currency: Currency
    amount_due: Amount
    due_date: date
    state: str
    stage: int
    notice: str
    escalate: bool
    suspended: bool
    promised_until: date | None = None


class CollectionsEnded(OfContract):
    """Pursuit is over: paid, credited, voided, stopped, written_off or handed_over. After the last
    two it may still be paid, and ends once more."""

    customer_key: str
    invoice_number: str
    outcome: str


class UsageThresholdBreached(OfContract):
    """Told once for each threshold and period."""

    customer_key: str
    line_key: str
    meter: str
    period_start_date: date
    threshold: Amount
    used: Amount
    included: Amount
    percent: int = 0
    """Which part of what is included the threshold is."""
