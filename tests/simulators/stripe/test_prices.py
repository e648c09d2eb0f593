"""Every kind of price the types allow, how it is shown and found, and what it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, product, running

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)
MONTH: Any = {"interval": "month"}


def fonts(product_id: str, mode: str, **more: Any) -> Any:
    """docs.stripe.com/subscriptions/pricing-models/tiered-pricing, as a create."""
    return {
        "product": product_id,
        "currency": "usd",
        "recurring": MONTH,
        "billing_scheme": "tiered",
        "tiers_mode": mode,
        "tiers": [
            {"up_to": 5, "unit_amount": 700},
            {"up_to": 10, "unit_amount": 650},
            {"up_to": "inf", "unit_amount": 600},
        ],
        **more,
    }


async def test_tiers_are_answered_only_when_they_are_expanded(serve: Serve) -> None:
    """A tiered price has no unit amount; its tiers are part of the answer on request."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        font = await product(client, "font", "Font")
        price = await client.v1.prices.create_async(fonts(font, "graduated"))
        assert (price.billing_scheme, price.tiers_mode, price.unit_amount) == (
            "tiered",
            "graduated",
            None,
        )
        assert "tiers" not in price.to_dict()
        full = await client.v1.prices.retrieve_async(price.id, {"expand": ["tiers"]})
        assert [(tier.up_to, tier.unit_amount) for tier in full.tiers or []] == [
            (5, 700),
            (10, 650),
            (None, 600),
        ]


async def test_a_graduated_item_is_billed_by_a_line_for_each_tier(serve: Serve) -> None:
    """6 fonts, 35 + 6.50 = 41.50 USD; the published example."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        font = await product(client, "font", "Font")
        price = await client.v1.prices.create_async(fonts(font, "graduated"))
        subscription = await client.v1.subscriptions.create_async(
            {
                "customer": await card_customer(client),
                "items": [{"price": price.id, "quantity": 6}],
                "expand": ["latest_invoice"],
            }
        )
        invoice = subscription.latest_invoice
        assert isinstance(invoice, stripe.Invoice)
        assert (invoice.total, invoice.status) == (4150, "paid")
        assert [(line.quantity, line.amount) for line in invoice.lines.data] == [
            (5, 3500),
            (1, 650),
        ]
        assert [
            None if line.pricing is None else str(line.pricing.unit_amount_decimal)
            for line in invoice.lines.data
        ] == ["700", "650"]
        assert invoice.lines.data[1].description == "1 × Font (Tier 2 at $6.50 / month)"


async def test_packages_are_billed_by_what_the_quantity_comes_to(serve: Serve) -> None:
    """10 USD for every 5 users: 6 users are 20 USD, and the line still says 6."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        suite = await product(client, "suite", "Suite")
        price = await client.v1.prices.create_async(
            {
                "product": suite,
                "currency": "usd",
                "unit_amount": 1000,
                "recurring": MONTH,
                "transform_quantity": {"divide_by": 5, "round": "up"},
            }
        )
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer": await card_customer(client),
                "subscription_details": {"items": [{"price": price.id, "quantity": 6}]},
            }
        )
        assert preview.total == 2000
        assert preview.lines.data[0].quantity == 6


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"unit_amount": 500}, "unit_amount"),
        ({"transform_quantity": {"divide_by": 5, "round": "up"}}, "transform_quantity"),
        ({"tiers_mode": None}, "tiers_mode"),
        ({"tiers": [{"up_to": 5, "unit_amount": 1}]}, "tiers[0][up_to]"),
        (
            {"tiers": [{"up_to": 5, "unit_amount": 1}, {"up_to": 5, "unit_amount": 1}]},
            "tiers[1][up_to]",
        ),
        ({"tiers": [{"up_to": "inf"}]}, "tiers[0][unit_amount]"),
        ({"recurring": None}, "billing_scheme"),
        ({"billing_scheme": "per_unit", "unit_amount": 1}, "tiers"),
        ({"currency_options": {"eur": {"unit_amount": 1}}}, "currency_options"),
        ({"custom_unit_amount": {"enabled": True}}, "custom_unit_amount"),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "recurring[meter]"),
        ({"recurring": {"interval": "month", "meter": "mtr_1"}}, "recurring[meter]"),
    ],
)
async def test_what_does_not_go_together_is_refused_by_name(
    serve: Serve, change: dict[str, Any], param: str
) -> None:
    """A price that cannot be billed is not made."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        font = await product(client, "font", "Font")
        mixed = {**fonts(font, "volume"), **change}
        given: Any = {name: value for name, value in mixed.items() if value is not None}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.prices.create_async(given)
        assert refusal.value.param == param
        assert (await client.v1.prices.list_async()).data == []


async def test_a_lookup_key_is_one_prices_alone_and_can_be_transferred(serve: Serve) -> None:
    """`transfer_lookup_key` takes it from the price that had it."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        seat = await product(client, "seat", "Seat")
        given: Any = {
            "product": seat,
            "currency": "usd",
            "unit_amount": 100,
            "lookup_key": "seat",
        }
        old = await client.v1.prices.create_async(given)
        with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
            await client.v1.prices.create_async(given)
        new = await client.v1.prices.create_async({**given, "transfer_lookup_key": True})
        assert (await client.v1.prices.retrieve_async(old.id)).lookup_key is None
        found = await client.v1.prices.list_async({"lookup_keys": ["seat"]})
        assert [one.id for one in found.data] == [new.id]


async def test_lists_show_active_prices_and_never_inline_ones(serve: Serve) -> None:
    """Docstring of `Price.list`, stripe 16.1."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        seat = await product(client, "seat", "Seat")
        kept = await client.v1.prices.create_async(
            {"product": seat, "currency": "usd", "unit_amount": 100, "recurring": MONTH}
        )
        gone = await client.v1.prices.create_async(
            {"product": seat, "currency": "usd", "unit_amount": 200}
        )
        await client.v1.prices.update_async(gone.id, {"active": False})
        inline: Any = {
            "product": seat,
            "currency": "usd",
            "unit_amount": 300,
            "recurring": MONTH,
        }
        await client.v1.subscriptions.create_async(
            {"customer": await card_customer(client), "items": [{"price_data": inline}]}
        )
        assert [one.id for one in (await client.v1.prices.list_async()).data] == [kept.id]
        inactive = await client.v1.prices.list_async({"active": False})
        assert [one.id for one in inactive.data] == [gone.id]
        monthly = await client.v1.prices.list_async({"recurring": {"interval": "month"}})
        assert [one.id for one in monthly.data] == [kept.id]
        yearly = await client.v1.prices.list_async({"recurring": {"interval": "year"}})
        assert yearly.data == []


async def test_a_product_has_a_default_price_of_its_own(serve: Serve) -> None:
    """Made with it or set later; a default price cannot be archived."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        made = await client.v1.products.create_async(
            {"name": "Seat", "default_price_data": {"currency": "usd", "unit_amount": 900}}
        )
        first = str(made.default_price)
        assert (await client.v1.prices.retrieve_async(first)).unit_amount == 900
        with pytest.raises(stripe.InvalidRequestError, match="default price"):
            await client.v1.prices.update_async(first, {"active": False})
        second = await client.v1.prices.create_async(
            {"product": made.id, "currency": "usd", "unit_amount": 800}
        )
        await client.v1.products.update_async(made.id, {"default_price": second.id})
        await client.v1.prices.update_async(first, {"active": False})
        with pytest.raises(stripe.InvalidRequestError, match="not an active price"):
            await client.v1.products.update_async(made.id, {"default_price": first})
        other = await client.v1.prices.create_async(
            {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Other"}}
        )
        with pytest.raises(stripe.InvalidRequestError, match="not an active price"):
            await client.v1.products.update_async(made.id, {"default_price": other.id})
