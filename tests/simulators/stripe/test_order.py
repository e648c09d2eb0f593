"""Deeds of one instant: their order is a function of the requests, not of random ids."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dealthread.simulators.stripe.persistence import KeptAccounts
from tests.simulators.stripe.machine import Machine

COUNT = 6


def _numbers(*, is_restored: bool) -> list[str]:
    """Invoice numbers of drafts whose hour ends together, in the order of their creation."""
    sim = Machine()
    try:
        for _ in range(COUNT):
            customer = sim.post("customers", name="C", email="c@x.example")["id"]
            terms = {"collection_method": "send_invoice", "days_until_due": 30}
            draft = sim.post("invoices", customer=customer, auto_advance=True, **terms)
            sim.post(
                "invoiceitems", customer=customer, invoice=draft["id"], amount=500, currency="usd"
            )
        if is_restored:
            kept = KeptAccounts(sim.world)
            kept.restore(list(kept.rows()))
        sim.advance(timedelta(hours=1))
        return [row["number"] for row in sim.rows("invoice")]
    finally:
        sim.close()


@pytest.mark.parametrize("is_restored", [False, True], ids=["running", "read back"])
def test_drafts_of_one_instant_are_numbered_in_the_order_of_their_creation(
    *, is_restored: bool
) -> None:
    """By id they would be in order once in 720 runs."""
    assert _numbers(is_restored=is_restored) == [str(number + 1) for number in range(COUNT)]
