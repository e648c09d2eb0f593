"""The worked examples that Stripe publishes on proration, cancellation and cycles, as it has them.

Each test names the page its numbers come from; nothing here was computed by the simulator. Where a
page speaks in round months (60 of 120 for half a year), the amount to the second is computed here
by itself, and must lie within one unit of the published one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.case import amounts, new_case, to_the_second
from tests.simulators.stripe.support import Sim, at, running, unix

PRORATIONS = "https://docs.stripe.com/billing/subscriptions/prorations"
CANCEL = "https://docs.stripe.com/billing/subscriptions/cancel"
CYCLE = "https://docs.stripe.com/billing/subscriptions/billing-cycle"
BACKDATING = "https://docs.stripe.com/billing/subscriptions/backdating"
TRIALS = "https://docs.stripe.com/billing/subscriptions/trials/free-trials"
MIXED = "https://docs.stripe.com/billing/subscriptions/mixed-interval"


@pytest.fixture
async def sim(serve: Callable[[Any], str]) -> AsyncIterator[Sim]:
    async with running(serve, now=at(2026, 10, 1)) as one:
        yield one


async def test_half_a_period_after_an_upgrade_from_10_to_20_costs_5_more(sim: Sim) -> None:
    """PRORATIONS: -5 for unused time on the initial price, 10 for the rest on the new one."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 4, 1))
        held = await case.subscribe(await case.price(1000))
        await case.advance(at(2026, 4, 16))
        item = held["items"].data[0].id
        changed = await case.update(
            held,
            items=[{"id": item, "price": await case.price(2000)}],
            proration_behavior="always_invoice",
        )
        invoice = changed.latest_invoice
        assert amounts(invoice) == [-500, 1000]
        assert (invoice.total, invoice.status) == (500, "paid")
        assert changed["items"].data[0].id == item


async def test_the_example_of_a_preview_to_the_cent(sim: Sim) -> None:
    """PRORATIONS#preview-proration: 1,000 to 3,252 at 1598982148 of 1596749288 to 1599427688."""
    start, date, end = 1_596_749_288, 1_598_982_148, 1_599_427_688
    async with sim.client() as client:
        case = await new_case(client, datetime.fromtimestamp(start, UTC))
        held = await case.subscribe(await case.price(1000))
        item = held["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == (start, end)
        wanted = [{"id": item.id, "price": await case.price(3252)}]
        preview = await case.preview(held, items=wanted, proration_date=date)
        assert amounts(preview) == [-166, 541, 3252]
        assert (preview.subtotal, preview.total, preview.amount_due) == (3627, 3627, 3627)
        assert preview.billing_reason == "upcoming"
        assert (preview.period_start, preview.period_end) == (start, end)
        credit, debit, following = preview.lines.data
        assert [line.parent.subscription_item_details.proration for line in preview.lines.data] == [
            True,
            True,
            False,
        ]
        assert (credit.discountable, debit.discountable, following.discountable) == (
            False,
            False,
            True,
        )
        assert {(line.period.start, line.period.end) for line in (credit, debit)} == {(date, end)}
        assert (following.period.start, following.period.end) == (end, 1_602_019_688)
        assert credit.description == "Unused time on Gold plan after 01 Sep 2020"
        assert debit.description == "Remaining time on Gold plan after 01 Sep 2020"
        # The update with the same date bills the same, and says what it credits.
        await case.update(held, items=wanted, proration_date=date)
        again = await case.preview(held)
        assert amounts(again) == [-166, 541, 3252]
        first = held.latest_invoice
        credited = again.lines.data[0].parent.subscription_item_details.proration_details
        assert credited.credited_items.invoice == first.id
        assert credited.credited_items.invoice_line_items == [first.lines.data[0].id]


async def test_a_credit_uses_what_was_billed_not_the_present_price(sim: Sim) -> None:
    """PRORATIONS#calculation-logic-with-no-prorations, flexible: -3.33 and 3.33, total 0."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 4, 1))
        ten, twenty = await case.price(1000), await case.price(2000)
        held = await case.subscribe(ten)
        item = held["items"].data[0].id
        await case.advance(at(2026, 4, 11))
        raised = await case.update(
            held, items=[{"id": item, "price": twenty}], proration_behavior="none"
        )
        assert raised.latest_invoice.id == held.latest_invoice.id
        await case.advance(at(2026, 4, 21))
        lowered = await case.update(
            held, items=[{"id": item, "price": ten}], proration_behavior="always_invoice"
        )
        assert amounts(lowered.latest_invoice) == [-333, 333]
        assert lowered.latest_invoice.total == 0


async def test_a_switch_from_100_to_200_in_mid_month_bills_250_at_renewal(sim: Sim) -> None:
    """Docstring of Subscription.update (stripe 16.1): 200 for the renewal, 50 for the half."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 5, 1))
        held = await case.subscribe(await case.price(10_000))
        # The half of May's 31 days.
        await case.advance(at(2026, 5, 16, 12))
        item = held["items"].data[0].id
        await case.update(held, items=[{"id": item, "price": await case.price(20_000)}])
        assert len(await case.invoices(held)) == 1
        await case.advance(at(2026, 6, 1, 2))
        renewal = (await case.invoices(held))[-1]
        assert (renewal.total, renewal.billing_reason) == (25_000, "subscription_cycle")


async def test_a_cancel_date_in_the_next_year_shortens_its_invoice(sim: Sim) -> None:
    """CANCEL#custom-cancel-date: 120 a year, renewed on 1 January 2024, ends on 1 July: 60."""
    async with sim.client() as client:
        case = await new_case(client, at(2023, 1, 1))
        held = await case.subscribe(await case.price(12_000, "year"))
        await case.update(held, cancel_at=unix(at(2024, 7, 1)))
        assert amounts(await case.preview(held)) == [5967]
        await case.advance(at(2024, 1, 1, 2))
        renewal = (await case.invoices(held))[-1]
        year = (at(2024, 1, 1), at(2025, 1, 1))
        exact = to_the_second(12_000, at(2024, 1, 1), at(2024, 7, 1), year)
        assert abs(exact - 6_000) <= 100
        assert renewal.subtotal == exact
        shown = await client.v1.subscriptions.retrieve_async(held.id)
        assert shown["items"].data[0].current_period_end == unix(at(2024, 7, 1))

        # On 15 February the end moves to 1 October: 30 more, for a quarter.
        await case.advance(at(2024, 2, 15))
        later = await case.update(held, cancel_at=unix(at(2024, 10, 1)))
        assert later["items"].data[0].current_period_end == unix(at(2024, 10, 1))
        exact = to_the_second(12_000, at(2024, 7, 1), at(2024, 10, 1), year)
        assert abs(exact - 3_000) <= 100
        assert await case.pending() == [exact]
        await case.advance(at(2024, 10, 1, 2))
        final = (await case.invoices(held))[-1]
        assert (final.subtotal, final.status) == (exact, "paid")
        ended = await client.v1.subscriptions.retrieve_async(held.id)
        assert (ended.status, ended.ended_at) == ("canceled", unix(at(2024, 10, 1)))


async def test_a_cancel_date_moved_closer_gives_the_rest_back(sim: Sim) -> None:
    """CANCEL#cancellation-with-billing-cycle-anchor: from 1 July to 1 April gives back 30."""
    async with sim.client() as client:
        case = await new_case(client, at(2024, 1, 1))
        held = await case.subscribe(
            await case.price(12_000, "year"), cancel_at=unix(at(2024, 7, 1))
        )
        year = (at(2024, 1, 1), at(2025, 1, 1))
        billed = to_the_second(12_000, at(2024, 1, 1), at(2024, 7, 1), year)
        assert held.latest_invoice.subtotal == billed
        await case.advance(at(2024, 2, 15))
        sooner = await case.update(held, cancel_at=unix(at(2024, 4, 1)))
        assert sooner["items"].data[0].current_period_end == unix(at(2024, 4, 1))
        exact = to_the_second(
            billed, at(2024, 4, 1), at(2024, 7, 1), (at(2024, 1, 1), at(2024, 7, 1))
        )
        assert abs(exact - 3_000) <= 100
        assert await case.pending() == [-exact]


@pytest.mark.parametrize(
    ("start", "now", "share"),
    [
        # The page: exactly half the amount of a normal monthly charge.
        (at(2026, 2, 15), at(2026, 2, 20), Fraction(14, 28)),
        # The page: seventeen thirty-firsts, approximately 0.548.
        (at(2026, 1, 15), at(2026, 1, 20), Fraction(17, 31)),
    ],
)
async def test_a_backdated_part_of_a_month(
    sim: Sim, start: datetime, now: datetime, share: Fraction
) -> None:
    """BACKDATING: a monthly cycle on the first of the month, begun in the middle of one."""
    async with sim.client() as client:
        case = await new_case(client, now)
        first = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        held = await case.subscribe(
            await case.price(31_000),
            backdate_start_date=unix(start),
            billing_cycle_anchor=unix(first),
        )
        assert held.latest_invoice.subtotal == int(31_000 * share + Fraction(1, 2))
        assert held.start_date == unix(start)
        await case.advance(first + timedelta(hours=2))
        assert (await case.invoices(held))[-1].subtotal == 31_000


async def test_a_migrated_subscription_is_billed_from_its_start_to_its_anchor(sim: Sim) -> None:
    """BACKDATING: on 15 October, from 1 September with the anchor on 1 November."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 10, 15))
        held = await case.subscribe(
            await case.price(1000),
            backdate_start_date=unix(at(2026, 9, 1)),
            billing_cycle_anchor=unix(at(2026, 11, 1)),
        )
        lines = held.latest_invoice.lines.data
        # Flexible billing: a line for each natural period.
        assert [(line.period.start, line.period.end, line.amount) for line in lines] == [
            (unix(at(2026, 9, 1)), unix(at(2026, 10, 1)), 1000),
            (unix(at(2026, 10, 1)), unix(at(2026, 11, 1)), 1000),
        ]
        assert held.start_date == unix(at(2026, 9, 1))
        await case.advance(at(2026, 11, 1, 2))
        assert [one.created for one in await case.invoices(held)] == [
            unix(at(2026, 10, 15)),
            unix(at(2026, 11, 1)),
        ]


@pytest.mark.parametrize(
    ("begun", "trial_end", "prorated_until"),
    [
        # "we generate a prorated invoice on the 22nd for the period between the 22nd and the 1st"
        (at(2026, 6, 15), at(2026, 6, 22), at(2026, 7, 1)),
        # "the free trial extends past the 1st, generating a prorated invoice until the next month"
        (at(2026, 6, 28), at(2026, 7, 5), at(2026, 8, 1)),
    ],
)
async def test_a_week_of_trial_before_a_cycle_on_the_first(
    sim: Sim, begun: datetime, trial_end: datetime, prorated_until: datetime
) -> None:
    """CYCLE and TRIALS: free, then a part of a month, then whole ones."""
    async with sim.client() as client:
        case = await new_case(client, begun)
        held = await case.subscribe(
            await case.price(9300),
            trial_end=unix(trial_end),
            billing_cycle_anchor=unix(at(2026, 7, 1)),
        )
        assert (held.status, held.latest_invoice.total) == ("trialing", 0)
        await case.advance(trial_end + timedelta(hours=2))
        invoices = await case.invoices(held)
        month = (prorated_until.replace(month=prorated_until.month - 1), prorated_until)
        part = to_the_second(9300, trial_end, prorated_until, month)
        assert [(one.created, one.subtotal) for one in invoices] == [
            (unix(begun), 0),
            (unix(trial_end), part),
        ]
        await case.advance(prorated_until + timedelta(hours=2))
        last = (await case.invoices(held))[-1]
        assert (last.created, last.subtotal) == (unix(prorated_until), 9300)


async def test_a_trial_moves_the_billing_date(sim: Sim) -> None:
    """CYCLE#change-the-billing-period-using-a-trial-period: from 23 July to 1 August."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 6, 23))
        held = await case.subscribe(await case.price(1000))
        await case.advance(at(2026, 7, 15))
        moved = await case.update(held, trial_end=unix(at(2026, 8, 1)), proration_behavior="none")
        assert moved.status == "trialing"
        assert (moved.latest_invoice.total, moved.latest_invoice.created) == (
            0,
            unix(at(2026, 7, 15)),
        )
        assert moved.billing_cycle_anchor == unix(at(2026, 8, 1))
        await case.advance(at(2026, 8, 1, 2))
        await case.advance(at(2026, 9, 1, 2))
        billed = [(one.created, one.total) for one in await case.invoices(held)]
        assert billed == [
            (unix(at(2026, 6, 23)), 1000),
            (unix(at(2026, 7, 15)), 0),
            (unix(at(2026, 8, 1)), 1000),
            (unix(at(2026, 9, 1)), 1000),
        ]


async def test_items_with_different_intervals_keep_their_own_periods(sim: Sim) -> None:
    """MIXED#billing-periods: a month, two months and three months from 1 January on."""
    expected = [
        [("01-01", "02-01"), ("01-01", "03-01"), ("01-01", "04-01")],
        [("02-01", "03-01"), ("01-01", "03-01"), ("01-01", "04-01")],
        [("03-01", "04-01"), ("03-01", "05-01"), ("01-01", "04-01")],
    ]
    async with sim.client() as client:
        case = await new_case(client, at(2026, 1, 1))
        prices = [await case.price(count * 100, "month", count) for count in (1, 2, 3)]
        with pytest.raises(stripe.InvalidRequestError, match="multiple of the shortest"):
            await case.subscribe(*prices[1:])
        held = await case.subscribe(*prices)
        seen = []
        for month in (1, 2, 3):
            if month > 1:
                await case.advance(at(2026, month, 1, 2))
            shown = await client.v1.subscriptions.retrieve_async(held.id)
            seen.append(
                [
                    (_day(item.current_period_start), _day(item.current_period_end))
                    for item in shown["items"].data
                ]
            )
        assert seen == expected
        # One combined invoice where periods meet, separate ones where they do not.
        assert [sorted(amounts(one)) for one in await case.invoices(held)] == [
            [100, 200, 300],
            [100],
            [100, 200],
        ]


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%m-%d}"


async def test_the_day_31_of_two_months_begins_with_a_part_until_february_ends(sim: Sim) -> None:
    """CYCLE#use-billing_cycle_anchor_config: first full invoice 28 February, anchor 31 August."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 2, 10))
        held = await case.subscribe(
            await case.price(5900, "month", 2), billing_cycle_anchor_config={"day_of_month": 31}
        )
        item = held["items"].data[0]
        assert item.current_period_end == unix(at(2026, 2, 28))
        assert held.billing_cycle_anchor == unix(at(2026, 8, 31))
        whole = (at(2025, 12, 31), at(2026, 2, 28))
        part = to_the_second(5900, at(2026, 2, 10), at(2026, 2, 28), whole)
        assert held.latest_invoice.subtotal == part
        await case.advance(at(2026, 2, 28, 2))
        assert (await case.invoices(held))[-1].subtotal == 5900


async def test_a_credit_gives_back_an_item_less_its_share_of_a_coupon(sim: Sim) -> None:
    """PRORATIONS#calculation-logic-for-coupons, flexible: -0.5 x (10 - 1.66) = -4.17."""
    async with sim.client() as client:
        case = await new_case(client, at(2026, 2, 1))
        coupon = await client.v1.coupons.create_async(
            {"amount_off": 500, "currency": "usd", "duration": "forever"}
        )
        ten, twenty = await case.price(1000), await case.price(2000)
        held = await case.subscribe(ten, twenty, discounts=[{"coupon": coupon.id}])
        assert held.latest_invoice.total == 2500
        await case.advance(at(2026, 2, 15))
        await client.v1.subscription_items.delete_async(
            held["items"].data[0].id, {"proration_behavior": "create_prorations"}
        )
        assert await case.pending() == [-417]
