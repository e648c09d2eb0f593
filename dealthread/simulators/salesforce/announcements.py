"""Drains the outbox: a signed, thin webhook for each row."""

from __future__ import annotations

from dealthread.simulators.kit.signing import StandardWebhooksSigner
from dealthread.simulators.kit.webhook_sender import Delivery, WebhookSender
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.outbox import OUTBOX, Trigger
from dealthread.simulators.salesforce.store import Store


class Announcer:
    """Turns outbox rows into deliveries and ticks them off when they were accepted."""

    def __init__(
        self, config: SalesforceConfig, store: Store, dml: Dml, sender: WebhookSender
    ) -> None:
        self._url = config.webhook_url
        self._secrets = config.webhook_secrets
        self._store = store
        self._dml = dml
        self._sender = sender

    def announce(self, outbox_id: str) -> None:
        """Send one row; without an address it stays undelivered."""
        row = self._store.live(OUTBOX, outbox_id)
        if row is None or self._url is None:
            return
        record_id, name = str(row["Dealthread_Record_Id__c"]), str(row["Dealthread_Object__c"])
        record = self._store.get(name, record_id)
        trigger = str(row["Dealthread_Trigger__c"] or Trigger.WON)
        body = {
            "object": name,
            "recordId": record_id,
            "trigger": trigger,
            "systemModstamp": None if record is None else record["SystemModstamp"],
            "sequence": int(str(row["Name"]).rpartition("-")[2]),
        }
        self._sender.enqueue(
            Delivery(
                message_id=str(row["Dealthread_Event_Id__c"]),
                url=self._url,
                body=dumps(body),
                signer=StandardWebhooksSigner(self._secrets),
                label=f"{trigger} {record_id}",
                on_delivered=lambda: self._tick_off(outbox_id),
            )
        )

    def announce_undelivered(self) -> None:
        """What a scheduled job does: send again every row that is not ticked off."""
        for row in self._store.rows(OUTBOX):
            if not row["IsDeleted"] and not row["Dealthread_Delivered__c"]:
                self.announce(str(row["Id"]))

    def _tick_off(self, outbox_id: str) -> None:
        outbox = self._store.schema.find(OUTBOX)
        row = self._store.live(OUTBOX, outbox_id)
        if outbox is None or row is None or row["Dealthread_Delivered__c"]:
            return
        with self._store.transaction(is_background=True):
            self._dml.update(outbox, outbox_id, {"Dealthread_Delivered__c": True})
