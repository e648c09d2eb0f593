"""The idempotency layer follows Stripe's published rules for v1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import DE_KEY, at, card_customer, keyed, running

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


async def test_the_same_key_twice_makes_one_object_and_answers_the_same(serve: Serve) -> None:
    """Saved result; the marker header is ours to name, its name is not confirmed by a page."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        params: Any = {"name": "Harborline", "metadata": {"key": "K1"}}
        first = await client.v1.customers.create_async(params, keyed("q2c#1/customer/do"))
        again = await client.v1.customers.create_async(params, keyed("q2c#1/customer/do"))
        assert first.id == again.id
        assert len((await client.v1.customers.list_async()).data) == 1
        response: Any = again.last_response
        assert response.headers["Idempotent-Replayed"] == "true"
        assert len(await sim.ledger("effects", effect="^customer.created$")) == 1


async def test_keys_belong_to_an_account(serve: Serve) -> None:
    """The same key in two accounts names two requests."""
    async with (
        running(serve, now=NOW) as sim,
        sim.client() as us,
        sim.client(DE_KEY) as de,
    ):
        one = await us.v1.customers.create_async({"name": "x"}, keyed("same"))
        other = await de.v1.customers.create_async({"name": "x"}, keyed("same"))
        assert one.id != other.id


async def test_other_parameters_or_another_endpoint_under_a_key_are_an_error(serve: Serve) -> None:
    """400 idempotency_error, and nothing is made."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        with pytest.raises(stripe.IdempotencyError, match="same parameters"):
            await client.v1.customers.create_async({"name": "B"}, keyed("k"))
        with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
            await client.v1.products.create_async({"name": "A"}, keyed("k"))
        assert len((await client.v1.customers.list_async()).data) == 1


async def test_a_key_in_use_is_a_conflict_and_the_first_request_wins(serve: Serve) -> None:
    """409 idempotency_key_in_use while the first request executes; later its result."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(kind="slow", target="execution", path="/v1/customers", delay=0.5)
        first = asyncio.create_task(client.v1.customers.create_async({"name": "A"}, keyed("k")))
        await sim.until_asked("^/v1/customers$")
        with pytest.raises(stripe.APIError) as conflict:
            await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        assert conflict.value.http_status == 409
        assert conflict.value.error is not None
        assert conflict.value.error.code == "idempotency_key_in_use"
        made = await first
        again = await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        assert again.id == made.id


async def test_a_key_is_forgotten_after_24_hours_of_business_time(serve: Serve) -> None:
    """A retry later than that makes a second object: look before repeating."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        first = await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        sim.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
        again = await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        sim.clock.advance(timedelta(seconds=1))
        anew = await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        assert first.id == again.id != anew.id


@pytest.mark.parametrize(("kind", "effects"), [("server_error", 0), ("server_error_after", 1)])
async def test_a_500_of_the_endpoint_is_saved_and_answered_again(
    serve: Serve, kind: str, effects: int
) -> None:
    """Stripe's own failure, with or without its effect: the key answers 500 for a day."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(kind=kind, target="execution", path="^/v1/customers$")
        for _ in range(2):
            with pytest.raises(stripe.APIError) as failure:
                await client.v1.customers.create_async({"name": "A"}, keyed("k"))
            assert failure.value.http_status == 500
        assert len(await sim.ledger("effects", effect="^customer.created$")) == effects
        sim.clock.advance(timedelta(hours=24))
        await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        assert len(await sim.ledger("effects", effect="^customer.created$")) == effects + 1


async def test_a_refusal_of_the_endpoint_is_saved_and_answered_again(serve: Serve) -> None:
    """A refusal by a rule of business, for a day, whatever is mended meanwhile."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(kind="reject", target="execution", code="nope", path="^/v1/customers$")
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await client.v1.customers.create_async({"name": "A"}, keyed("k"))
            assert refused.value.error is not None
            assert refused.value.error.code == "nope"
        sim.clock.advance(timedelta(hours=24))
        await client.v1.customers.create_async({"name": "A"}, keyed("k"))


async def test_a_500_of_a_gateway_is_not_saved(serve: Serve) -> None:
    """Struck outside the layer: after the effect, the key answers the object that was made."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(kind="server_error_after", path="^/v1/customers$")
        with pytest.raises(stripe.APIError):
            await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        made = await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        assert [one.id for one in (await client.v1.customers.list_async()).data] == [made.id]


async def test_validation_failures_401_and_429_are_not_saved(serve: Serve) -> None:
    """The corrected request may use the same key."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        wrong: Any = {"name": "A", "nmae": "B"}
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.customers.create_async(wrong, keyed("k"))
        await sim.fault(kind="rate_limit", path="^/v1/customers$")
        with pytest.raises(stripe.RateLimitError):
            await client.v1.customers.create_async({"name": "A"}, keyed("k"))
        async with sim.client("sk_test_wrong_key_0001") as stranger:
            with pytest.raises(stripe.AuthenticationError):
                await stranger.v1.customers.create_async({"name": "A"}, keyed("k"))
        made = await client.v1.customers.create_async({"name": "B"}, keyed("k"))
        assert made.name == "B"


async def test_a_business_rejection_is_saved(serve: Serve) -> None:
    """A declined card under a key stays declined, also after the card was replaced."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await card_customer(client, "pm_card_chargeCustomerFail")
        params: Any = {
            "customer": customer,
            "payment_behavior": "error_if_incomplete",
            "items": [
                {
                    "price_data": {
                        "currency": "usd",
                        "product": (
                            await client.v1.products.create_async({"name": "Team seat"})
                        ).id,
                        "unit_amount": 27000,
                        "recurring": {"interval": "year"},
                    }
                }
            ],
        }
        with pytest.raises(stripe.CardError):
            await client.v1.subscriptions.create_async(params, keyed("k"))
        method = await client.v1.payment_methods.attach_async(
            "pm_card_visa", {"customer": customer}
        )
        await client.v1.customers.update_async(
            customer, {"invoice_settings": {"default_payment_method": method.id}}
        )
        with pytest.raises(stripe.CardError):
            await client.v1.subscriptions.create_async(params, keyed("k"))
        made = await client.v1.subscriptions.create_async(params, keyed("other"))
        assert made.status == "active"


async def test_a_key_has_at_most_255_characters(serve: Serve) -> None:
    """docs.stripe.com/api/idempotent_requests."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await client.v1.customers.create_async({"name": "A"}, keyed("k" * 255))
        with pytest.raises(stripe.InvalidRequestError, match="255"):
            await client.v1.customers.create_async({"name": "A"}, keyed("k" * 256))
