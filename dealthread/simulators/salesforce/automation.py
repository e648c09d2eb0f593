"""What the org does by itself when a row is saved: derived values, validation rules, the outbox."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Protocol

from dealthread.simulators.salesforce.deals import (
    complete_line,
    complete_opportunity,
    roll_up_opportunity,
)
from dealthread.simulators.salesforce.price_books import (
    check_entry,
    complete_entry,
    spread_product,
)
from dealthread.simulators.salesforce.schema import Row, SObject
from dealthread.simulators.salesforce.service_contracts import (
    complete_contract,
    refuse_deletion_of_active,
)
from dealthread.simulators.salesforce.store import Store

OUTBOX = "Dealthread_Outbox__c"

Insert = Callable[..., str]


class OutboxListener(Protocol):
    """Told of each outbox row once its transaction is committed."""

    def __call__(self, outbox_id: str) -> None:
        """Send it."""


class Automation:
    """Dispatches a save to the rules of its object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.on_outbox: OutboxListener | None = None

    def before_save(self, sobject: SObject, row: Row, old: Row | None, now: str) -> None:
        """Derive values and refuse what the rules refuse; `row` is changed in place."""
        if sobject.name == "Opportunity":
            complete_opportunity(self._store, row, old, now)
        elif sobject.name == "OpportunityLineItem":
            complete_line(self._store, row, old, now)
        elif sobject.name == "PricebookEntry":
            complete_entry(self._store, row)
            check_entry(self._store, row, old)
        elif sobject.name == "Contract":
            complete_contract(row, old)
        elif sobject.name in ("Contact", "User"):
            parts = [row.get("FirstName"), row.get("LastName")]
            row["Name"] = " ".join(str(part) for part in parts if part) or None

    def after_save(
        self, sobject: SObject, row: Row, old: Row | None, now: str, insert: Insert
    ) -> None:
        """Roll up to the parent; announce what was won, in the same transaction."""
        if sobject.name == "OpportunityLineItem":
            roll_up_opportunity(self._store, str(row["OpportunityId"]), now)
        elif sobject.name == "Product2" and old is not None:
            spread_product(self._store, row)
        elif sobject.name == "Opportunity" and row["IsWon"] and not (old and old["IsWon"]):
            self._announce(sobject, row, insert)

    def before_delete(self, sobject: SObject, row: Row) -> None:
        """Refuse what must not go."""
        if sobject.name == "Contract":
            refuse_deletion_of_active(row)

    def after_delete(self, sobject: SObject, row: Row, now: str) -> None:
        """Roll up to the parent."""
        if sobject.name == "OpportunityLineItem":
            roll_up_opportunity(self._store, str(row["OpportunityId"]), now)

    def _announce(self, sobject: SObject, row: Row, insert: Insert) -> None:
        outbox = self._store.schema.find(OUTBOX)
        if outbox is None:
            return
        body: dict[str, Any] = {
            "Dealthread_Record_Id__c": row["Id"],
            "Dealthread_Object__c": sobject.name,
            "Dealthread_Event_Id__c": str(uuid.uuid4()),
        }
        outbox_id = insert(outbox, body)
        if self.on_outbox is not None:
            listener = self.on_outbox
            self._store.after_commit(lambda: listener(outbox_id))
