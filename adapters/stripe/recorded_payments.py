"""Payments that came to the bank: Stripe marks what is left of an invoice as paid outside of it.

It takes no amount and no name for such a payment: what is left is compared before, and the bank's
id of the receipt stands in the invoice's metadata, written first.
"""

from __future__ import annotations

from adapters.stripe import requests, translate
from adapters.stripe.bills import Bills
from adapters.stripe.clients import BillingAccount
from adapters.stripe.errors import lost_after_effect
from dealthread.domain.bill import Bill
from dealthread.domain.invoice import InvoiceStatus
from dealthread.errors import NotFound, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import RecordPayment

_OVER_UNDER = "cash.over_under"
_PAYABLE = (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)


class RecordedPayments:
    """Works on one account at a time."""

    def __init__(self, bills: Bills) -> None:
        self._bills = bills

    async def record(
        self, account: BillingAccount, command: RecordPayment, key: str
    ) -> Outcome[Bill]:
        """Paid, unless it is already by this receipt."""
        native_id = command.invoice_id
        try:
            bill = await self._bills.read(account, native_id)
        except NotFound:
            return Rejected(_OVER_UNDER, "invoice_not_found", "invoice")
        if any(one.receipt == command.receipt for one in bill.payments):
            return Done(bill)
        if bill.status not in _PAYABLE:
            return Rejected(_OVER_UNDER, f"invoice_is_{bill.status}", "invoice")
        if bill.remaining != command.amount:
            left = {"left": str(bill.remaining), "amount": str(command.amount)}
            return Rejected(_OVER_UNDER, "another_amount_is_left", "amount", left)
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
        if isinstance(paid, Rejected | Unknown):
            return paid
        if translate.text(paid, "status") != "paid":
            return Unknown("invoice_not_paid")
        try:
            return Done(await self._bills.read(account, native_id))
        except TransportError as error:
            return lost_after_effect(error)
