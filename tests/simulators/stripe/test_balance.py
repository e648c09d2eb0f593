"""A customer's balance: its ledger, what invoices take from it and give to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.settlement import charged, payer
from tests.simulators.stripe.support import at, card_customer, running

Serve = Callable[[Any], str]


async def ledger(client: stripe.StripeClient, customer: str) -> list[tuple[str, int, int]]:
    """Type, amount and balance after each transaction, oldest first."""
    rows = await client.v1.customers.balance_transactions.list_async(customer, {"limit": 100})
    return [(row.type, row.amount, row.ending_balance) for row in reversed(rows.data)]


async def test_adjustments_are_recorded_as_test_mode_records_them(serve: Serve) -> None:
    """github.com/gburgyan/aat-stripe, "Customer balance": -500, then +700, leaves -500 and 200."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        rows = client.v1.customers.balance_transactions
        first = await rows.create_async(customer, {"amount": -500, "currency": "usd"})
        second = await rows.create_async(customer, {"amount": 700, "currency": "usd"})
        assert [row.type for row in (first, second)] == ["adjustment", "adjustment"]
        assert [row.ending_balance for row in (first, second)] == [-500, 200]
        listed = await rows.list_async(customer)
        assert [row.id for row in listed.data] == [second.id, first.id]
        await rows.update_async(
            customer, first.id, {"description": "Goodwill", "metadata": {"note": "n"}}
        )
        again = await rows.retrieve_async(customer, first.id)
        assert (again.description, again.amount) == ("Goodwill", -500)
        assert (await client.v1.customers.retrieve_async(customer)).balance == 200
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await rows.create_async(customer, {"amount": 1, "currency": "eur"})
        assert refused.value.code == "simulator_unsupported"


async def test_a_balance_given_with_the_customer_is_its_first_transaction(serve: Serve) -> None:
    """docs.stripe.com/billing/customer/balance#types: initial; an update is an adjustment."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client, balance=-1000)
        await client.v1.customers.update_async(customer, {"balance": -400})
        assert await ledger(client, customer) == [
            ("initial", -1000, -1000),
            ("adjustment", 600, -400),
        ]


async def test_credit_is_taken_by_the_next_invoice_and_given_back_by_its_void(
    serve: Serve,
) -> None:
    """docs.stripe.com/changelog/2019-12-03/customer-balances-returned-voided-invoices."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client, balance=-1000)
        invoice = await charged(client, customer, 3000)
        assert (invoice.amount_due, invoice.starting_balance, invoice.ending_balance) == (
            2000,
            -1000,
            0,
        )
        await client.v1.invoices.void_invoice_async(invoice.id)
        assert await ledger(client, customer) == [
            ("initial", -1000, -1000),
            ("applied_to_invoice", 1000, 0),
            ("unapplied_from_invoice", -1000, -1000),
        ]
        of_invoice = await client.v1.customers.balance_transactions.list_async(
            customer, {"invoice": invoice.id}
        )
        assert len(of_invoice.data) == 2


async def test_a_draft_shows_the_current_balance(serve: Serve) -> None:
    """Docstring of `Invoice.starting_balance`: until finalised, that of the customer now."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        await client.v1.invoice_items.create_async(
            {"customer": customer, "currency": "usd", "amount": 3000}
        )
        draft = await client.v1.invoices.create_async(
            {"customer": customer, "pending_invoice_items_behavior": "include"}
        )
        await client.v1.customers.balance_transactions.create_async(
            customer, {"amount": -2500, "currency": "usd"}
        )
        shown = await client.v1.invoices.retrieve_async(draft.id)
        assert (shown.starting_balance, shown.amount_due, shown.ending_balance) == (
            -2500,
            500,
            None,
        )


async def test_a_total_below_zero_is_credited_and_paid_at_once(serve: Serve) -> None:
    """docs.stripe.com/billing/customer/balance: the next invoice is lower by it."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        invoice = await charged(client, customer, -1200)
        assert (invoice.status, invoice.total, invoice.amount_due) == ("paid", -1200, 0)
        assert invoice.ending_balance == -1200
        after = await charged(client, customer, 5000)
        assert after.amount_due == 3800


# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
PUBLISHED_MINIMUMS = [
    ("usd", 50),
    ("eur", 50),
    ("gbp", 30),
    ("chf", 50),
    ("jpy", 50),
    ("sek", 300),
    ("dkk", 250),
]


@pytest.mark.parametrize(("currency", "minimum"), PUBLISHED_MINIMUMS)
async def test_what_is_too_little_to_charge_becomes_a_debit(
    serve: Serve, currency: str, minimum: int
) -> None:
    """Below the minimum: paid, and owed with the next invoice; at the minimum: open."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        made = []
        for amount in (minimum - 1, minimum):
            await client.v1.invoice_items.create_async(
                {"customer": customer, "currency": currency, "amount": amount}
            )
            draft = await client.v1.invoices.create_async(
                {"customer": customer, "pending_invoice_items_behavior": "include"}
            )
            made.append(await client.v1.invoices.finalize_invoice_async(draft.id))
        small, large = made
        assert (small.status, small.amount_due, small.total) == ("paid", 0, minimum - 1)
        assert small.ending_balance == minimum - 1
        assert (large.status, large.amount_due) == ("open", 2 * minimum - 1)
        assert await ledger(client, customer) == [
            ("invoice_too_small", minimum - 1, minimum - 1),
            ("applied_to_invoice", -(minimum - 1), 0),
        ]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.payment_intents.create_async(
                {"amount": minimum - 1, "currency": currency}
            )
        assert refused.value.code == "amount_too_small"


async def test_a_small_rest_after_a_credit_note_is_not_charged(serve: Serve) -> None:
    """A charge of it would be below the minimum: the vendor's `amount_too_small`."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        invoice = await charged(client, customer, 1000)
        await client.v1.credit_notes.create_async({"invoice": invoice.id, "amount": 980})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoices.pay_async(invoice.id)
        assert refused.value.code == "amount_too_small"
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.attempt_count, after.amount_remaining) == ("open", 0, 20)
