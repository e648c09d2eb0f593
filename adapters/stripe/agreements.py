"""Billing agreements: start, find, read, hold, cancel."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import uuid4

from stripe import StripeObject

from adapters.http import act_key
from adapters.stripe import requests, translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.clients import Answer, BillingAccount, Options
from adapters.stripe.errors import lost_after_effect
from adapters.stripe.invoices import CLOSING, Invoices, may_be_undone
from adapters.stripe.paging import pages
from adapters.stripe.plan import Plan, plan_of
from adapters.stripe.requests import Terms
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.errors import (
    InvariantBroken,
    NotFound,
    StepRejected,
    TransportError,
)
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import StartAgreement
from dealthread.ports.clock import BusinessClock

_UNDO = "integration.undo_failed"


class Agreements:
    """Works on one account at a time; knows subscriptions and schedules."""

    def __init__(self, tax_rates: TaxRates, invoices: Invoices, clock: BusinessClock) -> None:
        self._tax_rates = tax_rates
        self._invoices = invoices
        self._clock = clock

    async def start(
        self, account: BillingAccount, command: StartAgreement, key: str
    ) -> Outcome[Agreement]:
        """Create, and where the first invoice is reviewed, hold its draft. Where that is refused
        the agreement is there all the same, and its status says that it is not held."""
        contract, native_customer = command.contract, command.customer.ref.native_id
        terms = requests.terms_of(contract, key, command.hold_first_invoice)
        try:
            plan = plan_of(contract)
            outcome = await self.create(account, contract.key, plan, terms, native_customer, key)
        except StepRejected as refusal:
            return Rejected(refusal.case_kind, refusal.code, refusal.field, refusal.evidence)
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        try:
            held = await self._held(account, outcome, f"{key}:hold")
            if isinstance(held, Rejected):
                return Done(await self.translated(account, _subscription_of(outcome) or outcome))
            return held
        except TransportError as error:
            return lost_after_effect(error)

    async def create(
        self,
        account: BillingAccount,
        contract_key: str,
        plan: Plan,
        terms: Terms,
        native_customer: str,
        key: str,
    ) -> Answer | Rejected | Unknown:
        """A subscription, or a schedule where one cannot hold the plan; found before it is made
        twice. Raises StepRejected for a tax rate that the account lacks."""
        rates = await self._tax_rates.of(
            account, [c for p in plan.phases for c in (*p.recurring, *p.one_time)]
        )
        now = self._clock.now()
        scheduled = plan.needs_schedule(now)

        def create(options: Options) -> Awaitable[StripeObject]:
            if scheduled:
                return account.v1.subscription_schedules.create_async(
                    requests.schedule(plan, terms, native_customer, rates), options
                )
            return account.v1.subscriptions.create_async(
                requests.subscription(plan, terms, native_customer, rates, now), options
            )

        try:
            return await account.write_again_after_saved_answer(
                "start_agreement",
                create,
                key,
                lambda: self.find_raw(account, contract_key, native_customer, key),
            )
        except InvariantBroken:
            # The request depends on the day: a repeat on the other side of a period boundary
            # differs from the first. What the first one made is what counts.
            found = await self.find_raw(account, contract_key, native_customer, key)
            if found is None:
                raise
            return found

    async def find(
        self, account: BillingAccount, contract: Contract, native_customer: str, key: str
    ) -> Agreement | None:
        """By our contract key and the act's key, under the customer. Strongly consistent."""
        found = await self.find_raw(account, contract.key, native_customer, key)
        if found is None:
            return None
        return await self.translated(account, _subscription_of(found) or found)

    async def hold(
        self, account: BillingAccount, agreement: Agreement, key: str
    ) -> Outcome[Agreement]:
        """Hold the first draft of an agreement that was to be held. Raises NotFound."""
        row = await self.raw_of(account, agreement)
        try:
            # Held twice is held. Each attempt has a key of its own: under an old one Stripe would
            # replay a refusal for a day, whatever was mended meanwhile.
            return await self._held(account, row, f"{key}:hold:{uuid4().hex[:8]}")
        except TransportError as error:
            return lost_after_effect(error)

    async def read(self, account: BillingAccount, agreement: Agreement) -> Agreement:
        """Present state, first invoice included. Raises NotFound."""
        return await self.translated(account, await self.raw_of(account, agreement))

    async def raw_of(self, account: BillingAccount, agreement: Agreement) -> Answer:
        """The subscription, else the schedule, as Stripe holds it now."""
        if agreement.subscription is not None:
            native_id = agreement.subscription.native_id
            return await account.read(
                "read_subscription",
                lambda: account.v1.subscriptions.retrieve_async(
                    native_id, {"expand": ["latest_invoice"]}
                ),
            )
        native_id = agreement.ref.native_id
        row = await account.read(
            "read_schedule",
            lambda: account.v1.subscription_schedules.retrieve_async(
                native_id, {"expand": ["subscription.latest_invoice"]}
            ),
        )
        return _subscription_of(row) or row

    async def cancel(
        self, account: BillingAccount, agreement: Agreement, key: str
    ) -> Outcome[Agreement]:
        """Undo before a finalised invoice; each sub-step may be repeated by itself."""
        try:
            row = await self.raw_of(account, agreement)
        except NotFound:
            return Done(agreement.model_copy(update={"status": AgreementStatus.CANCELLED}))
        is_schedule = row.get("object") == "subscription_schedule"
        first = None if is_schedule else await self._invoices.first_of(account, row)
        if not may_be_undone(first):
            return Rejected(_UNDO, "first_invoice_finalised", "first_invoice.status")
        try:
            return await self._cancel(account, agreement, row, first, key)
        except TransportError as error:
            return lost_after_effect(error)

    async def _cancel(
        self,
        account: BillingAccount,
        agreement: Agreement,
        row: Answer,
        first: Answer | None,
        key: str,
    ) -> Outcome[Agreement]:
        if first is not None and first.get("status") == "draft":
            marked = await self._mark_closing(account, first, key)
            if isinstance(marked, Rejected | Unknown):
                return marked
        failed = await self._end(account, row, key) or await self._close(account, row, first, key)
        if failed is not None:
            return failed
        if row.get("object") == "subscription_schedule":
            begun = await self.raw_of(account, agreement)
            if begun.get("object") != "subscription_schedule":
                # It began between the look and the end: there may be a first draft to close.
                return await self.cancel(account, agreement, key)
        return Done(await self.read(account, agreement))

    async def _close(
        self, account: BillingAccount, row: Answer, first: Answer | None, key: str
    ) -> Rejected | Unknown | None:
        if first is None:
            return None
        failed = await self.remove_pending(account, row, key)
        if failed is not None:
            return failed
        country = translate.mark(row, requests.SELLER_COUNTRY)
        present = await self._invoices.retrieve(account, str(first["id"]))
        return await self._invoices.close_draft(account, present, country, key)

    async def _mark_closing(
        self, account: BillingAccount, first: Answer, key: str
    ) -> Answer | Rejected | Unknown:
        """From here on a finalised first invoice is our own doing, not a bill that was issued."""
        native_id = str(first["id"])
        return await account.write(
            "mark_closing",
            lambda options: account.v1.invoices.update_async(
                native_id, {"auto_advance": False, "metadata": {CLOSING: act_key(key)}}, options
            ),
            f"{key}:1",
            case_kind=_UNDO,
        )

    async def _end(
        self, account: BillingAccount, row: Answer, key: str
    ) -> Rejected | Unknown | None:
        if row.get("status") in ("canceled", "incomplete_expired", "released", "completed"):
            return None
        native_id = str(row["id"])
        is_schedule = row.get("object") == "subscription_schedule"
        schedule = native_id if is_schedule else translate.id_of(row.get("schedule"))

        def end(options: Options) -> Awaitable[StripeObject]:
            if schedule:
                # Ends the schedule and the subscription under it.
                return account.v1.subscription_schedules.cancel_async(
                    schedule, {"invoice_now": False, "prorate": False}, options
                )
            return account.v1.subscriptions.cancel_async(
                native_id, {"invoice_now": False, "prorate": False}, options
            )

        outcome = await account.write("cancel_agreement", end, key, case_kind=_UNDO)
        return outcome if isinstance(outcome, Rejected | Unknown) else None

    async def remove_pending(
        self, account: BillingAccount, row: Answer, key: str
    ) -> Rejected | Unknown | None:
        """Take away what waits for a next invoice of a subscription."""
        try:
            pending = await self._pending(account, row)
        except NotFound:
            # The customer is gone, and what was pending with it.
            return None
        for native_id in pending:
            outcome = await account.write(
                "remove_pending_item",
                # The default binds this round's id.
                lambda options, item=native_id: account.v1.invoice_items.delete_async(  # type: ignore[misc]
                    item, {}, options
                ),
                f"{key}:2:{native_id}",
                case_kind=_UNDO,
            )
            if isinstance(outcome, Rejected | Unknown):
                return outcome
        return None

    async def has_pending(self, account: BillingAccount, row: Answer) -> bool:
        """Whether anything still waits for a next invoice of a subscription."""
        try:
            return bool(await self._pending(account, row))
        except NotFound:
            return False

    async def _pending(self, account: BillingAccount, row: Answer) -> list[str]:
        customer, subscription = translate.id_of(row.get("customer")), str(row["id"])
        return [
            str(item["id"])
            async for item in pages(
                account,
                "list_pending_items",
                lambda after: account.v1.invoice_items.list_async(
                    {
                        "customer": customer,
                        "pending": True,
                        "limit": 100,
                        **({"starting_after": after} if after else {}),
                    }
                ),
            )
            if _belongs_to(item, subscription)
        ]

    async def find_raw(
        self, account: BillingAccount, contract_key: str, customer: str, key: str
    ) -> Answer | None:
        """As `find`, in Stripe's own form."""
        async for row in pages(
            account,
            "list_subscriptions",
            lambda after: account.v1.subscriptions.list_async(
                {
                    "customer": customer,
                    "status": "all",
                    "limit": 100,
                    "expand": ["data.latest_invoice"],
                    **({"starting_after": after} if after else {}),
                }
            ),
        ):
            if _is_ours(row, contract_key, key):
                return row
        async for row in pages(
            account,
            "list_schedules",
            lambda after: account.v1.subscription_schedules.list_async(
                {
                    "customer": customer,
                    "limit": 100,
                    "expand": ["data.subscription.latest_invoice"],
                    **({"starting_after": after} if after else {}),
                }
            ),
        ):
            if _is_ours(row, contract_key, key):
                return _subscription_of(row) or row
        return None

    async def _held(self, account: BillingAccount, row: Answer, key: str) -> Outcome[Agreement]:
        """Hold the first draft where the agreement asks for it and it is not cancelled."""
        row = _subscription_of(row) or row
        if translate.is_held(row) and row.get("status") != "canceled":
            first = await self._first(account, row)
            if first is not None:
                outcome = await self._invoices.hold(account, first, key)
                if isinstance(outcome, Rejected | Unknown):
                    return outcome
                row = {**row, "latest_invoice": outcome}
        return Done(await self.translated(account, row))

    async def _first(self, account: BillingAccount, row: Answer) -> Answer | None:
        if row.get("object") == "subscription_schedule":
            return None
        return await self._invoices.first_of(account, row)

    async def translated(self, account: BillingAccount, row: Answer) -> Agreement:
        """A subscription or schedule with its first invoice."""
        if row.get("object") == "subscription_schedule":
            return translate.agreement_of_schedule(account.key, row)
        raw = await self._first(account, row)
        items = translate.items_of(row)
        retired = translate.retired_items_of(row)
        first = await self._invoices.read(account, raw, items, retired) if raw else None
        is_kept = raw is not None and raw.get("auto_advance") is False
        return translate.agreement_of_subscription(account.key, row, first, draft_is_kept=is_kept)


def _is_ours(row: Answer, contract_key: str, key: str) -> bool:
    marks = translate.mapping(row, "metadata")
    return translate.text(marks, requests.CONTRACT) == contract_key and translate.text(
        marks, requests.KEY
    ) == act_key(key)


def _subscription_of(row: Answer) -> Answer | None:
    """The subscription that a schedule has begun, where it was expanded."""
    if row.get("object") != "subscription_schedule":
        return None
    found = row.get("subscription")
    return found if isinstance(found, dict) else None


def _belongs_to(item: Answer, subscription: str) -> bool:
    return translate.text(item, "parent", "subscription_details", "subscription") == subscription
