"""Somebody who works in the systems themselves, past Dealthread."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from dealthread.sandbox.books import BillingBooks, Invoice
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.stripe_catalogue import billing_clients
from dealthread.sandbox.tryton import TrytonReader
from dealthread.stack.info import StackInfo
from tests.bridge.caller import signed


class Person:
    """Somebody who works in the systems themselves."""

    def __init__(self, stack: StackInfo, refs: dict[str, str], contract_key: str) -> None:
        self._stack = stack
        self._refs = refs
        self._key = contract_key
        self._sent = 0

    def in_crm(self, value: str) -> None:
        """Another status on the contract's record."""
        org = SalesforceOrg(self._stack)
        try:
            org.update("Contract", self._refs["contract"], {"Dealthread_Status__c": value})
        finally:
            org.close()

    def at_biller(self, cancel_at: int | str) -> None:
        """Another end of the subscription."""
        with billing_clients(self._stack) as clients:
            (agreement,) = BillingBooks(clients).of(self._key)
            clients[agreement.account].v1.subscriptions.update(
                agreement.subscription_id, {"cancel_at": cancel_at, "proration_behavior": "none"}
            )

    def sells_more_at_biller(self, quantity: int) -> None:
        """Another quantity of the subscription's one item, and nothing charged for it."""
        with billing_clients(self._stack) as clients:
            (agreement,) = BillingBooks(clients).of(self._key)
            subscriptions = clients[agreement.account].v1.subscriptions
            (item,) = subscriptions.retrieve(agreement.subscription_id)["items"]["data"]
            subscriptions.update(
                agreement.subscription_id,
                {
                    "items": [{"id": item["id"], "quantity": quantity}],
                    "proration_behavior": "none",
                },
            )

    def credits_at_biller(self, invoice: Invoice, minor: int) -> str:
        """A part of an invoice's first line, on the pages of the biller; the note's number."""
        with billing_clients(self._stack) as clients:
            client = clients[invoice.account]
            line = client.v1.invoices.line_items.list(invoice.native_id).data[0]
            note = client.v1.credit_notes.create(
                {
                    "invoice": invoice.native_id,
                    "lines": [
                        {
                            "type": "invoice_line_item",
                            "invoice_line_item": line.id,
                            "amount": minor,
                        }
                    ],
                }
            )
            return str(note.number)

    def in_ledger(self, reference: str) -> None:
        """Another reference on the order."""
        with TrytonReader(self._stack) as tryton:
            order = int(self._refs["booking"])
            (row,) = tryton.search_read("sale.sale", [["id", "=", order]], ["company"])
            arguments = [[order], {"reference": reference}, {"company": row["company"]}]
            tryton._call("model.sale.sale.write", arguments)

    def at_service(self, grants: list[dict[str, Any]], customer_key: str) -> None:
        """Other rights: told by somebody who has the service's secret."""
        self._sent += 1
        message = f"by-hand-{self._key}-{self._sent}"
        data = {"contract_key": self._key, "customer_key": customer_key, "grants": grants}
        body = json.dumps(
            {
                "specversion": "1.0",
                "id": message,
                "source": "by-hand",
                "type": "dealthread.entitlement.grant.v1",
                "subject": self._key,
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self._sent)),
                "data": data,
            }
        ).encode()
        headers = signed(
            body,
            self._stack.credentials.entitlement_secret,
            message_id=message,
            at=time.time(),
        )
        answer = httpx.post(
            f"{self._stack.urls.entitlement_direct}/events",
            content=body,
            headers={"content-type": "application/json"} | headers,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text

    def in_customer_success(self, state: str) -> None:
        """Another state, on the page of the service's people."""
        answer = httpx.put(
            f"{self._stack.urls.customer_success_direct}/contracts/{self._key}/state",
            json={"state": state},
            headers={"authorization": f"Bearer {self._stack.credentials.customer_success_token}"},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
