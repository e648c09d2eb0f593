"""What was paid of an invoice: by Stripe's own payments, and by records of payments elsewhere.

Stripe names no payment for what somebody marked as paid outside of it without a record. What the
invoice counts as paid beyond its payments is one payment by bank, on the day on which the invoice
was paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from adapters.stripe import requests, translate
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.paging import pages
from dealthread.domain.bill import BillPayment, PaymentWay
from dealthread.domain.money import Money
from dealthread.errors import ContractDrift

_RECORD = "payment_record"
_WAYS = {
    "payment_intent": PaymentWay.PROCESSOR,
    "charge": PaymentWay.PROCESSOR,
    # Reported to Stripe, paid elsewhere.
    _RECORD: PaymentWay.BANK,
}


def takes_parts(row: translate.Data, subscription: translate.Data) -> bool:
    """Whether a part can be paid: not of a subscription's invoice that is charged automatically
    (docs.stripe.com/invoicing/partial-payments)."""
    return not (subscription and row.get("collection_method") == "charge_automatically")


async def paid_of(account: BillingAccount, native_id: str) -> list[Answer]:
    """The payments of an invoice that have succeeded."""
    return [
        payment
        async for payment in pages(
            account,
            "list_invoice_payments",
            lambda after: account.v1.invoice_payments.list_async(
                {
                    "invoice": native_id,
                    "status": "paid",
                    "limit": 100,
                    **({"starting_after": after} if after else {}),
                }
            ),
        )
    ]


async def receipts_of(account: BillingAccount, paid: Sequence[translate.Data]) -> dict[str, str]:
    """By a record's id the bank's id of the receipt that it was made for; "" of one that bears no
    mark of ours."""
    records = filter(None, map(record_of, paid))
    return {record_id: await _receipt_of(account, record_id) for record_id in records}


async def _receipt_of(account: BillingAccount, record_id: str) -> str:
    record = await account.read(
        "read_payment_record", lambda: account.v1.payment_records.retrieve_async(record_id)
    )
    return translate.mark(record, requests.RECEIPT)


def record_of(row: translate.Data) -> str:
    """Id of the record that a payment of an invoice is; "" of another."""
    if translate.text(row, "payment", "type") != _RECORD:
        return ""
    return translate.id_of(translate.at(row, "payment", _RECORD))


def payments_of(
    account: str,
    row: translate.Data,
    paid: Sequence[translate.Data],
    receipts: Mapping[str, str] = MappingProxyType({}),
) -> tuple[BillPayment, ...]:
    """Oldest first; `receipts` as `receipts_of` tells them. Raises ContractDrift where payments and
    invoice do not tell the same."""
    currency = translate.text(row, "currency").upper()
    found = [_payment(account, payment, currency, receipts) for payment in paid]
    listed = sum(one.amount.to_minor() for one in found)
    elsewhere = translate.minor(row, "amount_paid") - listed
    off_stripe = translate.at(row, "amount_paid_off_stripe")
    most = 0 if off_stripe is None else translate.minor(row, "amount_paid_off_stripe")
    if elsewhere > most:
        raise ContractDrift("payments_do_not_add_up", field="amount_paid")
    if elsewhere > 0:
        native_id = f"{translate.text(row, 'id')}:off_stripe"
        found.append(
            BillPayment(
                ref=translate.ref(account, "payment", native_id),
                amount=Money.from_minor(elsewhere, currency),
                paid_on=_day(row, "status_transitions", "paid_at"),
                way=PaymentWay.BANK,
                receipt=translate.mark(row, requests.RECEIPT),
            )
        )
    return tuple(sorted(found, key=lambda one: one.paid_on))


def _payment(
    account: str, row: translate.Data, currency: str, receipts: Mapping[str, str]
) -> BillPayment:
    way = _WAYS.get(translate.text(row, "payment", "type"))
    if way is None:
        raise translate.drift("payment.type")
    if translate.text(row, "currency").upper() != currency:
        raise translate.drift("currency")
    return BillPayment(
        ref=translate.ref(account, "payment", translate.text(row, "id")),
        amount=Money.from_minor(translate.minor(row, "amount_paid"), currency),
        paid_on=_day(row, "status_transitions", "paid_at"),
        way=way,
        receipt=receipts.get(record_of(row), ""),
        processor_id=_processor_id(row),
    )


def _processor_id(row: translate.Data) -> str:
    """Of its payment intent, or of a charge that has none; "" of a record."""
    payment = translate.mapping(row, "payment")
    found = payment.get("payment_intent") or payment.get("charge")
    return translate.id_of(found) if found else ""


def _day(row: translate.Data, *path: str) -> date:
    found = translate.day(row, *path)
    if found is None:
        raise translate.drift(".".join(path))
    return found
