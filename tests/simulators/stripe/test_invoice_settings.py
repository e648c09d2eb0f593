"""Invoice settings of the Stripe simulator: what subscriptions and phases print on invoices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import DE_KEY, Sim, at, d2_items, running

Serve = Callable[[Any], str]
PO: Any = {"name": "PO number", "value": "4500098765"}
SENT: Any = {"collection_method": "send_invoice", "days_until_due": 30}


async def _customer(client: stripe.StripeClient) -> str:
    return (await client.v1.customers.create_async({"name": "Nordwerk"})).id


async def _printed(client: stripe.StripeClient, subscription: str) -> list[Any]:
    """Custom fields and footer of a subscription's invoices, newest first."""
    bills = await client.v1.invoices.list_async({"subscription": subscription})
    return [([f.value for f in bill.custom_fields or []], bill.footer) for bill in bills]


def _year(sim: Sim) -> None:
    sim.clock.advance(timedelta(days=366))


async def test_changed_settings_are_printed_from_the_next_invoice_on(serve: Serve) -> None:
    """An update replaces what it names and leaves the rest; earlier invoices keep theirs."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        wanted: Any = {
            "customer": await _customer(client),
            **await d2_items(client),
            **SENT,
            "invoice_settings": {"custom_fields": [PO], "footer": "Net 30"},
        }
        made = await client.v1.subscriptions.create_async(wanted)
        changed = await client.v1.subscriptions.update_async(
            made.id, {"invoice_settings": {"custom_fields": [{"name": "PO", "value": "7"}]}}
        )
        assert changed.invoice_settings.footer == "Net 30"
        _year(sim)
        await client.v1.subscriptions.update_async(
            made.id, {"invoice_settings": {"custom_fields": "", "footer": ""}}
        )
        _year(sim)
        assert await _printed(client, made.id) == [
            ([], None),
            (["7"], "Net 30"),
            (["4500098765"], "Net 30"),
        ]


async def test_a_phase_prints_its_own_settings_and_else_the_defaults(serve: Serve) -> None:
    """Two phases: the second has an order number of its own; the footer is the schedule's."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        items = (await d2_items(client))["items"]
        year: Any = {"interval": "year"}
        schedule = await client.v1.subscription_schedules.create_async(
            {
                "customer": await _customer(client),
                "start_date": "now",
                "default_settings": {
                    "collection_method": "send_invoice",
                    "invoice_settings": {
                        "days_until_due": 30,
                        "custom_fields": [PO],
                        "footer": "Net 30",
                    },
                },
                "phases": [
                    {"items": items, "duration": year},
                    {
                        "items": items,
                        "duration": year,
                        "invoice_settings": {
                            "days_until_due": 14,
                            "custom_fields": [{"name": "PO", "value": "7"}],
                        },
                    },
                ],
            }
        )
        _year(sim)
        subscription = str(schedule.subscription)
        assert await _printed(client, subscription) == [
            (["7"], "Net 30"),
            (["4500098765"], "Net 30"),
        ]
        held = await client.v1.subscriptions.retrieve_async(subscription)
        assert held.days_until_due == 14
        shown = held.invoice_settings.custom_fields
        assert [field.value for field in shown or []] == ["7"]


@pytest.mark.parametrize(
    ("settings", "param", "code"),
    [
        ({"custom_fields": [PO] * 5}, "invoice_settings[custom_fields]", None),
        (
            {"custom_fields": [{"name": "n" * 41, "value": "1"}]},
            "invoice_settings[custom_fields][0][name]",
            "parameter_invalid_string",
        ),
        (
            {"custom_fields": [{"name": "PO"}]},
            "invoice_settings[custom_fields][0][value]",
            "parameter_missing",
        ),
        ({"issuer": {"type": "self"}}, "invoice_settings[issuer]", "simulator_unsupported"),
        ({"description": "x"}, "invoice_settings[description]", "simulator_unsupported"),
        ({"days_until_due": 3}, "invoice_settings[days_until_due]", "parameter_unknown"),
    ],
)
async def test_settings_beyond_the_types_or_not_carried_are_refused_by_name(
    serve: Serve, settings: Any, param: str, code: str | None
) -> None:
    """Four fields, 40 and 140 characters; days until due belong beside, not inside."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        wanted: Any = {
            "customer": await _customer(client),
            **await d2_items(client),
            **SENT,
            "invoice_settings": settings,
        }
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.subscriptions.create_async(wanted)
        assert (refused.value.param, refused.value.code) == (param, code)
