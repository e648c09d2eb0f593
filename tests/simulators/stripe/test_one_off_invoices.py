"""One-off invoices: made by hand, changed while drafts, finalised, sent, written off, deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, running, tax_rate, unix

Serve = Callable[[Any], str]


async def payer(client: stripe.StripeClient, **more: Any) -> str:
    """A customer without a card."""
    made = await client.v1.customers.create_async({"name": "Payer", "email": "p@x.example", **more})
    return made.id


async def item(client: stripe.StripeClient, customer: str, amount: int, **more: Any) -> str:
    """An invoice item of an amount in dollars."""
    made = await client.v1.invoice_items.create_async(
        {"customer": customer, "currency": "usd", "amount": amount, **more}
    )
    return made.id


async def test_a_one_off_invoice_takes_pending_items_only_when_told_to(serve: Serve) -> None:
    """Docstring of `pending_invoice_items_behavior` (stripe 16.1): exclude is the default."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        await item(client, customer, 1500)
        await item(client, customer, -300)
        empty = await client.v1.invoices.create_async({"customer": customer})
        assert (empty.total, empty.billing_reason, empty.auto_advance) == (0, "manual", False)
        assert empty.automatically_finalizes_at is None
        assert empty.parent is None
        full = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        assert [line.amount for line in full.lines.data] == [-300, 1500]
        assert full.total == 1500 - 300


async def test_nothing_advances_by_itself_unless_asked(serve: Serve) -> None:
    """Docstring of `auto_advance` on create: defaults to false; with true, an hour passes."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        await item(client, customer, 2000)
        held = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        await item(client, customer, 3000)
        moving = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "pending_invoice_items_behavior": "include",
                "auto_advance": True,
            }
        )
        assert moving.next_payment_attempt == unix(at(2026, 1, 1, 1))
        sim.clock.advance(timedelta(hours=1))
        assert (await client.v1.invoices.retrieve_async(held.id)).status == "draft"
        paid = await client.v1.invoices.retrieve_async(moving.id)
        assert (paid.status, paid.amount_paid, paid.auto_advance) == ("paid", 3000, False)
        assert paid.next_payment_attempt is None


async def test_a_draft_is_composed_anew_when_its_lines_change(serve: Serve) -> None:
    """By add, update and remove, and by invoice items; lines keep their ids."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        rate = await tax_rate(client, 10, "TEN")
        draft = await client.v1.invoices.create_async(
            {"customer": customer, "default_tax_rates": [rate]}
        )
        on_it = await item(client, customer, 1000, invoice=draft.id)
        pending = await item(client, customer, 500)
        full = await client.v1.invoices.add_lines_async(
            draft.id,
            {
                "lines": [
                    {"invoice_item": pending},
                    {"amount": 250, "description": "By hand", "metadata": {"line": "9"}},
                ]
            },
        )
        assert full.subtotal == 1000 + 500 + 250
        assert full.total == 1750 + 175
        by_amount = {line.amount: line for line in full.lines.data}
        changed = await client.v1.invoices.update_lines_async(
            draft.id, {"lines": [{"id": by_amount[250].id, "amount": 350}]}
        )
        assert changed.total == 1850 + 185
        assert by_amount[250].id in [line.id for line in changed.lines.data]
        one = await client.v1.invoices.line_items.update_async(
            draft.id, by_amount[1000].id, {"description": "Renamed"}
        )
        assert (one.id, one.description) == (by_amount[1000].id, "Renamed")
        left = await client.v1.invoices.remove_lines_async(
            draft.id,
            {
                "lines": [
                    {"id": by_amount[250].id, "behavior": "delete"},
                    {"id": by_amount[500].id, "behavior": "unassign"},
                ]
            },
        )
        assert left.total == 1000 + 100
        free = await client.v1.invoice_items.list_async({"pending": True})
        assert [row.id for row in free.data] == [pending]
        await client.v1.invoice_items.update_async(on_it, {"amount": 2000})
        assert (await client.v1.invoices.retrieve_async(draft.id)).total == 2000 + 200
        await client.v1.invoice_items.delete_async(on_it)
        assert (await client.v1.invoices.retrieve_async(draft.id)).total == 0


async def test_a_refused_change_leaves_the_draft_as_it_was(serve: Serve) -> None:
    """Two lines, the second of which does not exist."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        draft = await client.v1.invoices.create_async({"customer": customer})
        await item(client, customer, 700, invoice=draft.id)
        before = await client.v1.invoices.retrieve_async(draft.id)
        line = before.lines.data[0].id
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoices.update_lines_async(
                draft.id, {"lines": [{"id": line, "amount": 1}, {"id": "il_none", "amount": 1}]}
            )
        assert refused.value.code == "resource_missing"
        with pytest.raises(stripe.InvalidRequestError, match="il_none"):
            await client.v1.invoices.remove_lines_async(
                draft.id,
                {
                    "lines": [
                        {"id": line, "behavior": "delete"},
                        {"id": "il_none", "behavior": "delete"},
                    ]
                },
            )
        after = await client.v1.invoices.retrieve_async(draft.id)
        assert after.to_dict() == before.to_dict()
        items = await client.v1.invoice_items.list_async({"invoice": draft.id})
        assert [row.amount for row in items.data] == [700]
        assert (await client.v1.invoices.finalize_invoice_async(draft.id)).total == 700


async def test_a_one_off_draft_can_be_deleted_and_its_items_wait_again(serve: Serve) -> None:
    """docs.stripe.com/api/invoices/delete; a finalised one cannot."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        waiting = await item(client, customer, 900)
        draft = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        assert (await client.v1.invoices.delete_async(draft.id)).deleted is True
        with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
            await client.v1.invoices.retrieve_async(draft.id)
        free = await client.v1.invoice_items.list_async({"pending": True})
        assert [row.id for row in free.data] == [waiting]
        again = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        await client.v1.invoices.finalize_invoice_async(again.id)
        with pytest.raises(stripe.InvalidRequestError, match="must be voided"):
            await client.v1.invoices.delete_async(again.id)


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        ({"days_until_due": 14}, at(2026, 1, 15)),
        ({"due_date": unix(at(2026, 2, 1))}, at(2026, 2, 1)),
    ],
)
async def test_a_sent_invoice_is_due_as_said(serve: Serve, terms: Any, due: Any) -> None:
    """`due_date` of send_invoice; an automatic one has none and cannot be given one."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        await item(client, customer, 9000)
        draft = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "collection_method": "send_invoice",
                "pending_invoice_items_behavior": "include",
                **terms,
            }
        )
        assert draft.hosted_invoice_url is None
        sent = await client.v1.invoices.send_invoice_async(draft.id)
        assert (sent.status, sent.due_date) == ("open", unix(due))
        assert sent.hosted_invoice_url is not None
        kinds = [row.type for row in (await client.v1.events.list_async({"limit": 100})).data]
        assert {"invoice.finalized", "invoice.sent"} <= set(kinds)
        with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
            await client.v1.invoices.create_async({"customer": customer, **terms})


async def test_an_overdue_invoice_is_told_of_at_its_due_date(serve: Serve) -> None:
    """Event `invoice.overdue`, once."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        await item(client, customer, 9000)
        draft = await client.v1.invoices.create_async(
            {
                "customer": customer,
                "collection_method": "send_invoice",
                "days_until_due": 10,
                "pending_invoice_items_behavior": "include",
            }
        )
        await client.v1.invoices.finalize_invoice_async(draft.id)
        sim.clock.freeze(at(2026, 1, 11))
        told = await client.v1.events.list_async({"type": "invoice.overdue"})
        assert [row.data.object["id"] for row in told.data] == [draft.id]


async def test_an_uncollectible_invoice_can_still_be_paid_or_voided(serve: Serve) -> None:
    """docs.stripe.com/invoicing/integration/workflow-transitions."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        ids = []
        for amount in (1000, 2000):
            await item(client, customer, amount)
            draft = await client.v1.invoices.create_async(
                {"customer": customer, "pending_invoice_items_behavior": "include"}
            )
            await client.v1.invoices.finalize_invoice_async(draft.id)
            lost = await client.v1.invoices.mark_uncollectible_async(draft.id)
            assert lost.status == "uncollectible"
            assert lost.status_transitions.marked_uncollectible_at == unix(at(2026, 1, 1))
            ids.append(draft.id)
        assert (await client.v1.invoices.pay_async(ids[0])).status == "paid"
        assert (await client.v1.invoices.void_invoice_async(ids[1])).status == "void"
        with pytest.raises(stripe.InvalidRequestError, match="only mark open"):
            await client.v1.invoices.mark_uncollectible_async(ids[0])


async def test_paid_out_of_band_makes_no_charge(serve: Serve) -> None:
    """docs.stripe.com/invoicing/overview#out-of-band: paid, without a payment intent's success."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        await item(client, customer, 5000)
        draft = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        await client.v1.invoices.finalize_invoice_async(draft.id)
        paid = await client.v1.invoices.pay_async(draft.id, {"paid_out_of_band": True})
        assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 5000, 0)
        assert paid.amount_paid_off_stripe == 5000
        assert (await client.v1.charges.list_async()).data == []
        kinds = {row.type for row in (await client.v1.events.list_async({"limit": 100})).data}
        assert "invoice.paid" in kinds
        assert "invoice.payment_succeeded" not in kinds
        with pytest.raises(stripe.InvalidRequestError, match="already paid"):
            await client.v1.invoices.pay_async(draft.id, {"paid_out_of_band": True})
