"""Stripe's objects → canonical agreements and invoices. Pure; a wrong shape names its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.stripe import requests
from adapters.stripe.plan import Charge
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import EXPONENTS, Money
from dealthread.errors import ContractDrift

Data = Mapping[str, Any]


def drift(field: str) -> ContractDrift:
    """The named field has a shape we do not know."""
    return ContractDrift("billing_field_shape", field=field)


def ref(account: str, kind: str, native_id: str) -> Ref:
    """A native billing reference is always (billing account, id)."""
    return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)


def at(row: Data, *path: str) -> object:
    """The value at the end of a path; null on the way is None.

    A name that is missing is drift: Stripe answers every attribute of an object, null where it is
    empty, so one that is not there was taken away and must not be read as empty.
    """
    value: object = row
    for depth, name in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, Mapping) or name not in value:
            raise drift(".".join(path[: depth + 1]))
        value = value[name]
    return value


def text(row: Data, *path: str) -> str:
    """Text, or "" where there is none."""
    value = at(row, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise drift(".".join(path))
    return value


def mark(row: Data, key: str) -> str:
    """What an object's metadata says under a key; "" where it says nothing."""
    value = mapping(row, "metadata").get(key, "")
    if not isinstance(value, str):
        raise drift(f"metadata.{key}")
    return value


def minor(row: Data, *path: str) -> int:
    """A whole number of minor units that must be there."""
    value = at(row, *path)
    if isinstance(value, bool) or not isinstance(value, int):
        raise drift(".".join(path))
    return value


def instant(row: Data, *path: str) -> datetime | None:
    """A Unix time."""
    value = at(row, *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise drift(".".join(path))
    return datetime.fromtimestamp(value, UTC)


def day(row: Data, *path: str) -> date | None:
    """The UTC day of a Unix time."""
    found = instant(row, *path)
    return found.date() if found else None


def mapping(row: Data, *path: str) -> Data:
    """A nested object; null counts as empty."""
    value = at(row, *path)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise drift(".".join(path))
    return value


def rows(row: Data, *path: str) -> list[Data]:
    """A nested array; null counts as empty."""
    value = at(row, *path)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise drift(".".join(path))
    return value


def customer(account: str, row: Data, *, created: bool = False) -> BillingCustomer:
    """The biller's record of a party."""
    return BillingCustomer(
        ref=ref(account, "customer", text(row, "id")),
        customer_key=mark(row, "dealthread_customer"),
        has_payment_method=bool(
            at(row, "invoice_settings", "default_payment_method") or at(row, "default_source")
        ),
        created=created,
    )


def retired_items_of(subscription: Data) -> dict[str, str]:
    """Item id → contract line key, of items that a change has taken away."""
    marks = mapping(subscription, "metadata")
    return {
        name.removeprefix(requests.ITEM): mark(subscription, name)
        for name in marks
        if name.startswith(requests.ITEM)
    }


def items_of(subscription: Data) -> dict[str, str]:
    """Contract line key → subscription item id."""
    found: dict[str, str] = {}
    for item in rows(subscription, "items", "data"):
        line = mark(item, requests.LINE)
        if line:
            found[line] = text(item, "id")
    return found


def committed_until(row: Data) -> date | None:
    """The committed end as it was recorded on the object."""
    value = mark(row, requests.COMMITTED_UNTIL)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise drift(f"metadata.{requests.COMMITTED_UNTIL}") from None


def is_held(row: Data) -> bool:
    """Whether the first invoice is to stay a draft until it is reviewed."""
    return mark(row, requests.HOLD) == "review"


def agreement_of_subscription(
    account: str,
    row: Data,
    first_invoice: BillingInvoice | None,
    *,
    draft_is_kept: bool = False,
) -> Agreement:
    """A subscription, with or without a schedule behind it. `draft_is_kept`: Stripe does not
    finalise its first invoice by itself."""
    found = ref(account, "subscription", text(row, "id"))
    schedule = id_of(at(row, "schedule"))
    is_draft = first_invoice is not None and first_invoice.status is InvoiceStatus.DRAFT
    held = is_held(row) and is_draft and draft_is_kept
    status = {
        "canceled": AgreementStatus.CANCELLED,
        "incomplete_expired": AgreementStatus.CANCELLED,
        "incomplete": AgreementStatus.INCOMPLETE,
    }.get(text(row, "status"), AgreementStatus.HELD if held else AgreementStatus.ACTIVE)
    return Agreement(
        ref=ref(account, "schedule", schedule) if schedule else found,
        subscription=found,
        schedule=ref(account, "schedule", schedule) if schedule else None,
        status=status,
        items=items_of(row),
        first_invoice=first_invoice,
        committed_until=committed_until(row),
    )


def agreement_of_schedule(account: str, row: Data) -> Agreement:
    """A schedule that has no subscription yet, or none any more."""
    found = ref(account, "schedule", text(row, "id"))
    cancelled = text(row, "status") in ("canceled", "completed", "released")
    return Agreement(
        ref=found,
        schedule=found,
        status=AgreementStatus.CANCELLED if cancelled else AgreementStatus.SCHEDULED,
        committed_until=committed_until(row),
    )


def id_of(value: object) -> str:
    """The id of a field that may be expanded; "" where there is none."""
    if isinstance(value, Mapping):
        return text(value, "id")
    return value if isinstance(value, str) else ""


def invoice(
    account: str,
    row: Data,
    lines: Sequence[Data],
    line_keys: LineKeys,
    tax_codes: Mapping[str, str],
    *,
    is_preview: bool = False,
) -> BillingInvoice:
    """A preview or an invoice. `tax_rate` of a line is our tax code where the rate is ours."""
    currency = _currency(row)
    gross = Money.from_minor(minor(row, "total"), currency)
    tax = Money.from_minor(
        sum(minor(part, "amount") for part in rows(row, "total_taxes")), currency
    )
    status = InvoiceStatus.PREVIEW if is_preview else _status(row)
    finalised_at = instant(row, "status_transitions", "finalized_at")
    issued = instant(row, "effective_at") or finalised_at
    return BillingInvoice(
        ref=None if is_preview else ref(account, "invoice", text(row, "id")),
        number=text(row, "number"),
        status=status,
        currency=currency,
        lines=tuple(_line(line, line_keys, tax_codes, currency) for line in lines),
        net=gross - tax,
        tax=tax,
        gross=gross,
        amount_due=Money.from_minor(minor(row, "amount_due"), currency),
        issue_date=issued.date() if issued else None,
        due_date=day(row, "due_date"),
        finalised_at=finalised_at,
    )


class LineKeys:
    """Tells which contract line an invoice line bills.

    1. The line's own metadata: Stripe copies an invoice item's metadata to its line.
    2. The subscription item, whose metadata holds our key (a subscription line's metadata is the
       *subscription's*, not the item's).
    3. In a preview, whose items do not exist: same product, unit amount and quantity as a charge
       of the request. Equal charges are told apart by their order.
    A line that fits none has the key "", so that a comparison by line shows it.
    """

    def __init__(
        self,
        items: Mapping[str, str],
        charges: Sequence[Charge] = (),
        retired: Mapping[str, str] | None = None,
    ) -> None:
        self._by_item = dict(retired or {})
        self._by_item.update({native_id: line_key for line_key, native_id in items.items()})
        self._charges = list(charges)
        self._matched: dict[tuple[str, Decimal, int], list[str]] = {}

    def of(self, line: Data) -> str:
        """The line key, or ""."""
        marked = mark(line, requests.LINE)
        if marked:
            return marked
        item = text(line, "parent", "subscription_item_details", "subscription_item")
        by_item = self._by_item.get(item)
        return by_item or self._by_price(line) or self._by_usage(line)

    def _by_usage(self, line: Data) -> str:
        """In a preview, of usage: its quantity and tier are not the request's, its product is."""
        product = text(line, "pricing", "price_details", "product")
        found = [one.line_key for one in self._charges if one.usage and one.product == product]
        return found[0] if len(found) == 1 else ""

    def _by_price(self, line: Data) -> str:
        product = text(line, "pricing", "price_details", "product")
        amount = decimal(line, "pricing", "unit_amount_decimal")
        quantity = at(line, "quantity")
        if amount is None or not isinstance(quantity, int):
            return ""
        wanted = (product, amount, quantity)
        equal = [
            charge.line_key
            for charge in self._charges
            if (charge.product, charge.unit_amount, charge.quantity) == wanted
        ]
        if not equal:
            return ""
        # A backdated start bills several periods of one charge: after the last one, from the first.
        taken = self._matched.setdefault(wanted, [])
        key = equal[len(taken) % len(equal)]
        taken.append(key)
        return key


def _line(
    line: Data, line_keys: LineKeys, tax_codes: Mapping[str, str], currency: str
) -> InvoiceLine:
    taxes = rows(line, "taxes")
    inclusive = sum(
        minor(tax, "amount") for tax in taxes if text(tax, "tax_behavior") == "inclusive"
    )
    discounts = sum(minor(part, "amount") for part in rows(line, "discount_amounts"))
    rates = [tax_rate(tax) for tax in taxes]
    return InvoiceLine(
        line_key=line_keys.of(line),
        description=text(line, "description"),
        quantity=_quantity(line),
        net=Money.from_minor(minor(line, "amount") - inclusive - discounts, currency),
        tax=Money.from_minor(sum(minor(tax, "amount") for tax in taxes), currency),
        tax_rate=",".join(tax_codes.get(rate, rate) for rate in rates),
        # Stripe's ends lie on the next period's first second: as a day, that is exclusive.
        period_start=day(line, "period", "start"),
        period_end=day(line, "period", "end"),
    )


def tax_rate(tax: Data) -> str:
    """Id of the rate of one tax of a line or a document."""
    return text(tax, "tax_rate_details", "tax_rate")


def _quantity(line: Data) -> str:
    """In full; Stripe's whole number is cut off."""
    exact = decimal(line, "quantity_decimal") if line.get("quantity_decimal") is not None else None
    if exact is not None:
        return f"{exact:f}"
    whole = at(line, "quantity")
    return "1" if whole is None else str(whole)


def _status(row: Data) -> InvoiceStatus:
    try:
        return InvoiceStatus(text(row, "status"))
    except ValueError:
        raise drift("status") from None


def _currency(row: Data) -> str:
    code = text(row, "currency").upper()
    if code not in EXPONENTS:
        raise drift("currency")
    return code


def decimal(row: Data, *path: str) -> Decimal | None:
    """A number in minor units, in plain digits; None where there is none."""
    value = at(row, *path)
    if value is None:
        return None
    try:
        return Decimal(f"{Decimal(str(value)).normalize():f}")
    except InvalidOperation:
        raise drift(".".join(path)) from None
