"""Which invoice an event of the biller is about: a hint, the invoice is read back later.

Of a draft nothing is read: that it was made is noted, so that somebody asks if it does not go out.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from dealthread.bridge.hints import CONTRACT_KEY
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.errors import BadInput
from dealthread.store.inbox import InboxRow

_INVOICE = re.compile(r"in_[A-Za-z0-9_]{1,100}\Z")
_OF_INVOICES = (
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
)
_CONTRACT = "dealthread_contract"
"""Metadata of an agreement: our contract key."""
_NAMES_ONE = ("credit_note.created", "credit_note.voided", "invoice_payment.paid")
_DRAFTED = "invoice.created"


def draft_told_of(account: str, row: InboxRow) -> Bill | None:
    """The draft that was made, as far as the event tells; None for other events, and where no
    contract of ours made it. Raises BadInput."""
    try:
        event: Any = json.loads(row.body)
        if event["type"] != _DRAFTED:
            return None
        told = event["data"]["object"]
        details = (told.get("parent") or {}).get("subscription_details") or {}
        contract_key = (details.get("metadata") or {}).get(_CONTRACT, "")
        if told["status"] != "draft" or not CONTRACT_KEY.match(contract_key):
            return None
        if not _INVOICE.match(told["id"]):
            raise BadInput("not_an_invoice_id", field="data.object", action="send a Stripe event")
        currency = told["currency"].upper()
        gross, zero = Money.from_minor(told["total"], currency), Money.zero(currency)
        return Bill(
            ref=Ref(system=System.BILLING, account=account, kind="invoice", native_id=told["id"]),
            number="",
            status=InvoiceStatus.DRAFT,
            contract_key=contract_key,
            customer_key="",
            currency=currency,
            lines=(),
            net=gross,
            tax=zero,
            gross=gross,
            balance_used=zero,
            remaining=gross,
            drafted_at=datetime.fromtimestamp(told["created"], UTC),
        )
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        raise BadInput("unreadable", field="data.object", action="send a Stripe event") from None


def invoice_told_of(row: InboxRow) -> str | None:
    """The invoice's id; None for an event about something else. Raises BadInput."""
    try:
        event: Any = json.loads(row.body)
        kind = event["type"]
        if kind not in _OF_INVOICES and kind not in _NAMES_ONE:
            return None
        told = event["data"]["object"]
        found = told["invoice"] if kind in _NAMES_ONE else told["id"]
    except (ValueError, KeyError, TypeError):
        raise BadInput("unreadable", field="data.object", action="send a Stripe event") from None
    if not isinstance(found, str) or not _INVOICE.match(found):
        raise BadInput("not_an_invoice_id", field="data.object", action="send a Stripe event")
    return found
