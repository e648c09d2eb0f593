"""What is asked of subscription billing: customers, agreements, changes of them, invoices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.comparison.seen import BilledAgreement
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditedLine, CreditReason
from dealthread.domain.documents import (
    Agreement,
    BillingCustomer,
    ChangedAgreement,
    CreditMemo,
)
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.adoption import BillerBookPort
from dealthread.ports.claims import ClaimPort
from dealthread.ports.noting import NoteFields, unnoted
from dealthread.ports.payouts import PayoutPort
from dealthread.ports.usage import UsagePort


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
    the others are billed from the next period on, or given back by `credits`. A line that stands
    in both is charged for its new state alone, and its old one is given back by the credit."""
    credits: tuple[CreditLine, ...] = ()
    refund: bool = False


class CreditInvoice(Carried):
    """Give back a part of an invoice that was issued, by a credit note that names it.

    What is unpaid lowers the invoice; what was paid goes to the customer's balance, or back.
    """

    billing_account: str
    invoice_id: str
    currency: str
    lines: tuple[CreditedLine, ...]
    refund: bool = False
    cause: CreditReason = CreditReason.GOODWILL


class RecordPayment(Carried):
    """All that is left to pay of an invoice, or a part of it, came to the seller's bank."""

    billing_account: str
    invoice_id: str
    amount: Money
    receipt: str
    """The bank's id of the receipt."""
    value_date: date | None = None
    """Of the bank; a part cannot be recorded without it."""


class BillingPort(UsagePort, BillerBookPort, PayoutPort, ClaimPort, Protocol):
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
        self,
        command: OnboardBillingCustomer,
        existing: BillingCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[BillingCustomer]:
        """Bring name, address, hierarchy up to date; same data changes nothing. `note` hears what
        will be changed before it is."""

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

    async def agreement_now(self, agreement: Agreement, billing_account: str) -> BilledAgreement:
        """What it bills now: state, end, and each line with what it comes to. Raises NotFound."""

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

    async def bill_ids(self, billing_account: str, customer_key: str) -> tuple[str, ...]:
        """Ids of a customer's invoices that are no drafts, newest first, whoever made them."""

    async def record_payment(
        self, command: RecordPayment, *, idempotency_key: str
    ) -> Outcome[Bill]:
        """The invoice is paid, and names the receipt. Done where the receipt paid it before;
        refused, `cash.over_under`, where another amount is left. A read of the bill finds it."""

    async def payment_left_alone(self, command: RecordPayment) -> Rejected | None:
        """What an earlier attempt of the command has told the biller without paying the invoice by
        it, as the refusal of it: money that the biller counts and that is a payment of nothing."""

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

    async def preview_credit(self, command: CreditInvoice) -> CreditMemo:
        """The biller's own preview of a credit note; nothing is stored there. Raises NotFound, and
        StepRejected when the invoice has not so much left."""

    async def credit_invoice(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> Outcome[CreditMemo]:
        """One credit note on one invoice; found before it is made twice."""

    async def find_credit(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> CreditMemo | None:
        """The credit note that the act with this key made. Strongly consistent."""
