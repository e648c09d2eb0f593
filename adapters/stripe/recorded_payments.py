"""Payments that came to the bank, told to Stripe.

The last part of an invoice is marked as paid outside of Stripe. That takes no amount and no name:
what is left is compared before, and the bank's id of the receipt stands in the invoice's metadata,
written first. A part is a payment record that is attached to the invoice; the record bears the
bank's id, and is looked for before anything is paid, the whole too: less may be left by the time
that it is asked again. One that cannot be attached any more is a person's, until its refund is
reported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from stripe.params import PaymentRecordReportPaymentParams

from adapters.stripe import requests, translate
from adapters.stripe.bills import Bills
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.errors import lost_after_effect
from adapters.stripe.paging import pages
from dealthread.domain.bill import Bill
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.errors import NotFound, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import RecordPayment

_OVER_UNDER = "cash.over_under"
_PAYABLE = (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
_INVOICE = "dealthread_invoice"
_METHOD = "Bank transfer"


class RecordedPayments:
    """Works on one account at a time."""

    def __init__(self, bills: Bills) -> None:
        self._bills = bills

    async def record(
        self, account: BillingAccount, command: RecordPayment, key: str
    ) -> Outcome[Bill]:
        """Paid, unless it is already by this receipt."""
        try:
            bill = await self._bills.read(account, command.invoice_id)
        except NotFound:
            return Rejected(_OVER_UNDER, "invoice_not_found", "invoice")
        if any(one.receipt == command.receipt for one in bill.payments):
            return Done(bill)
        reported = await self._reported(account, command)
        if reported is not None:
            told = _amount(reported)
            fits = told == command.amount and not bill.remaining < told
            if bill.status not in _PAYABLE or not fits or _refunded(reported):
                return _alone(reported, command)
            return await self._read_after(
                account, command, await self._attach(account, command, reported, key)
            )
        if bill.status not in _PAYABLE:
            return Rejected(_OVER_UNDER, f"invoice_is_{bill.status}", "invoice")
        is_part = command.amount < bill.remaining and bill.takes_part
        if bill.remaining != command.amount and not (is_part and command.value_date):
            left = {"left": str(bill.remaining), "amount": str(command.amount)}
            return Rejected(_OVER_UNDER, "another_amount_is_left", "amount", left)
        if is_part and command.value_date:
            made = await self._part(account, command, command.value_date, key)
        else:
            made = await self._whole(account, command, key)
        return await self._read_after(account, command, made)

    async def left_alone(self, account: BillingAccount, command: RecordPayment) -> Rejected | None:
        """The refusal of a part of this receipt that was reported and is no invoice's payment."""
        reported = await self._reported(account, command)
        return None if reported is None else _alone(reported, command)

    async def _read_after(
        self, account: BillingAccount, command: RecordPayment, made: Answer | Rejected | Unknown
    ) -> Outcome[Bill]:
        if isinstance(made, Rejected | Unknown):
            return made
        try:
            return Done(await self._bills.read(account, command.invoice_id))
        except TransportError as error:
            return lost_after_effect(error)

    async def _whole(
        self, account: BillingAccount, command: RecordPayment, key: str
    ) -> Answer | Rejected | Unknown:
        native_id = command.invoice_id
        marked = await account.write(
            "mark_invoice",
            lambda options: account.v1.invoices.update_async(
                native_id, {"metadata": {requests.RECEIPT: command.receipt}}, options
            ),
            f"{key}:1",
            case_kind=_OVER_UNDER,
        )
        if isinstance(marked, Rejected | Unknown):
            return marked
        paid = await account.write(
            "pay_invoice",
            lambda options: account.v1.invoices.pay_async(
                native_id, {"paid_out_of_band": True}, options
            ),
            f"{key}:2",
            case_kind=_OVER_UNDER,
        )
        if not isinstance(paid, Rejected | Unknown) and translate.text(paid, "status") != "paid":
            return Unknown("invoice_not_paid")
        return paid

    async def _part(
        self, account: BillingAccount, command: RecordPayment, day: date, key: str
    ) -> Answer | Rejected | Unknown:
        invoice = await account.read(
            "read_invoice", lambda: account.v1.invoices.retrieve_async(command.invoice_id)
        )
        customer = translate.id_of(translate.at(invoice, "customer"))
        reported = await account.write(
            "report_payment",
            lambda options: account.v1.payment_records.report_payment_async(
                _report(command, day, customer), options
            ),
            f"{key}:part",
            case_kind=_OVER_UNDER,
        )
        if isinstance(reported, Rejected | Unknown):
            return reported
        return await self._attach(account, command, reported, key)

    async def _attach(
        self, account: BillingAccount, command: RecordPayment, record: Answer, key: str
    ) -> Answer | Rejected | Unknown:
        native_id = translate.text(record, "id")
        attached = await account.write(
            "attach_payment",
            lambda options: account.v1.invoices.attach_payment_async(
                command.invoice_id, {"payment_record": native_id}, options
            ),
            f"{key}:{native_id}",
            case_kind=_OVER_UNDER,
        )
        if isinstance(attached, Rejected):
            return replace(attached, evidence={**attached.evidence, "payment_record": native_id})
        return attached

    async def _reported(self, account: BillingAccount, command: RecordPayment) -> Answer | None:
        """A record that an earlier attempt has made and of which not all was refunded. None is
        older than its money; without a day none was made."""
        if command.value_date is None:
            return None
        since = _second(command.value_date) - 1
        wanted = {_INVOICE: command.invoice_id, requests.RECEIPT: command.receipt}
        records = pages(
            account,
            "list_payment_records",
            lambda after: account.v1.payment_records.list_async(
                {
                    "created_after": since,
                    "limit": 100,
                    **({"starting_after": after} if after else {}),
                }
            ),
        )
        async for record in records:
            is_ours = all(translate.mark(record, name) == value for name, value in wanted.items())
            if is_ours and _refunded(record) < _amount(record).to_minor():
                return record
        return None


def _alone(record: Answer, command: RecordPayment) -> Rejected:
    evidence = {
        "payment_record": translate.text(record, "id"),
        "recorded": str(_amount(record)),
        "amount": str(command.amount),
    }
    return Rejected(_OVER_UNDER, "payment_record_of_no_invoice", "payment_record", evidence)


def _amount(record: Answer) -> Money:
    currency = translate.text(record, "amount_guaranteed", "currency").upper()
    return Money.from_minor(translate.minor(record, "amount_guaranteed", "value"), currency)


def _refunded(record: Answer) -> int:
    return translate.minor(record, "amount_refunded", "value")


def _report(command: RecordPayment, day: date, customer: str) -> PaymentRecordReportPaymentParams:
    at = _second(day)
    return {
        "amount_requested": {
            "currency": command.amount.currency.lower(),
            "value": command.amount.to_minor(),
        },
        "customer_details": {"customer": customer},
        "guaranteed": {"guaranteed_at": at},
        "initiated_at": at,
        "metadata": {_INVOICE: command.invoice_id, requests.RECEIPT: command.receipt},
        "outcome": "guaranteed",
        "payment_method_details": {"custom": {"display_name": _METHOD}, "type": "custom"},
        "processor_details": {
            "custom": {"payment_reference": command.receipt},
            "type": "custom",
        },
    }


def _second(day: date) -> int:
    """The first of a day in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())
