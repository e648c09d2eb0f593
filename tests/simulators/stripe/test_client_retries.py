"""What the official client's own repetitions leave behind, fault by fault.

The client repeats after lost connections, 409 and 5xx, under the key it made for the first attempt;
a 429 it does not repeat (stripe 16.1, `_http_client.py`, `_should_retry`). A vendor that keeps its
promise about keys then has one object (docs.stripe.com/error-low-level).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import at, running

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's pauses between attempts are its own affair."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)


async def _created(sim: Any) -> tuple[stripe.StripeError | None, list[str | None], int]:
    """A creation with two repetitions: its error, the key of each attempt, how many were made."""
    problem = None
    async with sim.client() as client:
        try:
            await client.v1.customers.create_async({"name": "A"}, {"max_network_retries": 2})
        except stripe.StripeError as exc:
            problem = exc
        made = len((await client.v1.customers.list_async()).data)
    asked = [
        one for one in await sim.ledger("requests", path="/customers$") if one["method"] == "POST"
    ]
    return problem, [one["idempotency_key"] for one in asked], made


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse"},
        {"kind": "lose_answer"},
        {"kind": "server_error"},
        {"kind": "server_error_after"},
        {"kind": "html"},
        {"kind": "reject", "status": 409, "code": "idempotency_key_in_use"},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_a_repetition_of_the_client_makes_one_object(
    serve: Serve, fault: dict[str, Any]
) -> None:
    """Two attempts under one key; the second is answered, whatever the first had done."""
    async with running(serve, now=NOW) as sim:
        await sim.fault(**fault, method="POST", path="^/v1/customers$")
        problem, keys, made = await _created(sim)
        assert problem is None
        assert len(keys) == 2
        assert len(set(keys)) == 1
        assert keys[0]
        assert made == 1


async def test_a_throttled_call_is_not_repeated_by_the_client(serve: Serve) -> None:
    """429: whoever calls must wait by itself."""
    async with running(serve, now=NOW) as sim:
        await sim.fault(kind="rate_limit", method="POST", path="^/v1/customers$")
        problem, keys, made = await _created(sim)
        assert isinstance(problem, stripe.RateLimitError)
        assert (len(keys), made) == (1, 0)


@pytest.mark.parametrize(("kind", "made"), [("server_error", 0), ("server_error_after", 1)])
async def test_a_saved_500_meets_every_repetition(serve: Serve, kind: str, made: int) -> None:
    """Stripe's own failure belongs to the key: three attempts, the same 500."""
    async with running(serve, now=NOW) as sim:
        await sim.fault(kind=kind, target="execution", method="POST", path="^/v1/customers$")
        problem, keys, there = await _created(sim)
        assert problem is not None
        assert problem.http_status == 500
        assert (len(keys), len(set(keys)), there) == (3, 1, made)
