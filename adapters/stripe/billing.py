"""The billing port on Stripe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx

from adapters.http import CallMeter
from adapters.stripe import preview, translate
from adapters.stripe.agreements import Agreements
from adapters.stripe.bills import Bills
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.changes import Changes
from adapters.stripe.clients import BillingAccounts
from adapters.stripe.credits import Credits
from adapters.stripe.customers import Customers
from adapters.stripe.errors import REJECTED
from adapters.stripe.invoice_credits import InvoiceCredits
from adapters.stripe.invoices import Invoices
from adapters.stripe.settings import StripeSettings
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.documents import (
    Agreement,
    BillingCustomer,
    ChangedAgreement,
    CreditMemo,
)
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.party import Party
from dealthread.errors import InvariantBroken
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.billing import (
    ChangeAgreement,
    CreditInvoice,
    OnboardBillingCustomer,
    StartAgreement,
)
from dealthread.ports.clock import BusinessClock


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
        self._changes = Changes(self._tax_rates, self._invoices, self._agreements, clock)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._accounts.aclose()

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
        self, command: OnboardBillingCustomer, existing: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        """Bring up to date; same data changes nothing."""
        account = self._accounts[command.billing_account]
        native_id = _of(account.key, existing)
        return await self._customers.update(account, command, native_id, idempotency_key)

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


def _of(account: str, customer: BillingCustomer) -> str:
    """The customer's native id. Raises InvariantBroken for one of another account: ids such as
    `cus_…` mean something else there."""
    if customer.ref.account != account:
        raise InvariantBroken("customer_of_another_billing_account")
    return customer.ref.native_id
