"""Puts a row into our package's outbox when what an org announces has happened."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from enum import StrEnum

from dealthread.simulators.salesforce.messages.asked_change import kind_of
from dealthread.simulators.salesforce.rules.save import Rules, Save

OUTBOX = "Dealthread_Outbox__c"

Listener = Callable[[str], None]


class Trigger(StrEnum):
    """What an org may announce."""

    WON = "won"
    """An opportunity is won."""
    LOST = "lost"
    """A renewal is closed and not won: the customer does not renew."""
    QUOTE_ACCEPTED = "quote_accepted"
    """The primary CPQ quote of an opportunity is accepted."""
    ORDER_ACTIVATED = "order_activated"


class OutboxRules(Rules):
    """Announces one object's rows at the moment the condition begins to hold."""

    def __init__(self, trigger: Trigger, sobject: str) -> None:
        self._trigger = trigger
        self._sobject = sobject
        self.listener: Listener | None = None
        """Told of each outbox row once its transaction is committed."""

    def after_save(self, save: Save) -> None:
        """Put the row into the outbox, in the same transaction."""
        if not holds(self._trigger, save) or save.store.schema.find(OUTBOX) is None:
            return
        outbox_id = save.insert(
            OUTBOX,
            {
                "Dealthread_Record_Id__c": save.row["Id"],
                "Dealthread_Object__c": self._sobject,
                "Dealthread_Event_Id__c": str(uuid.uuid4()),
                "Dealthread_Trigger__c": str(self._trigger),
            },
        )
        listener = self.listener
        if listener is not None:
            save.store.after_commit(lambda: listener(outbox_id))


def holds(trigger: Trigger, save: Save) -> bool:
    """Whether this save makes the trigger's condition true."""
    row = save.row
    if trigger is Trigger.WON:
        return bool(row["IsWon"]) and save.is_changed("IsWon")
    if trigger is Trigger.LOST:
        is_lost = bool(row["IsClosed"]) and not row["IsWon"]
        return is_lost and kind_of(row) == "renewal" and save.is_changed("IsClosed", "IsWon")
    if trigger is Trigger.ORDER_ACTIVATED:
        return row["StatusCode"] == "Activated" and save.is_changed("StatusCode")
    is_accepted = row["SBQQ__Status__c"] == "Accepted" and bool(row["SBQQ__Primary__c"])
    return is_accepted and save.is_changed("SBQQ__Status__c", "SBQQ__Primary__c")


TRIGGER_OBJECTS = {
    Trigger.WON: "Opportunity",
    Trigger.LOST: "Opportunity",
    Trigger.QUOTE_ACCEPTED: "SBQQ__Quote__c",
    Trigger.ORDER_ACTIVATED: "Order",
}
