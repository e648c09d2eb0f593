"""Drains the outbox: a signed, thin webhook for each row, and an outbound message if wanted.

A row is ticked off when every channel that is configured has accepted it; until then it is sent
again, also after a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dealthread.simulators.kit.signing import StandardWebhooksSigner
from dealthread.simulators.kit.webhook_sender import Delivery, WebhookSender
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.messages.asked_change import (
    CONTRACT_KEY,
    KIND,
    contract_key_of,
    kind_of,
)
from dealthread.simulators.salesforce.messages.outbox import OUTBOX, Trigger
from dealthread.simulators.salesforce.messages.soap_envelope import (
    CONTENT_TYPE,
    HEADERS,
    envelope_of,
    is_acknowledged,
    new_notification_id,
)
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store

_SOAP_FIELDS = {"kind": KIND, "contractKey": CONTRACT_KEY}

Channel = Callable[[Row, Callable[[], None]], Delivery]


class Announcer:
    """Turns outbox rows into deliveries and ticks them off when they were accepted."""

    def __init__(
        self, config: SalesforceConfig, store: Store, dml: Dml, sender: WebhookSender
    ) -> None:
        self._config = config
        self._store = store
        self._dml = dml
        self._sender = sender
        self._channels: list[Channel] = []
        if config.webhook_url is not None:
            self._channels.append(self._webhook)
        if config.outbound_message_url is not None:
            self._channels.append(self._outbound_message)

    def announce(self, outbox_id: str) -> None:
        """Send one row; without an address it stays undelivered."""
        row = self._store.live(OUTBOX, outbox_id)
        if row is None:
            return
        waiting = set(range(len(self._channels)))

        def accepted(number: int) -> None:
            waiting.discard(number)
            if not waiting:
                self._tick_off(outbox_id)

        for number, channel in enumerate(self._channels):
            self._sender.enqueue(channel(row, partial(accepted, number)))

    def announce_undelivered(self) -> None:
        """What a scheduled job does: send again every row that is not ticked off."""
        for row in self._store.rows(OUTBOX):
            if not row["IsDeleted"] and not row["Dealthread_Delivered__c"]:
                self.announce(str(row["Id"]))

    def _webhook(self, row: Row, accepted: Callable[[], None]) -> Delivery:
        record_id, name = str(row["Dealthread_Record_Id__c"]), str(row["Dealthread_Object__c"])
        record = self._store.get(name, record_id)
        trigger = str(row["Dealthread_Trigger__c"] or Trigger.WON)
        body = {
            "object": name,
            "recordId": record_id,
            "trigger": trigger,
            "systemModstamp": None if record is None else record["SystemModstamp"],
            "sequence": int(str(row["Name"]).rpartition("-")[2]),
            **self._asked(name, record),
        }
        return Delivery(
            message_id=str(row["Dealthread_Event_Id__c"]),
            url=str(self._config.webhook_url),
            body=dumps(body),
            signer=StandardWebhooksSigner(self._config.webhook_secrets),
            label=f"{trigger} {record_id}",
            on_delivered=accepted,
        )

    def _asked(self, name: str, record: Row | None) -> dict[str, str]:
        """Kind of the deal and the contract that it is about, where they are set."""
        if name != "Opportunity" or record is None:
            return {}
        told = {"kind": kind_of(record), "contractKey": contract_key_of(self._store, record)}
        return {field: value for field, value in told.items() if value}

    def _outbound_message(self, row: Row, accepted: Callable[[], None]) -> Delivery:
        record_id, name = str(row["Dealthread_Record_Id__c"]), str(row["Dealthread_Object__c"])
        notification_id = new_notification_id(self._store)
        asked = self._asked(name, self._store.get(name, record_id))
        fields = {_SOAP_FIELDS[field]: value for field, value in asked.items()}
        return Delivery(
            message_id=notification_id,
            url=str(self._config.outbound_message_url),
            body=envelope_of(self._config.org_id, name, [(notification_id, record_id)], fields),
            signer=_Unsigned(),
            content_type=CONTENT_TYPE,
            headers=HEADERS,
            label=f"outbound message {record_id}",
            on_delivered=accepted,
            is_accepted_by=is_acknowledged,
        )

    def _tick_off(self, outbox_id: str) -> None:
        outbox = self._store.schema.find(OUTBOX)
        row = self._store.live(OUTBOX, outbox_id)
        if outbox is None or row is None or row["Dealthread_Delivered__c"]:
            return
        with self._store.transaction(is_background=True):
            self._dml.update(outbox, outbox_id, {"Dealthread_Delivered__c": True})


class _Unsigned:
    """Outbound messages carry no signature; the receiver's address is the secret."""

    def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {}
