"""Which invoice an event of the biller is about: a hint, the invoice is read back later."""

from __future__ import annotations

import json
import re
from typing import Any

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
_NAMES_ONE = ("credit_note.created", "credit_note.voided", "invoice_payment.paid")


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
