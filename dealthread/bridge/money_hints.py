"""Which payout or dispute an event of the biller is about: a hint, it is read back later.

What was entered of the bank is the whole of it: nobody can be asked again.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

from dealthread.domain.cash import BankReceipt
from dealthread.errors import BadInput
from dealthread.store.inbox import InboxRow

_PAYOUT = re.compile(r"po_[A-Za-z0-9_]{1,100}\Z")
_DISPUTE = re.compile(r"(du|dp)_[A-Za-z0-9_]{1,100}\Z")
_OF_PAYOUTS = ("payout.paid", "payout.failed", "payout.canceled", "payout.reconciliation_completed")
_OF_DISPUTES = "charge.dispute."


def payout_told_of(row: InboxRow) -> str | None:
    """The payout's id; None for an event about something else. Raises BadInput."""
    kind, found = _told(row)
    if kind not in _OF_PAYOUTS:
        return None
    if not isinstance(found, str) or not _PAYOUT.match(found):
        raise BadInput("not_a_payout_id", field="data.object", action="send a Stripe event")
    return found


def dispute_told_of(row: InboxRow) -> str | None:
    """The dispute's id; None for an event about something else. Raises BadInput."""
    kind, found = _told(row)
    if not kind.startswith(_OF_DISPUTES):
        return None
    if not isinstance(found, str) or not _DISPUTE.match(found):
        raise BadInput("not_a_dispute_id", field="data.object", action="send a Stripe event")
    return found


def receipt_told_of(row: InboxRow) -> BankReceipt:
    """What was entered of the bank. Raises BadInput, naming the field of one that an earlier or a
    later version wrote otherwise."""
    try:
        return BankReceipt.model_validate_json(row.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput("unreadable", field=field, action="enter the receipt anew") from None


def _told(row: InboxRow) -> tuple[str, object]:
    """Kind of the event, and the id of what it is about."""
    try:
        event: Any = json.loads(row.body)
        kind = event["type"]
        if not isinstance(kind, str):
            raise TypeError
        if kind not in _OF_PAYOUTS and not kind.startswith(_OF_DISPUTES):
            return kind, None
        return kind, event["data"]["object"]["id"]
    except (ValueError, KeyError, TypeError):
        raise BadInput("unreadable", field="data.object", action="send a Stripe event") from None
