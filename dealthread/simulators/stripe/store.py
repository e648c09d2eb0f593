"""What one account holds: objects in the shape they go over the wire, and what the wire hides.

Everything here is made of JSON values, so that the whole state can be written to a file and read
back (`persistence.py`). Ids are unique per account: two accounts never see each other's objects.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dealthread.simulators.stripe.config import AccountConfig

Json = dict[str, Any]
# due, deed, place of the object, key of the agenda
_Entry = tuple[int, str, int, str]

# How objects are called in "No such …: 'id'" (the words of the vendor's messages).
SPOKEN = {
    "billing.meter": "meter",
    "promotion_code": "promotion code",
    "payment_method": "PaymentMethod",
    "subscription_schedule": "subscription schedule",
    "tax_rate": "tax rate",
    "credit_note": "credit note",
    "webhook_endpoint": "webhook endpoint",
    "balance_transaction": "balance transaction",
    "customer_balance_transaction": "customer balance transaction",
    "invoice_payment": "invoice payment",
    "subscription_item": "subscription item",
    "test_clock": "test clock",
}


@dataclass
class AccountState:
    """The objects, counters and agenda of one account."""

    config: AccountConfig
    # kind ("invoice") → id → object as answered, ids unexpanded, in order of creation
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    # id → facts the vendor keeps but does not show (secrets, full line lists, search documents)
    hidden: dict[str, Json] = field(default_factory=dict)
    # id → ids that refer to it, per relation ("invoice.subscription")
    relations: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    # "invoice.finalize:in_1" → Unix second at which it is due
    agenda: dict[str, int] = field(default_factory=dict)
    next_invoice_number: int = 1
    # idempotency key → record (see idempotency.py)
    idempotency: dict[str, Json] = field(default_factory=dict)
    # test clock, or None for the time of the world → deeds by their time
    _heaps: dict[str | None, list[_Entry]] = field(default_factory=dict)
    # id → place in the order of creation
    _places: dict[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The account's id."""
        return self.config.id

    def of(self, kind: str) -> dict[str, Json]:
        """All objects of a kind, oldest first."""
        return self.objects.setdefault(kind, {})

    def add(self, kind: str, obj: Json) -> Json:
        """Keep a new object."""
        self.of(kind)[obj["id"]] = obj
        self._places.setdefault(obj["id"], len(self._places))
        return obj

    def find(self, kind: str, object_id: str | None) -> Json | None:
        """The object, or None."""
        return self.of(kind).get(object_id) if object_id is not None else None

    def relate(self, relation: str, parent_id: str, child_id: str) -> None:
        """Remember that a child belongs to a parent, for listing without a scan."""
        self.relations.setdefault(relation, {}).setdefault(parent_id, []).append(child_id)

    def related(self, relation: str, kind: str, parent_id: str) -> Iterator[Json]:
        """The children of a parent, oldest first."""
        held = self.of(kind)
        for child_id in self.relations.get(relation, {}).get(parent_id, []):
            if child_id in held:
                yield held[child_id]

    def secret(self, object_id: str) -> Json:
        """The hidden facts of an object, created when first asked for."""
        return self.hidden.setdefault(object_id, {})

    def clock_of(self, object_id: str) -> str | None:
        """The test clock an object lives by; None is the time of the world."""
        for held in self.objects.values():
            if object_id in held:
                found: str | None = held[object_id].get("test_clock")
                return found
        return None

    def plan(self, deed: str, object_id: str, due: int | None) -> None:
        """Put a deed on the agenda, or take it off with `due=None`; the object is kept already.

        Equal deeds of one instant happen in the order in which their objects were created. By their
        random ids, the same requests would leave other documents each time.
        """
        key = f"{deed}:{object_id}"
        if due is None:
            self.agenda.pop(key, None)
            return
        self.agenda[key] = due
        self._push(key, due)

    def next_due(self, test_clock: str | None = None) -> tuple[int, str] | None:
        """The earliest deed of a clock and its time, without taking it off."""
        heap = self._heaps.get(test_clock, [])
        while heap:
            due, _, _, key = heap[0]
            if self.agenda.get(key) == due:
                return due, key
            heapq.heappop(heap)
        return None

    def rebuild_heap(self) -> None:
        """After the agenda was read from a file."""
        self._heaps = {}
        ids = (object_id for held in self.objects.values() for object_id in held)
        self._places = {object_id: place for place, object_id in enumerate(ids)}
        for key, due in self.agenda.items():
            self._push(key, due)

    def _push(self, key: str, due: int) -> None:
        deed, _, object_id = key.partition(":")
        heap = self._heaps.setdefault(self.clock_of(object_id), [])
        heapq.heappush(heap, (due, deed, self._places[object_id], key))

    def clear(self) -> None:
        """Forget everything but the configuration."""
        for held in (self.objects, self.hidden, self.relations, self.agenda, self.idempotency):
            held.clear()
        self._heaps.clear()
        self._places.clear()
        self.next_invoice_number = 1
