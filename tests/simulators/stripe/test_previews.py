"""A preview shows the invoice that would come, its tax and its exemption, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    at,
    card_customer,
    d1_items,
    d2_items,
    d4_phases,
    running,
    unix,
)

Serve = Callable[[Any], str]


async def test_a_preview_for_a_customer_that_does_not_exist_equals_the_real_invoice(
    serve: Serve,
) -> None:
    """Preview and invoice come from one function: same lines, taxes and totals."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        deal = await d1_items(client)
        extra = deal["add_invoice_items"]
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"address": {"country": "US"}, "tax_exempt": "none"},
                "subscription_details": {"items": deal["items"]},
                "invoice_items": extra,
            }
        )
        assert preview.customer is None
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {**deal, "customer": customer, "expand": ["latest_invoice"]}
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        for name in ("subtotal", "total", "total_excluding_tax", "currency"):
            assert getattr(preview, name) == getattr(invoice, name)
        assert [
            (line.amount, line.quantity, [tax.amount for tax in line.taxes or []])
            for line in preview.lines.data
        ] == [
            (line.amount, line.quantity, [tax.amount for tax in line.taxes or []])
            for line in invoice.lines.data
        ]
        # A preview leaves nothing behind.
        assert len((await client.v1.invoices.list_async()).data) == 1


async def test_a_preview_of_a_schedule_shows_its_first_invoice(serve: Serve) -> None:
    """D4: the first phase, at its start in the future."""
    async with running(serve, now=at(2026, 1, 20)) as sim, sim.client() as client:
        phases = await d4_phases(client)
        phases[0]["start_date"] = unix(at(2026, 2, 1))
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"address": {"country": "US", "state": "NY"}},
                "schedule_details": {"phases": phases, "end_behavior": "cancel"},
            }
        )
        assert preview.total == 4_703_400
        assert preview.lines.data[0].period.start == unix(at(2026, 2, 1))


@pytest.mark.parametrize(
    ("exemption", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")]
)
async def test_an_exempt_customer_is_not_taxed_and_the_reason_is_shown(
    serve: Serve, exemption: Any, reason: str
) -> None:
    """tax_exempt exempt or reverse: no tax, the rate still named."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer_details": {"tax_exempt": exemption},
                "subscription_details": await d2_items(client),
            }
        )
        assert preview.total == 1_776_000
        taxes = preview.lines.data[0].taxes
        assert taxes is not None
        assert (taxes[0].amount, taxes[0].taxability_reason) == (0, reason)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"schedule": "sub_sched_1"}, "schedule"),
        (
            {"subscription_details": {"pause": {"invoicing_behavior": "invoice"}}},
            "subscription_details[pause]",
        ),
        ({"subscription_details": {"resume_at": "now"}}, "subscription_details[resume_at]"),
        ({}, "invoice_items"),
    ],
)
async def test_previews_that_are_not_carried_say_so(serve: Serve, wanted: Any, param: str) -> None:
    """docs/simulators/stripe.md names them."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoices.create_preview_async({"customer": customer, **wanted})
        assert (refused.value.code, refused.value.param) == ("simulator_unsupported", param)
