"""What the core asks of other systems, vendor-neutral. Adapters implement these Protocols.

Rules that every implementation keeps (the contract suite in `tests/adapters/` checks them):

- A write takes `idempotency_key` and returns an `Outcome`. It raises only transport errors that
  exclude an effect (`RateLimited`, `VendorUnavailable`, `AuthRejected`, `Conflict`). Whenever an
  effect cannot be excluded it returns `Unknown`.
- `find_…(idempotency_key)` is a strongly consistent look-up of what a write with that key made,
  or None. Where the vendor's look-up may lag, `settle_window` says by how much.
- A repeated write with the same key yields the same object.
- An undo succeeds when there is nothing to undo.
- An answer without a native id is `Unknown`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from dealthread.domain.base import Carried, Ref
from dealthread.domain.bill import Bill
from dealthread.domain.change_order import AmendmentOrder, RenewalOrder
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.documents import (
    Agreement,
    BillingCustomer,
    Booking,
    BookingContext,
    ChangedAgreement,
    CrmRecord,
    Entitlement,
    ErpCustomer,
    Grant,
)
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.ledger_port import LedgerPort
from dealthread.outcome import Outcome


class BusinessClock(Protocol):
    """Business time = machine time + the environment's fixed offset (0 in production)."""

    def now(self) -> datetime:
        """Aware, UTC."""


# ---------------------------------------------------------------- CRM


class CrmWriteBack(Carried):
    """What the CRM is told about a contract. Only fields the hub owns (ownership table)."""

    deal_id: str
    account_id: str
    contract_key: str
    contract: Contract | None = None
    """None only where a deal stopped before it was one."""
    status: str
    """active, scheduled, stopped: <reason>, rescinded."""
    status_at: datetime
    sequence: int
    """Rises with every write-back of a contract; the CRM refuses a lower one."""
    workflow_id: str
    customer_key: str
    subscription: Ref | None = None
    booking: Ref | None = None
    entitlement: Ref | None = None
    forecast_renewal: bool = False
    """As of `CrmChange`: whether the CRM shall hold an open renewal for the next term."""
    renewal_price: Money | None = None


class CrmChange(Carried):
    """What the CRM is told about a change of a contract. Only fields the hub owns."""

    contract: Contract
    """As it is after the change."""
    change_id: str
    deal_id: str = ""
    """The opportunity that asked for the change; "" where none did."""
    status: str
    """Of the contract: active, scheduled, cancelled, ended, renewal announced."""
    change_status: str
    """Of the change: completed, scheduled, stopped: <reason>, withdrawn."""
    status_at: datetime
    sequence: int
    effective_from: date | None = None
    booking: Ref | None = None
    forecast_renewal: bool = False
    """Whether the CRM shall hold an open renewal for the contract's next term: found before it is
    made, by CPQ's own fields where CPQ is present."""
    renewal_price: Money | None = None
    """Net of one year, or of the term where it is shorter, as it is offered."""


class InvoiceMirror(Carried):
    """An invoice as the CRM shows it to the people who sell."""

    contract_key: str
    account_id: str
    invoice: Ref
    number: str
    status: str
    currency: str
    gross: Money
    remaining: Money
    issue_date: date | None
    due_date: date | None
    paid_on: date | None = None
    document: Ref | None = None
    """The ledger's document."""


class CrmPort(Protocol):
    """The CRM: source of deals; told the state of the contract."""

    settle_window: timedelta

    async def read_deal(self, deal_id: str) -> Deal:
        """The deal with its account, parents, lines and contacts. Raises NotFound."""

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the contract record and the status fields, all or nothing."""

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        """The contract's record if the write-back with this key has been applied."""

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Undo: status says why it stopped; ids leave the active fields and stay in history."""

    async def read_change(self, deal_id: str, contract: Contract) -> AmendmentOrder | RenewalOrder:
        """What a won amendment or renewal asks of a contract, in whatever form the CRM keeps it
        (deltas are folded onto the contract's lines). Raises NotFound, and StepRejected for one
        that is not won, belongs to another contract or cannot be told."""

    async def record_change(
        self, command: CrmChange, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Bring the contract's record to its present version: status, term, value, quantities,
        the change's own status, the renewal's forecast; all or nothing."""

    async def mirror_invoice(
        self, command: InvoiceMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the CRM's record of an invoice, by its billing account and id."""

    async def find_recorded_change(
        self, contract_key: str, *, idempotency_key: str
    ) -> CrmRecord | None:
        """The contract's record if the last write applied to it had this key."""


# ---------------------------------------------------------------- billing


class StartAgreement(Carried):
    """Release a billing agreement for a contract."""

    contract: Contract
    customer: BillingCustomer
    hold_first_invoice: bool
    """True where the legal entity reviews the draft before it is finalised."""


class OnboardBillingCustomer(Carried):
    """Create or update the biller's record of a party."""

    customer_key: str
    billing_account: str
    party: Party
    parent_customer_key: str | None
    currency: str


class CreditLine(Carried):
    """Net of a line to be given back on the invoice that billed it. Positive."""

    line_key: str
    net: Money
    span_start: date
    span_end: date
    """The service that is given back, end exclusive: it finds the invoice."""


class ChangeAgreement(Carried):
    """Bring a running agreement from one version of its contract to the next.

    What is billed from `effective_from` on follows `after`. A contract that ends there is
    cancelled there; a term that follows the present one is added to the agreement, or started
    anew where the agreement has ended.
    """

    before: Contract
    after: Contract
    agreement: Agreement
    effective_from: date
    charge_lines: tuple[str, ...] = ()
    """Keys of lines whose change is charged at once, old against new, on one invoice. Changes of
    the others are billed from the next period on, or given back by `credits`."""
    credits: tuple[CreditLine, ...] = ()
    refund: bool = False


class BillingPort(Protocol):
    """Subscription billing. A native reference is always (billing account, id)."""

    settle_window: timedelta
    """How long a search for a customer may miss a fresh one."""
    idempotency_window: timedelta
    """How long the biller remembers a key; after it a look-up must precede a repeat."""

    async def preview_first_invoice(self, contract: Contract, party: Party) -> BillingInvoice:
        """The biller's own preview of the first invoice; nothing is stored there.

        Lines carry our `line_key`. Raises StepRejected when the biller refuses the terms."""

    async def payment_method_on_file(self, billing_account: str, customer_key: str) -> bool:
        """Whether the customer has a usable default payment method."""

    async def create_customer(
        self, command: OnboardBillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Create; `find_customer` comes first when the key was used before or the customer may
        exist already."""

    async def find_customer(
        self, billing_account: str, customer_key: str, *, email: str = ""
    ) -> BillingCustomer | None:
        """By our customer key. `email` (the party's `invoice_email()`) only helps to find a
        fresh one: an answer is always matched by the key."""

    async def update_customer(
        self, command: OnboardBillingCustomer, existing: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Bring name, address, hierarchy up to date; same data changes nothing."""

    async def retire_customer(
        self, customer: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Undo of a creation: the record stays, marked unused."""

    async def start_agreement(
        self, command: StartAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Create the subscription (or schedule) with the committed term and its first invoice.

        Done where it exists. Its status is `held` only where the first draft really is held: a
        refused hold leaves an agreement behind that bills by itself."""

    async def find_agreement(
        self, contract: Contract, customer: BillingCustomer, *, idempotency_key: str
    ) -> Agreement | None:
        """By our contract key under the customer, as it stands; changes nothing."""

    async def hold_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Keep the first draft from being finalised by itself; what is held already, or beyond
        holding, is returned as it is. A refused hold may be asked for again under the same key.
        Raises NotFound."""

    async def read_agreement(self, agreement: Agreement, billing_account: str) -> Agreement:
        """Present state, first invoice included."""

    async def release_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[BillingInvoice]:
        """Finalise the held draft; already finalised counts as done."""

    async def cancel_agreement(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Undo before a finalised invoice: no proration, no invoice, pending items removed, the
        held draft closed as the law of the seller permits. Nothing there counts as done."""

    async def read_bill(self, billing_account: str, native_id: str) -> Bill:
        """An invoice as it stands, with all its lines, payments and credits. Raises NotFound."""

    async def preview_change(self, command: ChangeAgreement) -> ChangedAgreement:
        """The biller's own preview of a change: the invoice and the credit memos it would make.

        Nothing is stored there. Raises StepRejected when the biller refuses it."""

    async def change_agreement(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> Outcome[ChangedAgreement]:
        """Make the change: agreement, invoice, credit memos. Each part is found before it is
        repeated, so that a change of several calls goes on where it stopped."""

    async def find_change(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> ChangedAgreement | None:
        """What the change with this key made, if all of it is there. Strongly consistent."""


# ---------------------------------------------------------------- ERP


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


class ErpPort(LedgerPort, Protocol):
    """The ledger's system. One implementation per vendor; `company` is its legal entity. What it
    posts is in `ledger_port.py`."""

    settle_window: timedelta
    customer_key_window: timedelta
    """How long the ERP itself refuses a second customer under our key: zero where keys are not
    unique there. Inside it a repeat is safe although an answer was lost."""

    async def check_posting_rules(self, question: PostingQuestion) -> PostingRules:
        """Periods, accounts, items, tax codes, terms for one company."""

    async def find_customer(self, company: str, customer_key: str) -> ErpCustomer | None:
        """By our customer key."""

    async def create_customer(
        self, command: OnboardErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        """Create with address, tax id and parent (the parent is created when missing)."""

    async def update_customer(
        self, command: OnboardErpCustomer, existing: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        """Bring up to date; a changed parent moves the child; same data changes nothing."""

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


# ---------------------------------------------------------------- entitlement, customer success


class GrantEntitlement(Carried):
    """Turn the service on: recorded at once, effective from each grant's `access_from`."""

    contract_key: str
    customer_key: str
    grants: tuple[Grant, ...]


class EntitlementPort(Protocol):
    """The service that holds the right to use. Told by a signed event whose 2xx answer carries
    the native id and confirms."""

    settle_window: timedelta

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Record and activate."""

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        """What the service holds for the contract."""

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        """Undo. Nothing there counts as done."""


class EventPort(Protocol):
    """Delivers one signed event to one subscriber URL (Standard Webhooks)."""

    async def deliver(
        self,
        url: str,
        secret_name: str,
        event_id: str,
        event_type: str,
        body: bytes,
        *,
        replay_id: str = "",
    ) -> Outcome[str]:
        """Done carries the subscriber's native id where its answer has one, else the event id.

        With `replay_id` the same message goes again, marked by the header `dealthread-replay`.
        """
