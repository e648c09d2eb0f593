"""Drafts: finalised alone or by hand, numbered without gaps, left over by a cancellation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    US_KEY,
    at,
    d2_items,
    d2_subscription,
    running,
    unix,
)

Serve = Callable[[Any], str]


async def test_a_draft_left_alone_finalises_itself_after_an_hour(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/invoices: one hour for send_invoice."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        subscription = await d2_subscription(client)
        sim.clock.advance(timedelta(minutes=59))
        invoice_id = str(subscription.latest_invoice)
        assert (await client.v1.invoices.retrieve_async(invoice_id)).status == "draft"
        sim.clock.advance(timedelta(minutes=1))
        issued = await client.v1.invoices.retrieve_async(invoice_id)
        assert issued.status == "open"
        assert issued.status_transitions.finalized_at == unix(at(2026, 3, 15, 1))


async def test_numbers_are_given_at_finalisation_only_and_without_gaps(serve: Serve) -> None:
    """Three subscriptions, the second one finalised first; accounts count for themselves."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        deal = await d2_items(client)
        drafts = []
        for name in ("a", "b", "c"):
            customer = await client.v1.customers.create_async({"name": name})
            subscription = await client.v1.subscriptions.create_async(
                {
                    **deal,
                    "customer": customer.id,
                    "collection_method": "send_invoice",
                    "days_until_due": 30,
                }
            )
            drafts.append(str(subscription.latest_invoice))
        second = await client.v1.invoices.finalize_invoice_async(drafts[1])
        assert second.number == "DE-2026-00001"
        sim.clock.advance(timedelta(hours=1))
        listed = await client.v1.invoices.list_async()
        numbers = sorted(str(invoice.number) for invoice in listed.data)
        assert numbers == ["DE-2026-00001", "DE-2026-00002", "DE-2026-00003"]
        async with sim.client(US_KEY) as other:
            assert (await other.v1.invoices.list_async()).data == []
            with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
                await other.v1.invoices.retrieve_async(drafts[0])


async def test_a_subscriptions_draft_cannot_be_deleted_and_a_draft_cannot_be_voided(
    serve: Serve,
) -> None:
    """docs.stripe.com/api/invoices/delete; void applies to finalised invoices only."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        subscription = await d2_subscription(client)
        draft = str(subscription.latest_invoice)
        with pytest.raises(stripe.InvalidRequestError, match="must be voided") as refusal:
            await client.v1.invoices.delete_async(draft)
        assert refusal.value.code == "invoice_not_editable"
        with pytest.raises(stripe.InvalidRequestError, match="only void"):
            await client.v1.invoices.void_invoice_async(draft)
        await client.v1.invoices.finalize_invoice_async(draft)
        voided = await client.v1.invoices.void_invoice_async(draft)
        assert (voided.status, voided.number) == ("void", "DE-2026-00001")


async def test_cancelling_a_subscription_leaves_its_held_draft_as_it_is(serve: Serve) -> None:
    """The residue of a deal stopped between creation and finalisation (compensation table)."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        subscription = await d2_subscription(client)
        draft = str(subscription.latest_invoice)
        await client.v1.invoices.update_async(draft, {"auto_advance": False})
        ended = await client.v1.subscriptions.cancel_async(
            subscription.id, {"prorate": False, "invoice_now": False}
        )
        assert ended.status == "canceled"
        sim.clock.advance(timedelta(days=400))
        invoices = await client.v1.invoices.list_async({"subscription": subscription.id})
        assert [(one.id, one.status) for one in invoices.data] == [(draft, "draft")]
        shown = await client.v1.subscriptions.list_async({"customer": subscription.customer})
        assert shown.data == []
        everything = await client.v1.subscriptions.list_async(
            {"customer": subscription.customer, "status": "all"}
        )
        assert [one.id for one in everything.data] == [subscription.id]
        with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
            await client.v1.subscriptions.cancel_async(subscription.id)


async def test_a_cancellation_holds_the_drafts_until_somebody_advances_them(serve: Serve) -> None:
    """docs.stripe.com/billing/subscriptions/cancel: `auto_advance` becomes false on open invoices
    and drafts; one can still collect by hand."""
    async with running(serve, now=at(2026, 3, 15)) as sim, sim.client(DE_KEY) as client:
        subscription = await d2_subscription(client)
        draft = str(subscription.latest_invoice)
        before = await client.v1.invoices.retrieve_async(draft)
        assert before.automatically_finalizes_at == unix(at(2026, 3, 15)) + 3600
        await client.v1.subscriptions.cancel_async(subscription.id, {"prorate": False})
        (told,) = (await client.v1.events.list_async({"type": "invoice.updated"})).data
        assert told.data.previous_attributes is not None
        assert told.data.previous_attributes["auto_advance"] is True
        sim.clock.advance(timedelta(days=40))
        held = await client.v1.invoices.retrieve_async(draft)
        assert (held.status, held.auto_advance, held.number) == ("draft", False, None)
        assert held.automatically_finalizes_at is None
        await client.v1.invoices.update_async(draft, {"auto_advance": True})
        sim.clock.advance(timedelta(hours=1))
        issued = await client.v1.invoices.retrieve_async(draft)
        assert (issued.status, issued.number) == ("open", "DE-2026-00001")
