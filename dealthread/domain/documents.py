"""What the saga makes in each system: agreement, booking, entitlement."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from dealthread.domain.base import Carried, Ref
from dealthread.domain.invoice import BillingInvoice, InvoiceStatus
from dealthread.domain.money import ExactDecimal, Money


class BillingCustomer(Carried):
    """The customer's record at the biller."""

    ref: Ref
    customer_key: str
    has_payment_method: bool = False
    created: bool = False


class AgreementStatus(StrEnum):
    SCHEDULED = "scheduled"
    HELD = "held"
    """Started, first invoice kept as a draft for review."""
    ACTIVE = "active"
    INCOMPLETE = "incomplete"
    """Started; the first payment was not made."""
    CANCELLED = "cancelled"


class Agreement(Carried):
    """The billing agreement: a subscription, or a schedule of several phases."""

    ref: Ref
    subscription: Ref | None = None
    schedule: Ref | None = None
    status: AgreementStatus
    items: dict[str, str] = {}
    """Contract line key → native item id."""
    first_invoice: BillingInvoice | None = None
    committed_until: date | None = None
    key: str = ""
    """Idempotency key it was made under, by which it is found again."""

    def bills_by_itself(self) -> bool:
        """Whether its first invoice is a draft that nobody holds: the biller finalises it soon."""
        invoice = self.first_invoice
        is_draft = invoice is not None and invoice.status is InvoiceStatus.DRAFT
        return is_draft and self.status is AgreementStatus.ACTIVE


class CreditForm(StrEnum):
    """What becomes of a credit that the biller gives."""

    OPEN_INVOICE = "open_invoice"
    """Reduces the unpaid invoice that it names."""
    BALANCE = "balance"
    """Was paid: the customer's balance, used by his next invoices."""
    REFUND = "refund"
    """Was paid: back to the customer."""


class CreditMemoLine(Carried):
    """`net` and `tax` are positive: what is given back."""

    line_key: str
    net: Money
    tax: Money
    wording: str = ""
    """What the biller's credit says where it names no line of the invoice: this is its share of it
    (`credit_sharing.py`)."""
    tax_rate: str = ""
    """With `wording`: the tax that it states, "" where it states none whatever its line was taxed
    at."""


class CreditMemo(Carried):
    """A credit of the biller that names the invoice it corrects. Amounts are positive."""

    ref: Ref | None = None
    """None in a preview."""
    number: str = ""
    corrects: Ref
    lines: tuple[CreditMemoLine, ...]
    net: Money
    tax: Money
    gross: Money
    forms: dict[CreditForm, Money] = {}
    """How the gross is given back; the parts add up to it."""
    issue_date: date | None = None
    voided_on: date | None = None
    """Of one that the biller took back."""


class ChangedAgreement(Carried):
    """What a change made at the biller, or would make in a preview."""

    agreement: Agreement
    invoice: BillingInvoice | None = None
    """Credits and charges of the change on one invoice; None where nothing is charged now."""
    credit_memos: tuple[CreditMemo, ...] = ()


class ErpCustomer(Carried):
    """The customer at one company of the ERP."""

    ref: Ref
    customer_key: str
    parent: Ref | None = None
    active: bool = True
    created: bool = False


class BookingState(StrEnum):
    DRAFT = "draft"
    """Begun and not complete: the write that makes it has to be repeated, or undone."""
    QUOTATION = "quotation"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class BookingLine(Carried):
    """A line as the ERP holds it."""

    item: str
    quantity: ExactDecimal
    unit_price: ExactDecimal
    net: Money
    tax_codes: tuple[str, ...] = ()
    line_key: str = ""


Stated = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
DocumentKey = Annotated[str, StringConstraints(pattern=r"^DT[0-9A-Z]{14}$")]
"""`naming.erp_document_key`."""


class BookingContext(Carried):
    """What a booking must say besides its lines, as text that an accountant can read. A missing
    group is refused here, not by the ERP."""

    contract_key: Stated
    contract_number: Stated
    business_key: Stated
    deal: Stated
    term: Stated
    billing_schedule: Stated
    revenue_treatment: Stated
    tax_estimate: Stated
    receivable_terms: Stated
    config_version: Stated


class Booking(Carried):
    """The non-posting order in the ERP. Tax on it is an estimate; it has no receivable."""

    ref: Ref
    document_key: str
    number: str = ""
    state: BookingState
    customer: Ref
    currency: str
    net: Money
    tax: Money
    gross: Money
    payment_terms: str = ""
    po_number: str = ""
    lines: tuple[BookingLine, ...] = ()
    context: dict[str, str] = {}
    """Contract context as the ERP holds it: contract key, dates, schedule, treatment."""
    reversal: Ref | None = None


class EntitlementState(StrEnum):
    RECORDED = "recorded"
    ACTIVE = "active"
    REVOKED = "revoked"
    ENDED = "ended"
    """Every right that was granted has run out."""
    SUSPENDED = "suspended"
    """Granted, and withheld by at least one hold."""


class Grant(Carried):
    """A right over a span, end exclusive."""

    line_key: str
    template: str
    quantity: ExactDecimal
    access_from: date
    access_to: date | None


class Entitlement(Carried):
    """What the entitlement service confirmed."""

    ref: Ref
    contract_key: str
    state: EntitlementState
    grants: tuple[Grant, ...] = ()
    holds: tuple[str, ...] = ()
    """What withholds it. Each is put on and lifted by its own id: lifting one of two leaves it
    suspended."""


class CrmRecord(Carried):
    """The contract's record in the CRM after write-back."""

    ref: Ref
    status: str
