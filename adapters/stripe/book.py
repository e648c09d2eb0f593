"""A whole account as it stands, and our references put on what becomes ours.

References are metadata, as on everything that we make. The only other thing that is set is the end
of a fixed term: a subscription of ours ends with it (docs/adr/0010).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from stripe import StripeObject
from stripe.params import (
    CustomerListParams,
    InvoiceListParams,
    SubscriptionListParams,
    SubscriptionUpdateParams,
)

from adapters.stripe import requests, translate
from adapters.stripe.agreements import Agreements
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.customers import CUSTOMER, Customers
from adapters.stripe.errors import REJECTED, lost_after_effect
from adapters.stripe.paging import pages
from adapters.stripe.plan import timestamp
from dealthread.domain.adoption.book import (
    BilledCustomer,
    BilledItem,
    BilledSubscription,
    BillerBook,
    OpenBill,
)
from dealthread.domain.base import Ref
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.domain.money import EXPONENTS, Money, UnitPrice
from dealthread.errors import NotFound, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.adoption import FOREIGN_REFERENCE, TakeOverAgreement

PAGES = 2_000
"""Pages of a hundred: two hundred thousand records of a kind, then the list is not trusted."""
_IN_FORCE = frozenset({"active", "past_due", "unpaid", "trialing", "paused"})
_MONTHS = {"month": 1, "year": 12}


class BookOfAccount:
    """Reads of one account at a time, and the references."""

    def __init__(self, customers: Customers, agreements: Agreements) -> None:
        self._customers = customers
        self._agreements = agreements

    async def read(self, account: BillingAccount) -> BillerBook:
        """Customers, subscriptions in force, open invoices; oldest first."""
        v1 = account.v1
        customers = [
            _customer(account.key, row)
            async for row in _all(
                account,
                "list_customers",
                lambda page: v1.customers.list_async(
                    cast("CustomerListParams", {**page, "expand": ["data.tax_ids"]})
                ),
            )
        ]
        subscriptions = [
            _subscription(account.key, row)
            async for row in _all(
                account,
                "list_subscriptions",
                lambda page: v1.subscriptions.list_async(cast("SubscriptionListParams", page)),
            )
            if row.get("status") in _IN_FORCE
        ]
        bills = [
            _bill(account.key, row)
            async for row in _all(
                account,
                "list_invoices",
                lambda page: v1.invoices.list_async(
                    cast("InvoiceListParams", {**page, "status": "open"})
                ),
            )
        ]
        return BillerBook(
            account=account.key,
            customers=tuple(sorted(customers, key=lambda one: one.ref.native_id)),
            subscriptions=tuple(sorted(subscriptions, key=lambda one: one.ref.native_id)),
            open_bills=tuple(sorted(bills, key=lambda one: one.ref.native_id)),
        )

    async def find(self, account: BillingAccount, command: TakeOverAgreement) -> Agreement | None:
        """Where nothing is left to be put on."""
        row, customer = await self._present(account, command)
        if _missing_on(row, command) or _key_of(customer) != command.contract.customer_key:
            return None
        return await self._agreements.translated(account, row)

    async def take_over(
        self, account: BillingAccount, command: TakeOverAgreement, key: str
    ) -> Outcome[Agreement]:
        """Customer first, then the subscription with its items, each only where it lacks it."""
        row, customer = await self._present(account, command)
        if foreign := _foreign(row, customer, command):
            return Rejected(REJECTED, FOREIGN_REFERENCE, foreign)
        wrote = False
        try:
            if _key_of(customer) != command.contract.customer_key:
                made = await self._mark_customer(account, command, f"{key}:customer")
                if isinstance(made, Rejected | Unknown):
                    return made
                wrote = True
            if changes := _missing_on(row, command):
                made = await self._mark_subscription(account, command, changes, key)
                if isinstance(made, Rejected):
                    # The customer's mark stands: a repeat finds it.
                    return Unknown(made.code, evidence=made.evidence) if wrote else made
                if isinstance(made, Unknown):
                    return made
                wrote = True
            row, _ = await self._present(account, command)
            return Done(await self._agreements.translated(account, row))
        except TransportError as error:
            if not wrote:
                raise
            return lost_after_effect(error)

    async def _mark_customer(
        self, account: BillingAccount, command: TakeOverAgreement, key: str
    ) -> Answer | Rejected | Unknown:
        mark = {CUSTOMER: command.contract.customer_key}
        return await account.write(
            "take_over_customer",
            lambda options: account.v1.customers.update_async(
                command.customer.native_id, {"metadata": mark}, options
            ),
            key,
        )

    async def _mark_subscription(
        self,
        account: BillingAccount,
        command: TakeOverAgreement,
        changes: dict[str, Any],
        key: str,
    ) -> Answer | Rejected | Unknown:
        wanted = cast("SubscriptionUpdateParams", {**changes, "proration_behavior": "none"})
        return await account.write(
            "take_over_subscription",
            lambda options: account.v1.subscriptions.update_async(
                command.subscription.native_id, wanted, options
            ),
            key,
        )

    async def _present(
        self, account: BillingAccount, command: TakeOverAgreement
    ) -> tuple[Answer, Answer]:
        agreement = Agreement(
            ref=command.subscription,
            subscription=command.subscription,
            status=AgreementStatus.ACTIVE,
        )
        row = await self._agreements.raw_of(account, agreement)
        customer = await self._customers.retrieve(account, command.customer.native_id)
        if translate.id_of(row.get("customer")) != command.customer.native_id:
            raise NotFound("subscription_of_another_customer")
        return row, customer


# ------------------------------------------------------------ references


def _missing_on(row: Answer, command: TakeOverAgreement) -> dict[str, Any]:
    """What a subscription lacks to be ours, as the parameters of its update."""
    contract = command.contract
    wanted = {
        requests.CONTRACT: contract.key,
        requests.DEAL: contract.deal_id,
        requests.COLLECTION: contract.collection_method.value,
        requests.SELLER_COUNTRY: contract.seller_country,
    }
    end = contract.committed_until
    if end is not None:
        wanted[requests.COMMITTED_UNTIL] = end.isoformat()
    marks = {
        name: value
        for name, value in wanted.items()
        if value and translate.mark(row, name) != value
    }
    found = {translate.text(item, "id"): item for item in translate.rows(row, "items", "data")}
    items = [
        {"id": native_id, "metadata": {requests.LINE: line_key}}
        for line_key, native_id in sorted(command.items.items())
        if native_id in found and translate.mark(found[native_id], requests.LINE) != line_key
    ]
    if gone := set(command.items.values()) - set(found):
        raise NotFound("subscription_item_gone", id=sorted(gone)[0])
    changes: dict[str, Any] = {}
    if marks:
        changes["metadata"] = marks
    if items:
        changes["items"] = items
    if end is not None and not row.get("schedule") and translate.day(row, "cancel_at") != end:
        changes["cancel_at"] = timestamp(end)
    return changes


def _foreign(row: Answer, customer: Answer, command: TakeOverAgreement) -> str:
    """The field that already carries another key of ours; "" where none does."""
    if _key_of(customer) not in ("", command.contract.customer_key):
        return f"customer.metadata.{CUSTOMER}"
    if translate.mark(row, requests.CONTRACT) not in ("", command.contract.key):
        return f"subscription.metadata.{requests.CONTRACT}"
    return ""


def _key_of(customer: Answer) -> str:
    return translate.mark(customer, CUSTOMER)


# ------------------------------------------------------------ what is there


async def _all(
    account: BillingAccount,
    operation: str,
    fetch: Callable[[Any], Awaitable[StripeObject]],
) -> AsyncIterator[Answer]:
    """Every row of a list, whatever its length."""
    rows = pages(
        account,
        operation,
        lambda after: fetch({"limit": 100, **({"starting_after": after} if after else {})}),
        most=PAGES,
    )
    async for row in rows:
        yield row


def _customer(account: str, row: Answer) -> BilledCustomer:
    return BilledCustomer(
        ref=translate.ref(account, "customer", translate.text(row, "id")),
        name=translate.text(row, "name"),
        email_domain=translate.text(row, "email").rpartition("@")[2].casefold(),
        tax_ids=tuple(
            translate.text(one, "value") for one in translate.rows(row, "tax_ids", "data")
        ),
        named=_named(row),
        customer_key=_key_of(row),
    )


def _subscription(account: str, row: Answer) -> BilledSubscription:
    items = translate.rows(row, "items", "data")
    starts = [translate.day(one, "current_period_start") for one in items]
    ends = [translate.day(one, "current_period_end") for one in items]
    if not items or None in starts or None in ends:
        raise translate.drift("items.data.current_period_start")
    return BilledSubscription(
        ref=translate.ref(account, "subscription", translate.text(row, "id")),
        customer=_customer_ref(account, row),
        status="paused"
        if translate.at(row, "pause_collection") is not None
        else translate.text(row, "status"),
        currency=translate.text(row, "currency").upper(),
        items=tuple(_item(one) for one in items),
        period_start=min(one for one in starts if one),
        period_end=max(one for one in ends if one),
        ends_on=_end(row),
        is_discounted=bool(translate.at(row, "discounts")),
        named=_named(row),
        contract_key=translate.mark(row, requests.CONTRACT),
    )


def _end(row: Answer) -> date | None:
    return translate.day(row, "cancel_at")


def _item(row: translate.Data) -> BilledItem:
    price = translate.mapping(row, "price")
    currency = translate.text(price, "currency").upper()
    amount = translate.decimal(price, "unit_amount_decimal")
    recurring = translate.mapping(price, "recurring")
    metered = translate.text(recurring, "usage_type") == "metered"
    months = _MONTHS.get(translate.text(recurring, "interval"), 0)
    quantity = None if metered else Decimal(translate.minor(row, "quantity"))
    return BilledItem(
        native_id=translate.text(row, "id"),
        product=translate.id_of(translate.at(price, "product")),
        quantity=quantity,
        unit_price=None
        if metered or amount is None
        else UnitPrice.of(amount.scaleb(-EXPONENTS[currency]), currency),
        period_months=months * translate.minor(recurring, "interval_count"),
    )


def _bill(account: str, row: Answer) -> OpenBill:
    currency = translate.text(row, "currency").upper()
    gross = Money.from_minor(translate.minor(row, "total"), currency)
    tax = sum(translate.minor(part, "amount") for part in translate.rows(row, "total_taxes"))
    made_by = translate.mapping(row, "parent", "subscription_details")
    issued = translate.instant(row, "effective_at") or translate.instant(
        row, "status_transitions", "finalized_at"
    )
    return OpenBill(
        ref=translate.ref(account, "invoice", translate.text(row, "id")),
        number=translate.text(row, "number"),
        customer=_customer_ref(account, row),
        subscription=translate.id_of(made_by.get("subscription")) if made_by else "",
        currency=currency,
        net=gross - Money.from_minor(tax, currency),
        gross=gross,
        remaining=Money.from_minor(translate.minor(row, "amount_remaining"), currency),
        issue_date=issued.date() if issued else None,
        contract_key=str(translate.mapping(made_by, "metadata").get(requests.CONTRACT, ""))
        if made_by
        else "",
    )


def _customer_ref(account: str, row: Answer) -> Ref:
    return translate.ref(account, "customer", translate.id_of(translate.at(row, "customer")))


def _named(row: Answer) -> tuple[str, ...]:
    """Values of metadata: ids that people and other connectors left there."""
    marks = translate.mapping(row, "metadata")
    return tuple(
        sorted(str(value) for name, value in marks.items() if not name.startswith("dealthread_"))
    )
