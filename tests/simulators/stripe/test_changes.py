"""Changing what a subscription bills: items, quantities, prices, cycle; when the money follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import Case, amounts, new_case, seats
from tests.simulators.stripe.support import Sim, at, running, tax_rate, unix

START, HALF, END = at(2026, 4, 1), at(2026, 4, 16), at(2026, 5, 1)


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def test_prorations_wait_for_the_renewal_unless_invoiced_at_once(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "quantity": 5}])
        assert await case.pending() == [-1000, 2500]
        await case.advance(at(2026, 5, 1, 2))
        renewal = (await case.invoices(held))[-1]
        assert amounts(renewal) == [-1000, 2500, 5000]
        assert [line.quantity for line in renewal.lines.data] == [2, 5, 5]
        assert await case.pending() == []


async def test_proration_items_name_their_subscription_item_and_their_debit(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "quantity": 5}])
        rows = (await client.v1.invoice_items.list_async({"customer": case.customer})).data
        credit, debit = rows
        for row in rows:
            assert (row.proration, row.discountable, row.invoice) == (True, False, None)
            assert row.parent is not None
            assert row.parent.subscription_details is not None
            assert row.parent.subscription_details.subscription_item == item
            assert (row.period.start, row.period.end) == (unix(HALF), unix(END))
        details = credit.proration_details.credited_items
        line = held.latest_invoice.lines.data[0]
        assert details.type == "invoice_line_items"
        named = details.invoice_line_item_details
        assert (named.invoice, named.invoice_line_items) == (held.latest_invoice.id, [line.id])
        assert debit.proration_details.credited_items is None
        # A second change credits the debit that is still pending.
        await case.update(held, items=[{"id": item, "quantity": 4}])
        rows = (await client.v1.invoice_items.list_async({"customer": case.customer})).data
        again = rows[0].proration_details.credited_items
        assert (again.type, again.invoice_item) == ("invoice_item", debit.id)
        assert [row.amount for row in rows] == [-2500, 2000, -1000, 2500]


async def test_a_new_price_has_the_quantity_one_unless_told_otherwise(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/change-price."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case, quantity=3)
        item = held["items"].data[0]
        other = await case.price(2000)
        changed = await case.update(held, items=[{"id": item.id, "price": other}])
        now = changed["items"].data[0]
        assert (now.id, now.price.id, now.quantity) == (item.id, other, 1)
        changed = await case.update(
            held, items=[{"id": item.id, "price": item.price.id, "quantity": 3}]
        )
        assert changed["items"].data[0].quantity == 3


async def test_an_item_without_an_id_is_added_and_one_can_be_deleted(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        support = await case.price(600)
        changed = await case.update(
            held, items=[{"price": support}], proration_behavior="always_invoice"
        )
        assert amounts(changed.latest_invoice) == [300]
        first, second = changed["items"].data
        assert first.id == held["items"].data[0].id
        assert (second.current_period_start, second.current_period_end) == (
            unix(START),
            unix(END),
        )
        removed = await case.update(
            held,
            items=[{"id": first.id, "deleted": True}],
            proration_behavior="always_invoice",
        )
        assert [one.id for one in removed["items"].data] == [second.id]
        invoice = removed.latest_invoice
        assert (amounts(invoice), invoice.amount_due, invoice.status) == ([-1000], 0, "paid")
        customer = await client.v1.customers.retrieve_async(case.customer)
        assert customer.balance == -1000


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"id": "si_nobody", "quantity": 2}], "No such subscription item"),
        ([{"deleted": True}], "with an id can be deleted"),
        ([{"id": "OWN", "deleted": True}], "at least one active item"),
        ([{"price": "OWN"}], "multiple subscription items with the same price"),
        ([{"id": "OWN", "quantity": 2}, {"id": "OWN", "quantity": 3}], "an item once"),
    ],
)
async def test_items_that_make_no_sense_are_refused(sim: Sim, items: Any, message: str) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        own = held["items"].data[0]
        for entry in items:
            if entry.get("id") == "OWN":
                entry["id"] = own.id
            if entry.get("price") == "OWN":
                entry["price"] = own.price.id
        with pytest.raises(stripe.InvalidRequestError, match=message):
            await case.update(held, items=items)
        assert (await case.held(held))["items"].data[0].quantity == 2


async def test_an_upgrade_that_cannot_be_paid_leaves_the_subscription_past_due(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/change-price#immediate-payment."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        await _decline_from_now_on(case)
        item = held["items"].data[0].id
        wanted: Any = {
            "items": [{"id": item, "quantity": 9}],
            "proration_behavior": "always_invoice",
        }
        with pytest.raises(stripe.CardError):
            await case.update(held, **wanted, payment_behavior="error_if_incomplete")
        untouched = await case.held(held)
        assert (untouched["items"].data[0].quantity, await case.pending()) == (2, [])
        changed = await case.update(held, **wanted)
        assert changed["items"].data[0].quantity == 9
        assert (changed.status, changed.latest_invoice.status) == ("past_due", "open")


async def _decline_from_now_on(case: Case) -> None:
    card = await case.client.v1.payment_methods.attach_async(
        "pm_card_chargeCustomerFail", {"customer": case.customer}
    )
    await case.client.v1.customers.update_async(
        case.customer, {"invoice_settings": {"default_payment_method": card.id}}
    )


async def test_default_incomplete_waits_for_the_payment(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item = held["items"].data[0].id
        changed = await case.update(
            held,
            items=[{"id": item, "quantity": 9}],
            proration_behavior="always_invoice",
            payment_behavior="default_incomplete",
        )
        assert (changed.status, changed.latest_invoice.status) == ("past_due", "open")
        await client.v1.invoices.pay_async(changed.latest_invoice.id)
        assert (await case.held(held)).status == "active"


async def test_a_sent_invoice_of_a_change_is_a_draft_first(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case, collection_method="send_invoice", days_until_due=30)
        await case.advance(HALF)
        item = held["items"].data[0].id
        changed = await case.update(
            held, items=[{"id": item, "quantity": 5}], proration_behavior="always_invoice"
        )
        invoice = changed.latest_invoice
        assert (invoice.status, invoice.total) == ("draft", 1500)
        assert invoice.billing_reason == "subscription_update"


async def test_resetting_the_anchor_bills_a_new_period_at_once(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/billing-cycle#reset-the-billing-period."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        changed = await case.update(held, billing_cycle_anchor={"type": "now"})
        assert changed.billing_cycle_anchor == unix(HALF)
        item = changed["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == (
            unix(HALF),
            unix(at(2026, 5, 16)),
        )
        assert amounts(changed.latest_invoice) == [-1000, 2000]
        assert changed.latest_invoice.status == "paid"
        await case.advance(at(2026, 5, 16, 2))
        assert [one.total for one in await case.invoices(held)] == [2000, 1000, 2000]


async def test_resetting_the_anchor_without_proration_credits_nothing(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        changed = await case.update(
            held, billing_cycle_anchor={"type": "now"}, proration_behavior="none"
        )
        assert amounts(changed.latest_invoice) == [2000]


async def test_a_monthly_item_becomes_a_yearly_one_when_the_anchor_is_reset(sim: Sim) -> None:
    """Flexible billing never resets the anchor by itself (billing-mode/compare)."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item, yearly = held["items"].data[0].id, await case.price(20_000, "year")
        wanted = [{"id": item, "price": yearly, "quantity": 2}]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await case.update(held, items=wanted)
        assert refused.value.code == "simulator_unsupported"
        changed = await case.update(held, items=wanted, billing_cycle_anchor={"type": "now"})
        assert amounts(changed.latest_invoice) == [-1000, 40_000]
        assert changed["items"].data[0].current_period_end == unix(at(2027, 4, 16))


async def test_changes_that_bill_nothing_make_no_items(sim: Sim) -> None:
    """docs.stripe.com/billing/subscriptions/prorations#what-doesnt-trigger-prorations."""
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        await case.advance(HALF)
        item = held["items"].data[0].id
        for change in (
            {"metadata": {"a": "b"}},
            {"items": [{"id": item, "metadata": {"line": "1"}}]},
            {"description": "seats", "proration_behavior": "always_invoice"},
            {"collection_method": "send_invoice", "days_until_due": 30},
            {"cancel_at_period_end": True, "proration_behavior": "always_invoice"},
        ):
            await case.update(held, **change)
        assert await case.pending() == []
        assert len(await case.invoices(held)) == 1
        shown = (await case.held(held))["items"].data[0]
        assert (shown.id, dict(shown.metadata.to_dict())) == (item, {"line": "1"})


@pytest.mark.parametrize("date", [at(2026, 3, 31), END])
async def test_a_proration_date_lies_in_the_current_period(sim: Sim, date: Any) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case)
        item = held["items"].data[0].id
        wanted: Any = {"items": [{"id": item, "quantity": 3}], "proration_date": unix(date)}
        with pytest.raises(stripe.InvalidRequestError, match="outside of the subscription's"):
            await case.update(held, **wanted)
        with pytest.raises(stripe.InvalidRequestError, match="proration_date"):
            await case.update(held, **wanted, proration_behavior="none")


async def test_a_credit_carries_the_tax_of_the_line_it_gives_back(sim: Sim) -> None:
    """A tax rate that changed in between applies to what is billed from now on only."""
    async with sim.client() as client:
        case = await new_case(client, START)
        old = await tax_rate(client, 10, "OLD")
        held = await seats(case, default_tax_rates=[old])
        assert held.latest_invoice.total == 2200
        await case.advance(HALF)
        new = await tax_rate(client, 20, "NEW")
        item = held["items"].data[0].id
        changed = await case.update(
            held,
            default_tax_rates=[new],
            items=[{"id": item, "quantity": 4}],
            proration_behavior="always_invoice",
        )
        taxes = [
            [(tax.amount, tax.tax_rate_details.tax_rate) for tax in line.taxes]
            for line in changed.latest_invoice.lines.data
        ]
        assert taxes == [[(-100, old)], [(400, new)]]
        assert changed.latest_invoice.total == -1000 - 100 + 2000 + 400


async def test_a_voided_invoice_gives_no_credit(sim: Sim) -> None:
    async with sim.client() as client:
        case = await new_case(client, START)
        held = await seats(case, collection_method="send_invoice", days_until_due=30)
        await client.v1.invoices.finalize_invoice_async(held.latest_invoice.id)
        await client.v1.invoices.void_invoice_async(held.latest_invoice.id)
        await case.advance(HALF)
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "quantity": 4}])
        assert await case.pending() == [2000]
