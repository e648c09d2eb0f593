"""The billing port on Stripe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import httpx

from adapters.http import CallMeter
from adapters.stripe import preview, translate
from adapters.stripe.agreement_now import agreement_now
from adapters.stripe.agreements import Agreements
from adapters.stripe.balances import Balances
from adapters.stripe.bills import Bills
from adapters.stripe.book import BookOfAccount
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.changes import Changes
from adapters.stripe.clients import BillingAccounts
from adapters.stripe.credits import Credits
from adapters.stripe.customers import Customers
from adapters.stripe.disputes import Disputes
from adapters.stripe.errors import REJECTED
from adapters.stripe.invoice_credits import InvoiceCredits
from adapters.stripe.invoices import Invoices
from adapters.stripe.payouts import Payouts
from adapters.stripe.recorded_payments import RecordedPayments
from adapters.stripe.settings import StripeSettings
from adapters.stripe.usage import Usage
from dealthread.domain.adoption.book import BillerBook
from dealthread.domain.base import Ref
from dealthread.domain.bill import Bill
from dealthread.domain.comparison.seen import BilledAgreement
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute
from dealthread.domain.documents import (
    Agreement,
    BillingCustomer,
    ChangedAgreement,
    CreditMemo,
)
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.party import Party
from dealthread.domain.payout import Payout
from dealthread.domain.processor import KnownBalance, ProcessorBalance
from dealthread.errors import InvariantBroken
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.adoption import TakeOverAgreement
from dealthread.ports.billing import (
    ChangeAgreement,
    CreditInvoice,
    OnboardBillingCustomer,
    RecordPayment,
    StartAgreement,
)
from dealthread.ports.clock import BusinessClock
from dealthread.ports.noting import NoteFields, unnoted
from dealthread.ports.usage import UsageReport


class StripeBilling:
    """Implements `dealthread.ports.billing.BillingPort`, for all accounts of the settings."""

    idempotency_window = timedelta(hours=20)
    """Stripe may forget a key after 24 hours; the margin covers a call that is under way."""

    def __init__(
        self,
        settings: StripeSettings,
        clock: BusinessClock,
        meter: CallMeter | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] = httpx.AsyncHTTPTransport,
    ) -> None:
        self.settle_window = settings.settle_window
        self._accounts = BillingAccounts(settings, meter, transport)
        self._clock = clock
        self._tax_rates = TaxRates()
        self._customers = Customers(clock)
        self._invoices = Invoices(self._tax_rates)
        self._agreements = Agreements(self._tax_rates, self._invoices, clock)
        credits = Credits(self._tax_rates, self._invoices)
        self._invoice_credits = InvoiceCredits(credits)
        self._bills = Bills(self._tax_rates, self._invoices, credits)
        self._recorded = RecordedPayments(self._bills)
        self._changes = Changes(self._tax_rates, self._invoices, self._agreements, clock)
        self._usage = Usage(self._customers)
        self._book = BookOfAccount(self._customers, self._agreements)
        self._payouts = Payouts()
        self._balances = Balances(self._payouts)
        self._disputes = Disputes()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._accounts.aclose()

    async def read_book(self, billing_account: str) -> BillerBook:
        """Everything of the account that may become ours."""
        return await self._book.read(self._accounts[billing_account])

    async def take_over(
        self, command: TakeOverAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Our references on a subscription, its items and its customer."""
        account = self._accounts[command.subscription.account]
        return await self._book.take_over(account, command, idempotency_key)

    async def find_taken_over(self, command: TakeOverAgreement) -> Agreement | None:
        """The agreement, where every reference is on it."""
        return await self._book.find(self._accounts[command.subscription.account], command)

    async def preview_first_invoice(self, contract: Contract, party: Party) -> BillingInvoice:
        """The biller's own preview of the first invoice. Raises StepRejected."""
        account = self._accounts[contract.billing_account]
        return await preview.first_invoice(account, self._tax_rates, self._clock, contract, party)

    async def payment_method_on_file(self, billing_account: str, customer_key: str) -> bool:
        """Whether the customer has a usable default payment method."""
        found = await self.find_customer(billing_account, customer_key)
        return found is not None and found.has_payment_method

    async def create_customer(
        self, command: OnboardBillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Create; whoever calls has looked first."""
        account = self._accounts[command.billing_account]
        return await self._customers.create(account, command, idempotency_key)

    async def find_customer(
        self, billing_account: str, customer_key: str, *, email: str = ""
    ) -> BillingCustomer | None:
        """By our customer key; the e-mail narrows the list of those that search may miss."""
        row = await self._customers.find(self._accounts[billing_account], customer_key, email)
        return translate.customer(billing_account, row) if row else None

    async def update_customer(
        self,
        command: OnboardBillingCustomer,
        existing: BillingCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[BillingCustomer]:
        """Bring up to date; same data changes nothing."""
        account = self._accounts[command.billing_account]
        native_id = _of(account.key, existing)
        return await self._customers.update(account, command, native_id, idempotency_key, note)

    async def retire_customer(
        self, customer: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Undo of a creation: the record stays, marked unused."""
        account = self._accounts[customer.ref.account]
        return await self._customers.retire(account, customer, idempotency_key)

    async def start_agreement(
        self, command: StartAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Create the subscription or schedule with the committed term."""
        account = self._accounts[command.contract.billing_account]
        _of(account.key, command.customer)
        return await self._agreements.start(account, command, idempotency_key)

    async def find_agreement(
        self, contract: Contract, customer: BillingCustomer, *, idempotency_key: str
    ) -> Agreement | None:
        """By our contract key and the act's key, under the customer."""
        account = self._accounts[contract.billing_account]
        native_id = _of(account.key, customer)
        return await self._agreements.find(account, contract, native_id, idempotency_key)

    async def hold_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Keep the first draft from being finalised by itself. Raises NotFound."""
        account = self._accounts[billing_account]
        return await self._agreements.hold(account, agreement, idempotency_key)

    async def read_agreement(self, agreement: Agreement, billing_account: str) -> Agreement:
        """Present state, first invoice included. Raises NotFound."""
        return await self._agreements.read(self._accounts[billing_account], agreement)

    async def agreement_now(self, agreement: Agreement, billing_account: str) -> BilledAgreement:
        """What it bills now. Raises NotFound."""
        return await agreement_now(self._agreements, self._accounts[billing_account], agreement)

    async def release_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[BillingInvoice]:
        """Finalise the held draft; already finalised counts as done."""
        account = self._accounts[billing_account]
        row = await self._agreements.raw_of(account, agreement)
        if row.get("object") == "subscription_schedule":
            return Rejected(REJECTED, "agreement_not_started")
        return await self._invoices.release(account, row, agreement, idempotency_key)

    async def cancel_agreement(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Undo before a finalised invoice; nothing there counts as done."""
        account = self._accounts[billing_account]
        return await self._agreements.cancel(account, agreement, idempotency_key)

    async def read_bill(self, billing_account: str, native_id: str) -> Bill:
        """An invoice as it stands, with all its lines, payments and credits. Raises NotFound."""
        return await self._bills.read(self._accounts[billing_account], native_id)

    async def bill_ids(self, billing_account: str, customer_key: str) -> tuple[str, ...]:
        """Ids of a customer's invoices that are no drafts, newest first, whoever made them."""
        account = self._accounts[billing_account]
        found = await self.find_customer(billing_account, customer_key)
        return await self._bills.ids(account, _of(account.key, found)) if found else ()

    async def record_payment(
        self, command: RecordPayment, *, idempotency_key: str
    ) -> Outcome[Bill]:
        """What is left was paid to the bank; done where this receipt paid it."""
        account = self._accounts[command.billing_account]
        return await self._recorded.record(account, command, idempotency_key)

    async def payment_left_alone(self, command: RecordPayment) -> Rejected | None:
        """Of a part that was reported and never attached to its invoice."""
        return await self._recorded.left_alone(self._accounts[command.billing_account], command)

    async def preview_change(self, command: ChangeAgreement) -> ChangedAgreement:
        """The biller's own preview of a change; nothing is stored there. Raises StepRejected."""
        account = self._accounts[command.before.billing_account]
        return await self._changes.preview(account, command)

    async def change_agreement(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> Outcome[ChangedAgreement]:
        """Make the change; each part is found before it is repeated."""
        account = self._accounts[command.before.billing_account]
        return await self._changes.change(account, command, idempotency_key)

    async def find_change(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> ChangedAgreement | None:
        """What the change with this key made, if all of it is there."""
        account = self._accounts[command.before.billing_account]
        return await self._changes.find(account, command, idempotency_key)

    async def preview_credit(self, command: CreditInvoice) -> CreditMemo:
        """The biller's own preview of a credit note. Raises NotFound and StepRejected."""
        account = self._accounts[command.billing_account]
        return await self._invoice_credits.preview(account, command)

    async def credit_invoice(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> Outcome[CreditMemo]:
        """One credit note on one invoice; found before it is made twice."""
        account = self._accounts[command.billing_account]
        return await self._invoice_credits.give(account, command, idempotency_key)

    async def find_credit(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> CreditMemo | None:
        """The credit note that the act with this key made."""
        account = self._accounts[command.billing_account]
        return await self._invoice_credits.find(account, command, idempotency_key)

    async def report_usage(self, report: UsageReport, *, attempt: int) -> Outcome[str]:
        """Count a sum of use once, under the batch's key."""
        return await self._usage.report(self._accounts[report.billing_account], report, attempt)

    async def counted_usage(
        self, billing_account: str, customer_key: str, meter: str, start: datetime, end: datetime
    ) -> Decimal:
        """What was counted of a customer in [start, end). Raises NotFound."""
        account = self._accounts[billing_account]
        return await self._usage.counted(account, customer_key, meter, start, end)

    async def read_payout(self, billing_account: str, native_id: str) -> Payout:
        """A payout as it stands, with the sums of what moved in it. Raises NotFound."""
        return await self._payouts.read(self._accounts[billing_account], native_id)

    async def payout_payments(
        self, billing_account: str, native_id: str
    ) -> tuple[PaidOutPayment, ...]:
        """Its payments one by one, as far as Stripe tells them. Raises NotFound."""
        return await self._payouts.payments(self._accounts[billing_account], native_id)

    async def read_balance(
        self,
        billing_account: str,
        start: date,
        end: date,
        known: tuple[KnownBalance, ...] = (),
    ) -> tuple[ProcessorBalance, ...]:
        """What moved on the balance, from the beginning to the day before `end`."""
        return await self._balances.read(self._accounts[billing_account], start, end, known)

    async def read_dispute(self, billing_account: str, native_id: str) -> Dispute:
        """A disputed payment as it stands, with what it moved. Raises NotFound."""
        return await self._disputes.read(self._accounts[billing_account], native_id)

    async def give_up(
        self, billing_account: str, native_id: str, *, idempotency_key: str
    ) -> Outcome[Ref]:
        """Mark an open invoice as uncollectible; one that is marked is done."""
        account = self._accounts[billing_account]
        return await self._invoices.give_up(account, native_id, idempotency_key)


def _of(account: str, customer: BillingCustomer) -> str:
    """The customer's native id. Raises InvariantBroken for one of another account: ids such as
    `cus_…` mean something else there."""
    if customer.ref.account != account:
        raise InvariantBroken("customer_of_another_billing_account")
    return customer.ref.native_id
