"""Events are recorded, signed as Stripe signs them, and delivered to the account's endpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealthread.simulators.stripe.config import AccountConfig
from tests.simulators.stripe.support import (
    DE_KEY,
    US_KEY,
    at,
    card_customer,
    d1_items,
    d2_items,
    d4_phases,
    keyed,
    running,
    unix,
)
from tests.simulators.stripe.types import judge_event_object

Serve = Callable[[Any], str]
Until = Callable[[Callable[[], bool]], None]
NOW = at(2026, 1, 1)
SECRET = "whsec_for_a_test_only_0001"


@dataclass
class Receiver:
    """Keeps what it is sent; answers with each status once, then 200."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[bytes, str]] = field(default_factory=list)

    def app(self) -> Starlette:
        """The endpoint."""

        async def take(request: Request) -> Response:
            body = await request.body()
            status = self.statuses.pop(0) if self.statuses else 200
            if status == 200:
                self.got.append((body, request.headers["stripe-signature"]))
            return Response(status_code=status)

        return Starlette(routes=[Route("/hook", take, methods=["POST"])])

    def kinds(self, secret: str = SECRET) -> list[str]:
        """The verified kinds in order of arrival."""
        return [
            stripe.Webhook.construct_event(body, signature, secret, api_key="sk_test_x").type
            for body, signature in self.got
        ]


async def test_deliveries_are_signed_and_tell_the_whole_story_of_a_deal(
    serve: Serve, until: Until
) -> None:
    """D1: customer, subscription, invoice created, finalised, paid; the key is on the event."""
    receiver = Receiver()
    hook = serve(receiver.app()) + "/hook"
    accounts = (
        AccountConfig(
            id="acct_alder_us", secret_key=US_KEY, webhook_url=hook, webhook_secret=SECRET
        ),
        AccountConfig(id="acct_alder_de", secret_key=DE_KEY),
    )
    async with running(serve, now=NOW, accounts=accounts) as sim, sim.client() as client:
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async(
            {**await d1_items(client), "customer": customer}, keyed("q2c#1/subscription/do")
        )
        wanted = {
            "customer.created",
            "customer.subscription.created",
            "customer.subscription.updated",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
        }
        until(lambda: wanted <= set(receiver.kinds()))
        listed = await client.v1.events.list_async({"limit": 100, "type": "invoice.paid"})
        event = listed.data[0]
        assert event.request is not None
        assert event.request.idempotency_key == "q2c#1/subscription/do"
        assert event.api_version == "2026-10-28.endive"
        once = await client.v1.events.retrieve_async(event.id)
        assert once.data.object["number"] is not None
        # Nothing of another account goes to this endpoint.
        count = len(receiver.got)
        async with sim.client(DE_KEY) as other:
            await other.v1.customers.create_async({"name": "Nordwerk"})
            assert len((await other.v1.events.list_async()).data) == 1
        assert len(receiver.got) == count
    body, signature = receiver.got[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, SECRET, api_key="sk_test_x")
    assert abs(int(signature[2:].partition(",")[0]) - time.time()) < 300


async def test_an_endpoint_made_by_the_api_has_its_own_secret_and_kinds(
    serve: Serve, until: Until
) -> None:
    """The secret is shown once; only enabled kinds are delivered; deleting stops it."""
    receiver = Receiver(statuses=[500])
    hook = serve(receiver.app()) + "/hook"
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        endpoint = await client.v1.webhook_endpoints.create_async(
            {
                "url": hook,
                "enabled_events": ["invoice.voided", "credit_note.created"],
                "api_version": "2026-10-28.endive",
            }
        )
        assert endpoint.secret is not None
        secret = endpoint.secret
        assert secret.startswith("whsec_")
        shown = await client.v1.webhook_endpoints.retrieve_async(endpoint.id)
        assert "secret" not in shown.to_dict()
        assert len((await client.v1.webhook_endpoints.list_async()).data) == 1
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        deal = await d2_items(client)
        for deed in ("void", "credit"):
            subscription = await client.v1.subscriptions.create_async(
                {
                    **deal,
                    "customer": customer.id,
                    "collection_method": "send_invoice",
                    "days_until_due": 30,
                }
            )
            invoice = str(subscription.latest_invoice)
            await client.v1.invoices.finalize_invoice_async(invoice)
            if deed == "void":
                await client.v1.invoices.void_invoice_async(invoice)
            else:
                await client.v1.credit_notes.create_async({"invoice": invoice, "amount": 2_113_440})
        # The first try was answered 500 and is repeated.
        until(lambda: len(receiver.got) == 2)
        assert set(receiver.kinds(secret)) == {"invoice.voided", "credit_note.created"}
        await client.v1.webhook_endpoints.delete_async(endpoint.id)
        with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
            await client.v1.webhook_endpoints.retrieve_async(endpoint.id)


async def test_schedules_and_failed_payments_have_their_events(serve: Serve) -> None:
    """subscription_schedule.*, invoice.payment_failed; the objects inside have Stripe's shape."""
    async with running(serve, now=at(2026, 1, 20)) as sim, sim.client() as client:
        customer = await client.v1.customers.create_async({"name": "Cobalt"})
        phases = await d4_phases(client)
        params: Any = {
            "customer": customer.id,
            "start_date": unix(at(2026, 2, 1)),
            "end_behavior": "cancel",
            "phases": phases,
        }
        schedule = await client.v1.subscription_schedules.create_async(params)
        sim.clock.freeze(at(2026, 2, 1))
        await client.v1.subscription_schedules.cancel_async(schedule.id, {"prorate": False})
        unlucky = await card_customer(client, "pm_card_chargeCustomerFail")
        await client.v1.subscriptions.create_async({**await d1_items(client), "customer": unlucky})
        listed = await client.v1.events.list_async({"limit": 100})
        kinds = {event.type for event in listed.data}
        assert {
            "subscription_schedule.created",
            "subscription_schedule.updated",
            "subscription_schedule.canceled",
            "customer.subscription.deleted",
            "invoice.payment_failed",
        } <= kinds
        for event in sim.world.accounts["acct_alder_us"].of("event").values():
            assert judge_event_object(event) == []
        # What the clock did has no request behind it.
        started = [event for event in listed.data if event.type == "subscription_schedule.updated"]
        assert started[0].request is not None
        assert started[0].request.id is None


async def test_webhooks_can_be_duplicated_and_sent_again(serve: Serve, until: Until) -> None:
    """The kit's switches, with valid signatures each time."""
    receiver = Receiver()
    hook = serve(receiver.app()) + "/hook"
    accounts = (
        AccountConfig(
            id="acct_alder_us", secret_key=US_KEY, webhook_url=hook, webhook_secret=SECRET
        ),
    )
    async with running(serve, now=NOW, accounts=accounts) as sim, sim.client() as client:
        await sim.http.post(f"{sim.url}/_sim/webhooks", json={"duplicate": 1})
        await client.v1.customers.create_async({"name": "Harborline"})
        until(lambda: len(receiver.got) == 2)
        sim.clock.advance(timedelta(days=1))
        again = await sim.http.post(f"{sim.url}/_sim/webhooks/redeliver", json={"all": True})
        assert again.json() == {"redelivered": 1}
        until(lambda: len(receiver.got) == 4)
        assert receiver.kinds() == ["customer.created"] * 4
        bodies = {body for body, _ in receiver.got}
        assert len(bodies) == 1
