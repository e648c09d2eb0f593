"""Runs last of the Stripe tests and tells how many exchanges Stripe's types have judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulators.stripe_support import JUDGED, at, card_customer, d1_items, running
from tests.simulators.stripe_types import KNOWN_EXCEPTIONS


async def test_every_exchange_of_every_test_was_judged_without_a_violation(
    serve: Callable[[Any], str], capsys: Any
) -> None:
    """`running` judges at the end of each test; a violation fails the test that made it."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async({**await d1_items(client), "customer": customer})
        count = len(sim.tape.exchanges)
    assert count >= 8
    with capsys.disabled():
        print(
            f"\nStripe's types judged {JUDGED['accepted']} accepted exchanges (request and answer)"
        )
        print(f"and {JUDGED['refused']} refusals: 0 violations, known exceptions:")
        for problem, reason in KNOWN_EXCEPTIONS.items():
            print(f"  {problem}: {reason}")
