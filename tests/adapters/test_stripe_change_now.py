"""Changes that are billed at once: D1's amendment, prices, added lines, swaps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.documents import Agreement
from dealthread.domain.money import UnitPrice
from dealthread.outcome import Done, Rejected
from dealthread.ports.billing import StartAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import KEY, change, done, figures, from_day, without
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank, started
from tests.adapters.stripe_samples import recurring
from tests.adapters.test_stripe_contract import customer_of
from tests.support import deals

SEATS = "L-D1-SEATS"
START, JULY, END = date(2026, 1, 1), date(2026, 7, 1), date(2027, 1, 1)


def d1() -> Contract:
    """D1, invoiced by mail."""
    return by_bank(deals.d1())


async def begun(dated_billing: StripeBilling, days: Days) -> Agreement:
    """D1 since its first day; it is the day of its amendment."""
    days.go(START)
    agreement, _ = await started(dated_billing, d1(), deals.HARBORLINE)
    days.go(JULY)
    return await dated_billing.read_agreement(agreement, "acct_us01")


async def test_more_seats_are_credited_and_charged_on_one_invoice(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1 A1 (domain.md 9.6): -6,805.48 + 9,527.67, tax -449.16 + 628.83, invoice 2,901.86."""
    agreement = await begun(dated_billing, days)
    before = d1()
    command = change(
        before, from_day(before, SEATS, JULY, quantity=Decimal(70)), agreement, JULY, (SEATS,)
    )
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert made.invoice is not None
    assert [str(line.net.amount) for line in made.invoice.lines] == ["-6805.48", "9527.67"]
    assert [str(line.tax.amount) for line in made.invoice.lines] == ["-449.16", "628.83"]
    assert {line.line_key for line in made.invoice.lines} == {SEATS}
    assert figures(made.invoice) == ("2722.19", "179.67", "2901.86")
    assert figures(preview.invoice) == figures(made.invoice)
    assert made.agreement.items == agreement.items
    assert made.agreement.first_invoice == agreement.first_invoice


async def test_a_repeat_of_a_charged_change_makes_no_second_invoice(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Not by Stripe's memory of the key, which a day wipes out: by what is there."""
    agreement = await begun(dated_billing, days)
    before = d1()
    after = from_day(before, SEATS, JULY, quantity=Decimal(70))
    command = change(before, after, agreement, JULY, (SEATS,))
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    made = await done(dated_billing, command)
    days.go(date(2026, 7, 3))
    again = await done(dated_billing, command, f"{KEY}~1")
    assert again.invoice is not None
    assert made.invoice is not None
    assert again.invoice.ref == made.invoice.ref
    assert await dated_billing.find_change(command, idempotency_key=KEY) == again
    client = native(stripe_simulator, "acct_us01")
    assert len(client.v1.invoices.list({"limit": 10}).data) == 2


async def test_an_earlier_change_is_still_found_after_a_later_one(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Its invoice carries the mark that the subscription had then."""
    agreement = await begun(dated_billing, days)
    before = d1()
    between = from_day(before, SEATS, JULY, quantity=Decimal(70))
    first = change(before, between, agreement, JULY, (SEATS,))
    made = await done(dated_billing, first)
    august = date(2026, 8, 1)
    days.go(august)
    after = from_day(between, SEATS, august, quantity=Decimal(80))
    other = "amendment:C:2#1/billing/do"
    second = await done(
        dated_billing, change(between, after, made.agreement, august, (SEATS,)), other
    )
    # The credit is a part of what was debited (docs: credit prorations): 9,527.67 x 153 / 184 =
    # 7,922.46; 80 x 270.00 x 153 / 365 = 9,054.25.
    assert figures(second.invoice)[0] == "1131.79"
    found = await dated_billing.find_change(first, idempotency_key=KEY)
    assert found is not None
    assert found.invoice is not None
    assert made.invoice is not None
    assert found.invoice.ref == made.invoice.ref


async def test_a_new_price_replaces_the_price_of_the_same_item(
    dated_billing: StripeBilling, days: Days
) -> None:
    """50 seats from 270.00 to 300.00 for 184 of 365 days: -6,805.48 + 7,561.64."""
    agreement = await begun(dated_billing, days)
    before = d1()
    after = from_day(before, SEATS, JULY, unit_price=UnitPrice.of("300.00", "USD"))
    made = await done(dated_billing, change(before, after, agreement, JULY, (SEATS,)))
    assert made.invoice is not None
    assert [str(line.net.amount) for line in made.invoice.lines] == ["-6805.48", "7561.64"]
    assert made.agreement.items == agreement.items


async def test_a_backdated_change_is_billed_from_its_own_day(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Agreed on 20 July for 1 July: the amounts of 1 July."""
    agreement = await begun(dated_billing, days)
    days.go(date(2026, 7, 20))
    before = d1()
    after = from_day(before, SEATS, JULY, quantity=Decimal(70))
    command = change(before, after, agreement, JULY, (SEATS,))
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert figures(made.invoice) == figures(preview.invoice) == ("2722.19", "179.67", "2901.86")


async def test_another_product_takes_the_place_of_one_on_one_invoice(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Swap: -6,805.48 for the old seats, 50 x 432.00 x 184 / 365 = 10,888.77 for the new ones."""
    agreement = await begun(dated_billing, days)
    before = d1()
    left = without(before, SEATS, JULY)
    added = before.lines[0].model_copy(
        update={
            "line_key": "L-D1-PRO",
            "billing_product": "seat-pro",
            "unit_price": UnitPrice.of("432.00", "USD"),
            "start_date": JULY,
        }
    )
    after = left.model_copy(update={"lines": (*left.lines, added)})
    command = change(before, after, agreement, JULY, (SEATS, "L-D1-PRO"))
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert made.invoice is not None
    assert {line.line_key: str(line.net.amount) for line in made.invoice.lines} == {
        SEATS: "-6805.48",
        "L-D1-PRO": "10888.77",
    }
    assert preview.invoice is not None
    assert [(line.line_key, line.net, line.tax) for line in preview.invoice.lines] == [
        (line.line_key, line.net, line.tax) for line in made.invoice.lines
    ]
    assert list(made.agreement.items) == ["L-D1-PRO"]
    # The first invoice is still understood although the item that it names is gone.
    assert made.agreement.first_invoice == agreement.first_invoice


async def test_lines_that_are_not_charged_change_without_an_invoice(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """One line is charged at once, the other from the next period on."""
    agreement = await begun(dated_billing, days)
    before = d1()
    added = before.lines[0].model_copy(
        update={
            "line_key": "L-D1-PRO",
            "billing_product": "seat-pro",
            "unit_price": UnitPrice.of("432.00", "USD"),
            "quantity": Decimal(5),
            "start_date": JULY,
        }
    )
    fewer = from_day(before, SEATS, JULY, quantity=Decimal(40))
    after = fewer.model_copy(update={"lines": (*fewer.lines, added)})
    made = await done(dated_billing, change(before, after, agreement, JULY, ("L-D1-PRO",)))
    assert made.invoice is not None
    assert [(line.line_key, str(line.net.amount)) for line in made.invoice.lines] == [
        ("L-D1-PRO", "1088.88")
    ]
    client = native(stripe_simulator, "acct_us01")
    rows = client.v1.subscriptions.list({"limit": 2}).data
    assert [item.quantity for item in rows[0]["items"].data] == [40, 5]


async def test_a_change_of_a_card_customer_is_charged_at_once(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1 as it was sold: 2,901.86 by card."""
    days.go(START)
    customer = await customer_of(dated_billing, deals.d1(), deals.HARBORLINE)
    client = native(stripe_simulator, "acct_us01")
    native_id = customer.ref.native_id
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": native_id}).id
    client.v1.customers.update(native_id, {"invoice_settings": {"default_payment_method": card}})
    outcome = await dated_billing.start_agreement(
        StartAgreement(contract=deals.d1(), customer=customer, hold_first_invoice=False),
        idempotency_key="start",
    )
    assert isinstance(outcome, Done), outcome
    days.go(JULY)
    after = from_day(deals.d1(), SEATS, JULY, quantity=Decimal(70))
    made = await done(dated_billing, change(deals.d1(), after, outcome.value, JULY, (SEATS,)))
    assert figures(made.invoice) == ("2722.19", "179.67", "2901.86")
    assert made.invoice is not None
    assert made.invoice.status.value == "paid"


async def test_a_one_time_line_within_a_period_is_refused_before_anything_changes(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Never left out in silence."""
    agreement = await begun(dated_billing, days)
    before = d1()
    more = before.lines[1].model_copy(update={"line_key": "L-D1-ONB2", "start_date": JULY})
    after = before.model_copy(update={"lines": (*before.lines, more)})
    command = change(before, after, agreement, JULY, ("L-D1-ONB2",))
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "one_time_line_within_a_period"


async def test_a_change_of_a_contract_that_began_at_a_months_end_keeps_its_cycle(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Monthly at 22.50 from 31 January: 10 more seats on 15 March, 16 of 31 days to the 31st."""
    start, end, day = date(2026, 1, 31), date(2027, 1, 31), date(2026, 3, 15)
    base = recurring(
        d1().model_copy(
            update={
                "billing_frequency": BillingFrequency.MONTHLY,
                "start_date": start,
                "end_date": end,
                "committed_until": end,
            }
        ),
        "22.50",
        "50",
        1,
        "13500.00",
    )
    before = base.model_copy(
        update={"lines": (base.lines[0].model_copy(update={"start_date": start}),)}
    )
    days.go(start)
    agreement, _ = await started(dated_billing, before, deals.HARBORLINE)
    days.go(day)
    after = from_day(before, SEATS, day, quantity=Decimal(60))
    made = await done(dated_billing, change(before, after, agreement, day, (SEATS,)))
    assert made.invoice is not None
    # 28 February to 31 March: 31 days, 16 of them left.
    assert [str(line.net.amount) for line in made.invoice.lines] == ["-580.65", "696.77"]
