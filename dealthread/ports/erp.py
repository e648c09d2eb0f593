"""What is asked of the ledger's system: customers, posting rules, bookings. What it posts is in
`ledger.py`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from dealthread.domain.base import Carried
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingContext, ErpCustomer
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.outcome import Outcome
from dealthread.ports.adoption import LedgerBookPort
from dealthread.ports.ledger import LedgerPort
from dealthread.ports.noting import NoteFields, NoteMaking, unnoted, unsaid


class PostingQuestion(Carried):
    """What a booking will need at one company of the ERP."""

    company: str
    currency: str
    service_start: date
    posting_date: date
    items: tuple[str, ...]
    tax_codes: tuple[str, ...]
    accounts: tuple[str, ...]
    payment_terms: str


class PostingProblem(Carried):
    """One thing the ERP would refuse, or would silently accept and should not."""

    rule: str
    """V22 or V38."""
    field: str
    value: str
    detail: str


class PostingRules(Carried):
    """Answer of the ERP, by reads of our own: its silence proves nothing."""

    company: str
    read_at: datetime
    problems: tuple[PostingProblem, ...] = ()
    open_from: date | None = None
    """First open day on or after the question's posting date."""


class OnboardErpCustomer(Carried):
    """Create or update the customer at one company, under its parent."""

    customer_key: str
    company: str
    party: Party
    parent: Party | None
    parent_customer_key: str | None
    currency: str
    payment_terms: str


class DraftBooking(Carried):
    """The ERP's record of the commitment, not posting. `document_key` is 16 characters."""

    document_key: str
    contract: Contract
    customer: ErpCustomer
    estimated_tax: Money
    context: BookingContext
    """Billing schedule, revenue treatment, receivable terms, contract context, tax estimate."""
    amends: str = ""
    """Document key of the booking that this one adds to; "" of a contract's first. The contract
    then holds the delta: what is taken back has a negative net."""


class ErpPort(LedgerPort, LedgerBookPort, Protocol):
    """The ledger's system. One implementation per vendor; `company` is its legal entity. What it
    posts is in `ledger.py`."""

    settle_window: timedelta
    customer_key_window: timedelta
    """How long the ERP itself refuses a second customer under our key: zero where keys are not
    unique there. Inside it a repeat is safe although an answer was lost."""

    async def check_posting_rules(self, question: PostingQuestion) -> PostingRules:
        """Periods, accounts, items, tax codes, terms for one company."""

    async def find_customer(self, company: str, customer_key: str) -> ErpCustomer | None:
        """By our customer key."""

    async def create_customer(
        self,
        command: OnboardErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
        making: NoteMaking = unsaid,
    ) -> Outcome[ErpCustomer]:
        """Create with address, tax id and parent (the parent is created when missing), after
        `making` was heard. Where the companies of an ERP share the record of a customer that
        another of them has, it is brought up to date, and `note` hears of it as in
        `update_customer`."""

    async def update_customer(
        self,
        command: OnboardErpCustomer,
        existing: ErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[ErpCustomer]:
        """Bring up to date; a changed parent moves the child; same data changes nothing. `note`
        hears what will be changed before it is."""

    async def retire_customer(
        self, customer: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        """Undo of a creation: set inactive unless other documents use it."""

    async def draft_booking(
        self, command: DraftBooking, *, idempotency_key: str
    ) -> Outcome[Booking]:
        """Create in quotation with lines, taxes, terms and the context attached."""

    async def find_booking(self, company: str, document_key: str) -> Booking | None:
        """By document key; None also when every one found is cancelled."""

    async def confirm_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        """Quotation → confirmed. Already confirmed counts as done."""

    async def cancel_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        """Undo of a draft. Cancelled or absent counts as done."""

    async def reverse_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        """Undo of a confirmed booking by a return order that names it; never deletes."""

    async def read_booking(self, company: str, document_key: str) -> Booking:
        """Present state with lines, taxes, context. Raises NotFound."""
