"""Notices to customers: one for each business event that calls for one, however often it comes.

The reference consumer: it knows events by their id alone, orders nothing, and asks nobody back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.receivers.events import Event

ASKED = "as the event asks"
TEMPLATES = {
    "contract.activated": "welcome",
    "contract.amended": "contract_changed",
    "contract.renewed": "contract_renewed",
    "contract.cancelled": "contract_cancelled",
    "contract.ended": "contract_ended",
    "renewal.due": "renewal_notice",
    "invoice.issued": "invoice",
    "payment.succeeded": "receipt",
    "payment.failed": "payment_failed",
    "credit_memo.created": "credit_memo",
    "collections.changed": ASKED,
    "collections.ended": "collections_over",
    "usage_threshold.breached": "usage_notice",
}
"""Event type without `dealthread.` and version → template. Others are taken, nobody is told: of a
service that begins, is suspended, given back or ends the customer hears by these already."""

STAGES = frozenset({"payment_reminder", "final_notice", "suspension_notice"})
"""What a stage of a pursuit may ask to be told; most stages are told to nobody."""


@dataclass
class NoticeDesk:
    """Sent notices by subject. Sending is an effect in the ledger."""

    clock: SimClock
    ledger: Ledger
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    _sent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def take(self, message_id: str, event: Event) -> dict[str, Any]:
        """Send once; the same id again is answered as before."""
        known = self._answers.get(message_id)
        if known is not None:
            return known
        kind = event.type.removeprefix("dealthread.").rpartition(".")[0]
        template = TEMPLATES.get(kind)
        if template == ASKED:
            asked = event.data.get("notice")
            template = asked if asked in STAGES else None
        answer: dict[str, Any] = {"id": event.id, "notice": None}
        if template is not None:
            notice = {
                "notice_id": "ntc_" + hashlib.sha256(event.id.encode()).hexdigest()[:16],
                "event_id": event.id,
                "template": template,
                "time": event.time.astimezone(UTC).isoformat(),
            }
            self._sent.setdefault(event.subject, []).append(notice)
            self.ledger.effect("notice.sent", notice["notice_id"], key=event.id)
            answer["notice"] = notice["notice_id"]
        self._answers[message_id] = answer
        return answer

    def notices_of(self, subject: str) -> dict[str, Any] | None:
        """Notices of a contract or customer by business time, or None."""
        sent = self._sent.get(subject)
        if sent is None:
            return None
        ordered = sorted(sent, key=lambda one: (one["time"], one["event_id"]))
        return {"subject": subject, "notices": ordered}

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()
        self._sent.clear()
