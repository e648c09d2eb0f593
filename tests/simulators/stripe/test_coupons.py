"""Coupons and promotion codes: what they may be, who may redeem them, until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, card_customer, product, running, unix, yearly

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


async def seats(client: stripe.StripeClient, amount: int = 10000) -> list[Any]:
    """One seat a year."""
    return [{"price_data": yearly(await product(client, "seat", "Seat"), "usd", amount)}]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({}, "percent_off"),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, "amount_off"),
        ({"amount_off": 500}, "currency"),
        ({"percent_off": 0}, "percent_off"),
        ({"percent_off": 100.5}, "percent_off"),
        ({"percent_off": 10, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 10, "duration_in_months": 2}, "duration_in_months"),
        ({"percent_off": 10, "redeem_by": unix(NOW) - 1}, "redeem_by"),
        ({"percent_off": 10, "redeem_by": unix(at(2031, 1, 2))}, "redeem_by"),
        ({"percent_off": 10, "applies_to": {"products": ["x"]}}, "applies_to[products][0]"),
        (
            {"amount_off": 5, "currency": "usd", "currency_options": {"eur": {"amount_off": 5}}},
            "currency_options",
        ),
    ],
)
async def test_a_coupon_that_makes_no_sense_is_refused(
    serve: Serve, params: Any, param: str
) -> None:
    """Docstrings of `CouponCreateParams`, stripe 16.1."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.coupons.create_async(params)
        assert refusal.value.param == param
        assert (await client.v1.coupons.list_async()).data == []


async def test_a_coupon_is_kept_renamed_and_deleted(serve: Serve) -> None:
    """Only its name and metadata change; products are answered when expanded."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        seat = await product(client, "seat", "Seat")
        made = await client.v1.coupons.create_async(
            {"id": "free-period", "percent_off": 12.5, "applies_to": {"products": [seat]}}
        )
        assert (made.percent_off, made.duration, made.valid) == (12.5, "once", True)
        with pytest.raises(stripe.InvalidRequestError, match="already exists"):
            await client.v1.coupons.create_async({"id": "free-period", "percent_off": 5})
        full = await client.v1.coupons.retrieve_async("free-period", {"expand": ["applies_to"]})
        assert full.applies_to is not None
        assert full.applies_to.products == [seat]
        renamed = await client.v1.coupons.update_async("free-period", {"name": "A month free"})
        assert renamed.name == "A month free"
        await client.v1.coupons.delete_async("free-period")
        assert (await client.v1.coupons.list_async()).data == []


async def test_a_coupon_ends_by_date_and_by_count(serve: Serve) -> None:
    """`redeem_by` and `max_redemptions` end redemption, not the discounts that exist."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        items = await seats(client)
        customer = await card_customer(client)
        await client.v1.coupons.create_async({"id": "two", "percent_off": 5, "max_redemptions": 2})
        await client.v1.coupons.create_async(
            {"id": "january", "percent_off": 5, "redeem_by": unix(at(2026, 1, 31))}
        )
        given: Any = {"customer": customer, "items": items}
        for _ in range(2):
            await client.v1.subscriptions.create_async({**given, "discounts": [{"coupon": "two"}]})
        used = await client.v1.coupons.retrieve_async("two")
        assert (used.times_redeemed, used.valid) == (2, False)
        with pytest.raises(stripe.InvalidRequestError, match="maximum number of times"):
            await client.v1.subscriptions.create_async({**given, "discounts": [{"coupon": "two"}]})
        sim.clock.advance(timedelta(days=31))
        assert not (await client.v1.coupons.retrieve_async("january")).valid
        with pytest.raises(stripe.InvalidRequestError) as late:
            await client.v1.subscriptions.create_async(
                {**given, "discounts": [{"coupon": "january"}]}
            )
        assert late.value.code == "coupon_expired"


async def test_a_refused_subscription_redeems_nothing(serve: Serve) -> None:
    """Without a card nothing is made, and nothing is counted; a preview counts nothing either."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        items = await seats(client)
        await client.v1.coupons.create_async({"id": "one", "percent_off": 50})
        customer = await client.v1.customers.create_async({"name": "No card"})
        discounts: Any = [{"coupon": "one"}]
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.subscriptions.create_async(
                {"customer": customer.id, "items": items, "discounts": discounts}
            )
        preview = await client.v1.invoices.create_preview_async(
            {
                "customer": customer.id,
                "subscription_details": {"items": items},
                "discounts": discounts,
            }
        )
        assert (preview.subtotal, preview.total) == (10000, 5000)
        assert (await client.v1.coupons.retrieve_async("one")).times_redeemed == 0


async def test_a_promotion_code_is_unique_among_the_active_regardless_of_case(
    serve: Serve,
) -> None:
    """docs.stripe.com/billing/subscriptions/coupons#create-promotion-codes."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.coupons.create_async({"id": "quarter", "percent_off": 25})
        one = (await client.v1.customers.create_async({"name": "One"})).id
        two = (await client.v1.customers.create_async({"name": "Two"})).id
        promotion: Any = {"type": "coupon", "coupon": "quarter"}
        codes = client.v1.promotion_codes
        for customer in (one, two):
            await codes.create_async(
                {"promotion": promotion, "code": "ALICE20", "customer": customer}
            )
        for clash in ({"customer": one}, {}):
            given: Any = {"promotion": promotion, "code": "alice20", **clash}
            with pytest.raises(stripe.InvalidRequestError, match="already exists"):
                await codes.create_async(given)
        everybody = await codes.create_async({"promotion": promotion, "code": "NEWUSER"})
        with pytest.raises(stripe.InvalidRequestError, match="already exists"):
            await codes.create_async({"promotion": promotion, "code": "NEWUSER", "customer": one})
        await codes.update_async(everybody.id, {"active": False})
        again = await codes.create_async({"promotion": promotion, "code": "NEWUSER"})
        with pytest.raises(stripe.InvalidRequestError, match="already exists"):
            await codes.update_async(everybody.id, {"active": True})
        found = await codes.list_async({"code": "newuser", "active": True})
        assert [row.id for row in found.data] == [again.id]
        assert len((await codes.create_async({"promotion": promotion})).code) >= 6


async def test_a_promotion_code_takes_limits_from_its_coupon_and_ends_with_it(
    serve: Serve,
) -> None:
    """Not later and not more often than the coupon; inactive for good once it has run out."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        last = unix(at(2026, 6, 1))
        await client.v1.coupons.create_async(
            {"id": "c", "percent_off": 25, "redeem_by": last, "max_redemptions": 10}
        )
        promotion: Any = {"type": "coupon", "coupon": "c"}
        codes = client.v1.promotion_codes
        made = await codes.create_async({"promotion": promotion, "code": "SPRING"})
        assert made.expires_at == last
        for wrong, param in (
            ({"expires_at": last + 1}, "expires_at"),
            ({"max_redemptions": 11}, "max_redemptions"),
            ({"restrictions": {"minimum_amount": 1}}, "restrictions[minimum_amount_currency]"),
            ({"code": "NOT OK"}, "code"),
        ):
            given: Any = {"promotion": promotion, **wrong}
            with pytest.raises(stripe.InvalidRequestError) as refusal:
                await codes.create_async(given)
            assert refusal.value.param == param
        await client.v1.coupons.delete_async("c")
        assert not (await codes.retrieve_async(made.id)).active
        with pytest.raises(stripe.InvalidRequestError, match="cannot be activated"):
            await codes.update_async(made.id, {"active": True})


async def test_restrictions_of_a_promotion_code_are_checked_when_it_is_redeemed(
    serve: Serve,
) -> None:
    """Customer, first transaction, minimum amount."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        items = await seats(client)
        await client.v1.coupons.create_async({"id": "c", "percent_off": 25})
        mine, other = await card_customer(client), await card_customer(client)
        promotion: Any = {"type": "coupon", "coupon": "c"}
        codes = client.v1.promotion_codes
        hers = await codes.create_async({"promotion": promotion, "customer": other})
        first = await codes.create_async(
            {"promotion": promotion, "restrictions": {"first_time_transaction": True}}
        )
        large = await codes.create_async(
            {
                "promotion": promotion,
                "restrictions": {"minimum_amount": 10001, "minimum_amount_currency": "usd"},
            }
        )

        async def subscribe(code: str, **more: Any) -> stripe.Subscription:
            given: Any = {
                "customer": mine,
                "items": items,
                "discounts": [{"promotion_code": code}],
                **more,
            }
            return await client.v1.subscriptions.create_async(given)

        with pytest.raises(stripe.InvalidRequestError, match="by this customer"):
            await subscribe(hers.id)
        with pytest.raises(stripe.InvalidRequestError, match="higher amount"):
            await subscribe(large.id)
        two: Any = [{**items[0], "quantity": 2}]
        made = await subscribe(large.id, items=two, expand=["latest_invoice"])
        assert isinstance(made.latest_invoice, stripe.Invoice)
        assert made.latest_invoice.total == 15000
        with pytest.raises(stripe.InvalidRequestError, match="prior transactions"):
            await subscribe(first.id)
        on_item: Any = [{**items[0], "discounts": [{"promotion_code": large.id}]}]
        with pytest.raises(stripe.InvalidRequestError, match="cannot be applied here"):
            await subscribe(hers.id, items=on_item, discounts=[])
        assert (await codes.retrieve_async(large.id)).times_redeemed == 1
