"""The biller's customers, found by our customer key in their metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from stripe.params import CustomerCreateParams, CustomerListParams, CustomerUpdateParams

from adapters.stripe import translate
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.errors import lost_after_effect, refused_after_effect
from adapters.stripe.paging import pages, rows_of
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.documents import BillingCustomer
from dealthread.domain.party import Address, Party
from dealthread.errors import InvariantBroken, NotFound, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import OnboardBillingCustomer
from dealthread.ports.clock import BusinessClock
from dealthread.ports.noting import NoteFields, unnoted

CUSTOMER = "dealthread_customer"
PARENT = "dealthread_parent"
UNUSED = "dealthread_unused"
SEARCH_LAG = timedelta(minutes=2)
"""Twice what Stripe states for normal operation: searchable in under a minute
(docs.stripe.com/search); the rest is for clocks that differ."""
SEARCH_OUTAGE = timedelta(hours=2)
"""Twice what Stripe states for an outage: up to an hour behind
(docs.stripe.com/api/customers/search)."""

_FIELDS = {
    "name": CustomerField.LEGAL_NAME,
    "address": CustomerField.BILL_TO,
    "email": CustomerField.BILLING_CONTACT,
    "preferred_locales": CustomerField.BILLING_CONTACT,
}
_MARKS = {PARENT: CustomerField.HIERARCHY, UNUSED: CustomerField.IN_USE}
_SYNC_FAILED = "customer.sync_failed"
_TAX_ID_TYPES = frozenset({"eu_vat", "gb_vat", "us_ein"})


class Customers:
    """Works on one account at a time."""

    def __init__(self, clock: BusinessClock) -> None:
        self._clock = clock

    async def find(
        self, account: BillingAccount, customer_key: str, email: str = ""
    ) -> Answer | None:
        """Search, then a list of what search may not know yet; lists do not lag.

        Of several with one key (made by hand, or merged) the oldest is taken, always."""
        if not customer_key.replace("-", "").isalnum():
            raise InvariantBroken("customer_key_shape")
        answer = await account.read(
            "search_customers",
            lambda: account.v1.customers.search_async(
                {"query": f"metadata['{CUSTOMER}']:'{customer_key}'", "limit": 100}
            ),
        )
        found = [row for row in rows_of(answer) if _is(row, customer_key)]
        if not found:
            found = await self._fresh(account, customer_key, email)
        return min(found, key=lambda row: (row["created"], row["id"])) if found else None

    async def _fresh(self, account: BillingAccount, customer_key: str, email: str) -> list[Answer]:
        """Customers with the key that search may miss.

        By e-mail few answer, however many others are made, so that the worst lag is covered. The
        bound in time keeps a mailbox that stands for thousands of customers from being listed to
        its end. Without an e-mail every new customer answers: only the usual lag is affordable.

        What remains: a fresh customer is missed where no e-mail is known (an undo knows none)
        and search is behind by more than SEARCH_LAG; where the e-mail was changed since it was
        made and search has not caught up; and where two look-ups end before either creates.
        """
        lag = SEARCH_OUTAGE if email else SEARCH_LAG
        filters: CustomerListParams = {
            "created": {"gte": int((self._clock.now() - lag).timestamp())},
            "limit": 100,
        }
        if email:
            # Case matters to this filter: the address goes as it was sent when creating.
            filters["email"] = email
        return [
            row
            async for row in pages(
                account,
                "list_customers",
                lambda after: account.v1.customers.list_async(
                    {**filters, **({"starting_after": after} if after else {})}
                ),
            )
            if _is(row, customer_key)
        ]

    async def create(
        self, account: BillingAccount, command: OnboardBillingCustomer, key: str
    ) -> Outcome[BillingCustomer]:
        """Create with address, tax identifier and the link to its parent."""
        # A new record has nothing to clear: blanks are left out.
        params = cast("CustomerCreateParams", _blank_free(wanted(command)))
        tax_ids = wanted_tax_ids(command.party)
        if tax_ids:
            params["tax_id_data"] = [
                {"type": kind, "value": value} for kind, value in sorted(tax_ids)
            ]
        outcome = await account.write_again_after_saved_answer(
            "create_customer",
            lambda options: account.v1.customers.create_async(params, options),
            key,
            lambda: self.find(account, command.customer_key, command.party.invoice_email()),
            case_kind=_SYNC_FAILED,
        )
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        return Done(translate.customer(account.key, outcome, created=True))

    async def update(
        self,
        account: BillingAccount,
        command: OnboardBillingCustomer,
        native_id: str,
        key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[BillingCustomer]:
        """Send what differs; nothing where nothing does.

        Identifiers first: they are what is refused most, and then nothing was written yet."""
        present = await self.retrieve(account, native_id)
        changes = difference(wanted(command), present)
        writes = await self._additions(account, command.party, native_id, key)
        fields = changed_fields(changes, present, adds_tax_ids=bool(writes))
        if fields:
            await note(fields)
        if changes:
            writes.append(
                lambda: account.write(
                    "update_customer",
                    lambda options: account.v1.customers.update_async(
                        native_id, cast("CustomerUpdateParams", changes), options
                    ),
                    key,
                    case_kind=_SYNC_FAILED,
                )
            )
        row = present
        for number, write in enumerate(writes):
            try:
                outcome = await write()
            except TransportError as error:
                if number == 0:
                    raise
                return lost_after_effect(error)
            if isinstance(outcome, Rejected) and number > 0:
                # "Rejected" says that nothing was written. A repeat finds what was, and only the
                # refused part is left to be refused.
                return refused_after_effect(outcome)
            if isinstance(outcome, Rejected | Unknown):
                return outcome
            row = outcome if outcome["id"] == native_id else row
        return Done(translate.customer(account.key, row))

    async def _additions(
        self, account: BillingAccount, party: Party, native_id: str, key: str
    ) -> list[Callable[[], Awaitable[Answer | Rejected | Unknown]]]:
        """Add what is missing. An old identifier stays: invoices were issued under it."""
        wanted_ids = sorted(wanted_tax_ids(party))
        if not wanted_ids:
            return []
        known = {
            (translate.text(row, "type"), translate.text(row, "value"))
            async for row in pages(
                account,
                "list_tax_ids",
                lambda after: account.v1.customers.tax_ids.list_async(
                    native_id, {"limit": 100, **({"starting_after": after} if after else {})}
                ),
            )
        }

        def addition(
            number: int, kind: str, value: str
        ) -> Callable[[], Awaitable[Answer | Rejected | Unknown]]:
            return lambda: account.write(
                "add_tax_id",
                lambda options: account.v1.customers.tax_ids.create_async(
                    native_id, {"type": kind, "value": value}, options
                ),
                # By the place among all that are wanted: a repeat after some were added must
                # not send another identifier under the same key.
                f"{key}:{number}",
                case_kind="tax.identifier",
            )

        return [
            addition(number, kind, value)
            for number, (kind, value) in enumerate(wanted_ids, start=1)
            if (kind, value) not in known
        ]

    async def retire(
        self, account: BillingAccount, customer: BillingCustomer, key: str
    ) -> Outcome[BillingCustomer]:
        """The record stays, marked unused. Gone or marked already counts as done."""
        native_id = customer.ref.native_id
        try:
            present = await self.retrieve(account, native_id)
        except NotFound:
            return Done(customer)
        if present.get("deleted") or translate.mapping(present, "metadata").get(UNUSED) == "true":
            return Done(customer)
        outcome = await account.write(
            "retire_customer",
            lambda options: account.v1.customers.update_async(
                native_id, {"metadata": {UNUSED: "true"}}, options
            ),
            key,
            case_kind="integration.undo_failed",
        )
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        return Done(translate.customer(account.key, outcome))

    async def retrieve(self, account: BillingAccount, native_id: str) -> Answer:
        """Present state. Raises NotFound."""
        return await account.read(
            "read_customer", lambda: account.v1.customers.retrieve_async(native_id)
        )


def wanted(command: OnboardBillingCustomer) -> dict[str, Any]:
    """The record as it should be; an empty text clears a field."""
    party = command.party
    payable = command.party.payable()
    language = (payable.language if payable else "") or party.language
    fields: dict[str, Any] = {
        "name": party.legal_name,
        "address": _address(party.billing_address),
        "metadata": {
            CUSTOMER: command.customer_key,
            PARENT: command.parent_customer_key or "",
            UNUSED: "",
        },
    }
    if email := command.party.invoice_email():
        fields["email"] = email
    if language:
        fields["preferred_locales"] = [language]
    if party.shipping_address is not None:
        fields["shipping"] = {
            "name": party.legal_name,
            "address": _address(party.shipping_address),
        }
    return fields


def wanted_tax_ids(party: Party) -> set[tuple[str, str]]:
    """Identifiers of kinds that Stripe knows by the same name."""
    return {
        (tax_id.scheme, tax_id.number)
        for tax_id in party.tax_ids
        if tax_id.scheme in _TAX_ID_TYPES and tax_id.number
    }


def difference(fields: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose present value is another one; nested objects are sent whole."""
    changes: dict[str, Any] = {}
    for name, value in fields.items():
        now = present.get(name)
        if name == "metadata":
            marks = {key: text for key, text in value.items() if (now or {}).get(key, "") != text}
            if marks:
                changes[name] = marks
        elif _blank_free(value) != _blank_free(now):
            changes[name] = value
    return changes


def changed_fields(
    changes: Mapping[str, Any], present: Mapping[str, Any], *, adds_tax_ids: bool
) -> frozenset[CustomerField]:
    """What the changes are changes of. `present` is the record before them."""
    fields = {_FIELDS[name] for name in changes if name in _FIELDS}
    fields |= {_MARKS[mark] for mark in changes.get("metadata", {}) if mark in _MARKS}
    # The name stands in the shipping details too: a new one is no new place.
    place = changes.get("shipping", {}).get("address")
    if place and _blank_free(place) != _blank_free((present.get("shipping") or {}).get("address")):
        fields.add(CustomerField.SHIP_TO)
    if adds_tax_ids:
        fields.add(CustomerField.TAX_IDENTIFIER)
    return frozenset(fields)


def _blank_free(value: Any) -> Any:
    """Null, "" and absent are one: Stripe stores an empty text as null."""
    if isinstance(value, Mapping):
        kept = {key: _blank_free(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", {}, [])}
    return value or None


def _address(address: Address) -> dict[str, str]:
    first, _, rest = address.street.partition("\n")
    return {
        "line1": first.strip(),
        "line2": rest.replace("\n", ", ").strip(),
        "city": address.city,
        "state": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
    }


def _is(row: Answer, customer_key: str) -> bool:
    return translate.mapping(row, "metadata").get(CUSTOMER) == customer_key
