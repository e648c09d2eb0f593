"""Each fault on each class of endpoint, as Stripe's official client meets it.

What the client must see is Stripe's (docs.stripe.com/error-handling, /api/errors) or the network's;
whether the effect happened is read from the simulator's ledger and from the objects themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from dealthread.simulators.kit.faults import FaultKind
from tests.simulators.stripe.support import at, product, running, yearly

Serve = Callable[[Any], str]
Until = Callable[[Callable[[], bool]], None]
NOW = at(2026, 1, 1)
PATIENCE = 0.15
"""Seconds after which the client of a late effect gives up."""


@dataclass(frozen=True)
class World:
    """Ids of what the calls work on."""

    customer: str
    idle: str
    price_data: Any
    draft: str


Call = Callable[[stripe.StripeClient, World], Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """A class of endpoint: which request, what it does, the effect it leaves."""

    method: str
    path: str
    call: Call
    effect: str | None = None
    """Pattern of the ledger's effects; None for a read."""


ENDPOINTS = {
    "read": Endpoint(
        "GET", "^/v1/customers/cus_", lambda c, w: c.v1.customers.retrieve_async(w.customer)
    ),
    "list": Endpoint("GET", r"^/v1/customers(\?|$)", lambda c, w: c.v1.customers.list_async()),
    "search": Endpoint(
        "GET",
        "^/v1/customers/search",
        lambda c, w: c.v1.customers.search_async({"query": "metadata['a']:'b'"}),
    ),
    "create": Endpoint(
        "POST",
        "^/v1/customers$",
        lambda c, w: c.v1.customers.create_async({"name": "Second"}),
        "^customer.created$",
    ),
    "update": Endpoint(
        "POST",
        "^/v1/customers/cus_",
        lambda c, w: c.v1.customers.update_async(w.customer, {"name": "Renamed"}),
        "^customer.updated$",
    ),
    "delete": Endpoint(
        "DELETE",
        "^/v1/customers/cus_",
        lambda c, w: c.v1.customers.delete_async(w.idle),
        "^customer.deleted$",
    ),
    "action": Endpoint(
        "POST",
        "^/v1/invoices/in_.*/finalize$",
        lambda c, w: c.v1.invoices.finalize_invoice_async(w.draft),
        "^invoice.finalized$",
    ),
    "composed create": Endpoint(
        "POST",
        "^/v1/subscriptions$",
        lambda c, w: c.v1.subscriptions.create_async(
            {
                "customer": w.customer,
                "items": [{"price_data": w.price_data}],
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        ),
        "^subscription.created$",
    ),
    "preview": Endpoint(
        "POST",
        "^/v1/invoices/create_preview$",
        lambda c, w: c.v1.invoices.create_preview_async(
            {
                "customer": w.customer,
                "subscription_details": {"items": [{"price_data": w.price_data}]},
            }
        ),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What the client sees, and whether the effect happened."""

    error: type[stripe.StripeError]
    status: int | None
    code: str | None
    happens: bool


OUTCOMES: dict[str, tuple[dict[str, Any], Outcome]] = {
    "refuse": ({}, Outcome(stripe.APIConnectionError, None, None, False)),
    "lose_answer": ({}, Outcome(stripe.APIConnectionError, None, None, True)),
    "rate_limit": ({"retry_after": 3}, Outcome(stripe.RateLimitError, 429, "rate_limit", False)),
    "lock_timeout": (
        {"kind": "rate_limit", "code": "lock_timeout"},
        Outcome(stripe.RateLimitError, 429, "lock_timeout", False),
    ),
    "server_error": ({}, Outcome(stripe.APIError, 503, None, False)),
    "server_error_after": ({}, Outcome(stripe.APIError, 500, None, True)),
    "malformed": ({}, Outcome(stripe.APIError, 200, None, True)),
    "reject": (
        {"status": 400, "code": "resource_missing", "message": "No such thing"},
        Outcome(stripe.InvalidRequestError, 400, "resource_missing", False),
    ),
    "declined": ({"kind": "reject"}, Outcome(stripe.CardError, 402, "card_declined", False)),
    "auth": ({}, Outcome(stripe.AuthenticationError, 401, "api_key_expired", False)),
    "html": ({}, Outcome(stripe.APIError, 502, None, False)),
}


async def _furnished(client: stripe.StripeClient) -> World:
    customer = await client.v1.customers.create_async({"name": "First", "metadata": {"a": "b"}})
    price_data = yearly(await product(client, "seat", "Seat"), "usd", 12000)
    subscription = await client.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price_data": price_data}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )
    idle = await client.v1.customers.create_async({"name": "Without a contract"})
    return World(customer.id, idle.id, price_data, str(subscription.latest_invoice))


@pytest.mark.parametrize("fault", list(OUTCOMES))
@pytest.mark.parametrize("name", list(ENDPOINTS))
async def test_a_fault_at_an_endpoint(serve: Serve, name: str, fault: str) -> None:
    """The client's error with its status and code; the effect exactly as the fault says."""
    endpoint = ENDPOINTS[name]
    spec, expected = OUTCOMES[fault]
    async with running(serve, now=NOW) as sim, sim.client() as client:
        world = await _furnished(client)
        before = await _effects(sim, endpoint)
        await sim.fault(**{"kind": fault, **spec}, method=endpoint.method, path=endpoint.path)
        with pytest.raises(expected.error) as failure:
            await endpoint.call(client, world)
        problem = failure.value
        assert problem.http_status == expected.status
        if expected.code is not None:
            assert problem.error is not None
            assert problem.error.code == expected.code
        happened = expected.happens and endpoint.effect is not None
        assert await _effects(sim, endpoint) - before == int(happened)
        (armed,) = (await sim.http.get(f"{sim.url}/_sim/faults")).json()["faults"]
        assert armed["hits"] == 1


@pytest.mark.parametrize("name", list(ENDPOINTS))
async def test_a_slow_answer_at_an_endpoint_is_an_answer(serve: Serve, name: str) -> None:
    """Inside the client's patience nothing is wrong."""
    endpoint = ENDPOINTS[name]
    async with running(serve, now=NOW) as sim, sim.client() as client:
        world = await _furnished(client)
        before = await _effects(sim, endpoint)
        await sim.fault(kind="slow", method=endpoint.method, path=endpoint.path, delay=0.05)
        await endpoint.call(client, world)
        assert await _effects(sim, endpoint) - before == int(endpoint.effect is not None)


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if ENDPOINTS[name].effect])
async def test_a_late_effect_at_an_endpoint_is_a_time_out_first(
    serve: Serve, until: Until, name: str
) -> None:
    """The client has given up; the effect comes all the same, once."""
    endpoint = ENDPOINTS[name]
    async with running(serve, now=NOW) as sim, sim.client() as patient:
        world = await _furnished(patient)
        before = await _effects(sim, endpoint)
        await sim.fault(
            kind="late_effect", method=endpoint.method, path=endpoint.path, delay=2 * PATIENCE
        )
        async with sim.client(seconds=PATIENCE) as client:
            with pytest.raises(stripe.APIConnectionError):
                await endpoint.call(client, world)
            assert await _effects(sim, endpoint) == before
        entries = sim.world.ledger.effects
        wanted = str(endpoint.effect).strip("^$")
        until(lambda: sum(entry.kind == wanted for entry in list(entries)) == before + 1)


def test_every_kind_of_fault_stands_in_the_matrix() -> None:
    """All but stale reads, which Stripe does not have and its simulator refuses."""
    apart = {"slow", "late_effect", "stale_read"}
    told = {spec.get("kind", name) for name, (spec, _) in OUTCOMES.items()}
    assert told | apart == set(FaultKind)


async def _effects(sim: Any, endpoint: Endpoint) -> int:
    if endpoint.effect is None:
        return 0
    return len(await sim.ledger("effects", effect=endpoint.effect))
