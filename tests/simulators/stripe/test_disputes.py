"""What a payer's bank takes back, and what evidence comes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.settlement import paid
from tests.simulators.stripe.support import Sim, at, card_customer, running, unix

Serve = Callable[[Any], str]


async def _disputed(client: stripe.StripeClient) -> stripe.Dispute:
    await paid(client, await card_customer(client, "pm_card_createDispute"), 10_000)
    (found,) = (await client.v1.disputes.list_async()).data
    return found


async def _told(client: stripe.StripeClient) -> list[str]:
    events = await client.v1.events.list_async({"limit": 100})
    return [one.type for one in reversed(events.data) if one.type.startswith("charge.dispute.")]


async def _an_hour_later(sim: Sim) -> None:
    sim.clock.advance(timedelta(hours=1))


async def test_a_disputed_charge_is_taken_back_with_a_fee(serve: Serve) -> None:
    """docs.stripe.com/testing#disputes; stripe.com/pricing, "$15.00". The invoice stays paid."""
    async with running(serve, now=at(2026, 1, 1, 9)) as sim, sim.client() as client:
        dispute = await _disputed(client)
        assert (dispute.status, dispute.reason, dispute.amount) == (
            "needs_response",
            "fraudulent",
            10_000,
        )
        (moved,) = dispute.balance_transactions
        assert (moved.type, moved.reporting_category) == ("adjustment", "dispute")
        assert (moved.amount, moved.fee, moved.net) == (-10_000, 1_500, -11_500)
        assert dispute.evidence_details.due_by == unix(at(2026, 1, 11)) - 1
        assert isinstance(dispute.charge, str)
        charge = await client.v1.charges.retrieve_async(dispute.charge)
        assert charge.disputed
        assert (await client.v1.invoices.list_async()).data[0].status == "paid"
        assert await _told(client) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


@pytest.mark.parametrize(
    ("words", "status", "nets"),
    [("winning_evidence", "won", [-11_500, 10_000]), ("losing_evidence", "lost", [-11_500])],
)
async def test_evidence_decides_and_what_is_won_comes_back_without_the_fee(
    serve: Serve, words: str, status: str, nets: list[int]
) -> None:
    async with running(serve, now=at(2026, 1, 1, 9)) as sim, sim.client() as client:
        dispute = await _disputed(client)
        sent = await client.v1.disputes.update_async(
            dispute.id, {"evidence": {"uncategorized_text": words}}
        )
        assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.disputes.close_async(dispute.id)
        await _an_hour_later(sim)
        ended = await client.v1.disputes.retrieve_async(dispute.id)
        assert (ended.status, [one.net for one in ended.balance_transactions]) == (status, nets)
        assert (await _told(client))[-1] == "charge.dispute.closed"


async def test_a_loss_may_be_accepted_and_real_evidence_is_not_judged(serve: Serve) -> None:
    async with running(serve, now=at(2026, 1, 1, 9)) as sim, sim.client() as client:
        dispute = await _disputed(client)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.disputes.update_async(
                dispute.id, {"evidence": {"uncategorized_text": "the parcel arrived"}}
            )
        assert refused.value.code == "simulator_unsupported"
        staged = await client.v1.disputes.update_async(
            dispute.id, {"evidence": {"product_description": "seats"}, "submit": False}
        )
        assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
        assert (await client.v1.disputes.close_async(dispute.id)).status == "lost"
        assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "lost"
