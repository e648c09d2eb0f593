"""Each fault of the switch as the official client sees it, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

from tests.simulators.stripe.support import at, keyed, running

Serve = Callable[[Any], str]
Until = Callable[[Callable[[], bool]], None]
NOW = at(2026, 1, 1)


@pytest.mark.parametrize(
    ("fault", "error", "status", "made"),
    [
        ({"kind": "refuse"}, stripe.APIConnectionError, None, 0),
        ({"kind": "lose_answer"}, stripe.APIConnectionError, None, 1),
        ({"kind": "rate_limit", "retry_after": 7}, stripe.RateLimitError, 429, 0),
        ({"kind": "server_error"}, stripe.APIError, 503, 0),
        ({"kind": "server_error_after"}, stripe.APIError, 500, 1),
        ({"kind": "malformed"}, stripe.APIError, 200, 1),
        ({"kind": "reject"}, stripe.CardError, 402, 0),
        (
            {"kind": "reject", "status": 400, "code": "resource_missing", "message": "No such x"},
            stripe.InvalidRequestError,
            400,
            0,
        ),
        ({"kind": "auth"}, stripe.AuthenticationError, 401, 0),
        ({"kind": "html"}, stripe.APIError, 502, 0),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
async def test_a_fault_is_what_the_vendor_or_the_network_would_do(
    serve: Serve, fault: dict[str, Any], error: type[Exception], status: int | None, made: int
) -> None:
    """The error of the client, the number of effects, and one object after the repetition."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(path="^/v1/customers$", method="POST", **fault)
        with pytest.raises(error) as failure:
            await client.v1.customers.create_async({"name": "Harborline"}, keyed("k"))
        problem = failure.value
        assert isinstance(problem, stripe.StripeError)
        assert problem.http_status == status
        assert len(await sim.ledger("effects", effect="^customer.created$")) == made
        if fault["kind"] == "rate_limit":
            assert problem.error is not None
            assert problem.error.code == "rate_limit"
            assert problem.headers is not None
            assert problem.headers["Retry-After"] == "7"
        # The same key again: whatever happened, there is one customer in the end.
        again = await client.v1.customers.create_async({"name": "Harborline"}, keyed("k"))
        assert [one.id for one in (await client.v1.customers.list_async()).data] == [again.id]


async def test_a_late_effect_comes_after_the_client_has_given_up(
    serve: Serve, until: Until
) -> None:
    """Time-out first (unknown outcome), the customer afterwards."""
    async with (
        running(serve, now=NOW) as sim,
        sim.client(seconds=0.2) as client,
    ):
        await sim.fault(kind="late_effect", path="^/v1/customers$", delay=0.6)
        with pytest.raises(stripe.APIConnectionError) as failure:
            await client.v1.customers.create_async({"name": "Harborline"}, keyed("k"))
        assert isinstance(failure.value.__cause__, httpx.ReadTimeout)
        held = sim.world.accounts["acct_alder_us"]
        assert not held.of("customer")
        until(lambda: len(held.of("customer")) == 1)


async def test_a_slow_answer_is_an_answer(serve: Serve) -> None:
    """Inside the client's patience nothing is wrong."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        await sim.fault(kind="slow", path="^/v1/customers$", delay=0.2)
        made = await client.v1.customers.create_async({"name": "Harborline"})
        assert made.id.startswith("cus_")


async def test_stale_reads_are_refused_because_stripe_reads_its_writes(serve: Serve) -> None:
    """Only search lags; a fault nobody can have is not offered."""
    async with running(serve, now=NOW) as sim:
        answer = await sim.http.post(f"{sim.url}/_sim/faults", json={"kind": "stale_read"})
        assert answer.status_code == 400
