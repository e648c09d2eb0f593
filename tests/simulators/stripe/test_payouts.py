"""What moves on an account's balance, and what is paid out of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from dealthread.simulators.stripe.config import AccountConfig
from tests.simulators.stripe.settlement import intent_of, paid
from tests.simulators.stripe.support import US_KEY, Sim, at, card_customer, running, unix

Serve = Callable[[Any], str]

DAILY = (AccountConfig(id="acct_alder_us", secret_key=US_KEY, payout_interval="daily"),)
HAND = (AccountConfig(id="acct_alder_us", secret_key=US_KEY),)


async def _charge_of(client: stripe.StripeClient, invoice: stripe.Invoice) -> stripe.Charge:
    intent = await client.v1.payment_intents.retrieve_async(
        intent_of(invoice), {"expand": ["latest_charge.balance_transaction"]}
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


async def _days(sim: Sim, client: stripe.StripeClient, days: int, hours: float = 0) -> None:
    sim.clock.advance(timedelta(days=days, hours=hours))
    await client.v1.payouts.list_async()


async def _in_it(client: stripe.StripeClient, payout: str) -> list[tuple[str, int, int]]:
    rows = await client.v1.balance_transactions.list_async({"payout": payout, "limit": 100})
    return [(row.type, row.amount, row.fee) for row in rows.data]


async def test_a_charge_moves_its_amount_less_the_stated_fee(serve: Serve) -> None:
    """stripe.com/pricing, "2.9% + 30¢": of 15,891.00 that is 461.14, as D1 of the worked deals."""
    async with running(serve, now=at(2026, 1, 1, 9), accounts=HAND) as sim, sim.client() as client:
        invoice = await paid(client, await card_customer(client), 1_589_100)
        moved = (await _charge_of(client, invoice)).balance_transaction
        assert isinstance(moved, stripe.BalanceTransaction)
        assert (moved.amount, moved.fee, moved.net) == (1_589_100, 46_114, 1_542_986)
        assert [(one.type, one.amount) for one in moved.fee_details] == [("stripe_fee", 46_114)]
        assert (moved.status, moved.available_on) == ("pending", unix(at(2026, 1, 3)))
        await _days(sim, client, 2)
        assert (await client.v1.balance_transactions.retrieve_async(moved.id)).status == "available"
        assert (await client.v1.payouts.list_async()).data == []


async def test_a_daily_schedule_pays_out_what_is_available_and_tells_what_is_in_it(
    serve: Serve,
) -> None:
    """docs.stripe.com/payouts/reconciliation: the list is there once reconciliation has completed,
    with the payout's own transaction; what is listed adds up to the payout."""
    async with running(serve, now=at(2026, 1, 1, 9), accounts=DAILY) as sim, sim.client() as client:
        customer = await card_customer(client)
        first = await paid(client, customer, 10_000)
        await paid(client, customer, 5_000)
        await client.v1.refunds.create_async({"payment_intent": intent_of(first), "amount": 2_000})
        await _days(sim, client, 2)
        (payout,) = (await client.v1.payouts.list_async()).data
        assert (payout.amount, payout.status, payout.automatic) == (12_505, "pending", True)
        assert payout.arrival_date == unix(at(2026, 1, 4))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await _in_it(client, payout.id)
        assert refused.value.code == "simulator_unsupported"
        await _days(sim, client, 0, hours=15.5)
        paid_out = await client.v1.payouts.retrieve_async(payout.id)
        assert (paid_out.status, paid_out.reconciliation_status) == ("paid", "in_progress")
        await _days(sim, client, 0, hours=1)
        rows = await _in_it(client, payout.id)
        assert rows == [
            ("payout", -12_505, 0),
            ("refund", -2_000, 0),
            ("charge", 5_000, 175),
            ("charge", 10_000, 320),
        ]
        assert sum(amount - fee for _, amount, fee in rows) == 0
        events = await client.v1.events.list_async({"limit": 100})
        told = [one.type for one in reversed(events.data) if one.type.startswith("payout.")]
        assert told == ["payout.created", "payout.paid", "payout.reconciliation_completed"]


async def test_what_the_bank_sends_back_goes_out_with_the_next_payout(serve: Serve) -> None:
    """docs.stripe.com/api/payouts: some that fail show as paid first; a balance transaction of its
    own brings the money back."""
    async with running(serve, now=at(2026, 1, 1, 9), accounts=DAILY) as sim, sim.client() as client:
        await paid(client, await card_customer(client), 10_000)
        await _days(sim, client, 3)
        (payout,) = (await client.v1.payouts.list_async()).data
        assert payout.status == "paid"
        url = f"{sim.url}/_sim/payouts/{payout.id}/fail"
        answer = await sim.http.post(url, json={"failure_code": "account_closed"})
        assert answer.status_code == 200
        failed = await client.v1.payouts.retrieve_async(
            payout.id, {"expand": ["failure_balance_transaction"]}
        )
        back = failed.failure_balance_transaction
        assert isinstance(back, stripe.BalanceTransaction)
        assert (failed.status, failed.failure_code) == ("failed", "account_closed")
        assert (back.type, back.net, back.reporting_category) == (
            "payout_failure",
            9_680,
            "payout_reversal",
        )
        again = await sim.http.post(url, json={"failure_code": "account_closed"})
        assert again.status_code == 400
        await _days(sim, client, 3)
        second, _ = (await client.v1.payouts.list_async()).data
        assert await _in_it(client, second.id) == [
            ("payout", -9_680, 0),
            ("payout_failure", 9_680, 0),
        ]


@pytest.mark.parametrize("body", [{}, {"failure_code": "bad_weather"}])
async def test_a_bank_gives_a_known_reason(serve: Serve, body: dict[str, str]) -> None:
    """And the payout stays as it was."""
    async with running(serve, now=at(2026, 1, 1, 9), accounts=DAILY) as sim, sim.client() as client:
        await paid(client, await card_customer(client), 10_000)
        await _days(sim, client, 3)
        (payout,) = (await client.v1.payouts.list_async()).data
        answer = await sim.http.post(f"{sim.url}/_sim/payouts/{payout.id}/fail", json=body)
        assert answer.status_code == 400
        assert "failure_code" in answer.json()["error"]
        assert (await client.v1.payouts.retrieve_async(payout.id)).status == "paid"


async def test_a_payout_by_hand_is_of_no_more_than_is_available_and_is_not_itemised(
    serve: Serve,
) -> None:
    """docs.stripe.com/api/balance_transactions/list: by payout "for automatic Stripe payouts
    only"."""
    async with running(serve, now=at(2026, 1, 1, 9), accounts=HAND) as sim, sim.client() as client:
        await paid(client, await card_customer(client), 10_000)
        wanted: Any = {"amount": 9_680, "currency": "usd"}
        with pytest.raises(stripe.InvalidRequestError) as early:
            await client.v1.payouts.create_async(wanted)
        assert early.value.code == "balance_insufficient"
        await _days(sim, client, 2)
        made = await client.v1.payouts.create_async(wanted)
        assert (made.automatic, made.reconciliation_status) == (False, "not_applicable")
        with pytest.raises(stripe.InvalidRequestError) as more:
            await client.v1.payouts.create_async({"amount": 1, "currency": "usd"})
        assert more.value.code == "balance_insufficient"
        with pytest.raises(stripe.InvalidRequestError, match="automatic transfers, not manual"):
            await client.v1.balance_transactions.list_async({"payout": made.id})
