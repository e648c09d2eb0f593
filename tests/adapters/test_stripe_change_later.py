"""Changes to come: renewals, ramps, several segments, and schedules that are taken up again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from adapters.stripe.plan import timestamp
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement
from dealthread.domain.money import Money, UnitPrice
from dealthread.outcome import Unknown
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import KEY, change, done, figures, from_day, renewed
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank, started
from tests.support import deals

SEATS = "L-D1-SEATS"
START, JULY, END = date(2026, 1, 1), date(2026, 7, 1), date(2027, 1, 1)
ACCOUNT = "acct_us01"


def d1() -> Contract:
    """D1, invoiced by mail."""
    return by_bank(deals.d1())


def seventy() -> Contract:
    """D1 after its amendment."""
    return from_day(d1(), SEATS, JULY, quantity=Decimal(70))


async def amended(billing: StripeBilling, days: Days) -> Agreement:
    """D1 with 70 seats since July; it is November."""
    days.go(START)
    agreement, _ = await started(billing, d1(), deals.HARBORLINE)
    days.go(JULY)
    made = await done(billing, change(d1(), seventy(), agreement, JULY, (SEATS,)), "a#1/b/do")
    days.go(date(2026, 11, 2))
    return made.agreement


def invoices(simulator: Simulator) -> list[Any]:
    """Newest first."""
    return list(native(simulator, ACCOUNT).v1.invoices.list({"limit": 20}).data)


def subscription(simulator: Simulator) -> Any:
    """The newest."""
    return native(simulator, ACCOUNT).v1.subscriptions.list({"status": "all", "limit": 5}).data[0]


def renewal(agreement: Agreement, price: str = "283.50") -> ChangeAgreement:
    """D1's next term, uplift 5 %."""
    after = renewed(seventy(), date(2028, 1, 1), price)
    return change(seventy(), after, agreement, END)


async def test_a_renewal_at_another_price_is_billed_when_the_term_begins(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1 (domain.md 9.6): 70 x 283.50 = 19,845.00, tax 1,309.77, invoice 21,154.77."""
    agreement = await amended(dated_billing, days)
    command = renewal(agreement)
    assert (await dated_billing.preview_change(command)).invoice is None
    made = await done(dated_billing, command)
    assert made.invoice is None
    assert made.agreement.schedule is not None
    assert made.agreement.committed_until == date(2028, 1, 1)
    assert len(invoices(stripe_simulator)) == 2
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    days.go(END)
    newest = invoices(stripe_simulator)[0]
    assert (newest.total, newest.billing_reason) == (2115477, "subscription_cycle")
    # The item was replaced by the biller; the lines of the first invoice are still told.
    state = await dated_billing.read_agreement(made.agreement, ACCOUNT)
    assert state.items != agreement.items
    assert list(state.items) == [SEATS]
    assert state.first_invoice == agreement.first_invoice
    days.go(date(2028, 1, 2))
    assert subscription(stripe_simulator).status == "canceled"
    assert len(invoices(stripe_simulator)) == 3


async def test_a_renewal_at_the_same_price_only_moves_the_end(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """No schedule is needed for what does not differ."""
    agreement = await amended(dated_billing, days)
    made = await done(dated_billing, renewal(agreement, "270.00"))
    assert made.agreement.schedule is None
    assert subscription(stripe_simulator).cancel_at == timestamp(date(2028, 1, 1))
    days.go(END)
    # 70 x 270.00 = 18,900.00 and 6.6 %.
    assert invoices(stripe_simulator)[0].total == 2014740


async def test_without_a_renewal_nothing_is_billed_after_the_term(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """ADR 0010."""
    await amended(dated_billing, days)
    days.go(date(2027, 1, 2))
    assert subscription(stripe_simulator).status == "canceled"
    assert len(invoices(stripe_simulator)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v1/subscriptions/[^/]+$",
        "/v1/subscription_schedules$",
        "/v1/subscription_schedules/[^/]+$",
    ],
)
@pytest.mark.parametrize("kind", ["lose_answer", "server_error"])
async def test_a_renewal_goes_on_where_it_stopped(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, path: str, kind: str
) -> None:
    """Killed before or after each of its calls: one schedule, complete."""
    agreement = await amended(dated_billing, days)
    command = renewal(agreement)
    stripe_simulator.fault(kind, method="POST", path=path)
    assert isinstance(await dated_billing.change_agreement(command, idempotency_key=KEY), Unknown)
    days.go(date(2026, 11, 4))
    made = await done(dated_billing, command)
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    client = native(stripe_simulator, ACCOUNT)
    assert len(client.v1.subscription_schedules.list({"limit": 9}).data) == 1
    days.go(END)
    assert invoices(stripe_simulator)[0].total == 2115477


async def test_a_renewal_is_taken_back_by_the_opposite_change(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The schedule goes, the end of the term is put back."""
    agreement = await amended(dated_billing, days)
    command = renewal(agreement)
    made = await done(dated_billing, command)
    back = change(command.after, command.before, made.agreement, END)
    undone = await done(dated_billing, back, "withdrawal:C:1#1/billing/do")
    assert undone.agreement.schedule is None
    assert undone.agreement.committed_until == END
    found = subscription(stripe_simulator)
    assert (found.cancel_at, found.schedule) == (timestamp(END), None)
    days.go(date(2027, 1, 2))
    assert subscription(stripe_simulator).status == "canceled"


async def test_several_segments_to_come_are_several_phases(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1 extended by two years with a ramp: 80 seats, then 90 at 280.00."""
    agreement = await amended(dated_billing, days)
    two, three = date(2028, 1, 1), date(2029, 1, 1)
    after = renewed(seventy(), three, "280.00")
    after = from_day(after, SEATS, END, quantity=Decimal(80))
    after = from_day(after, SEATS, two, quantity=Decimal(90))
    made = await done(dated_billing, change(seventy(), after, agreement, END))
    assert made.agreement.schedule is not None
    for day, total in ((END, 2387840), (two, 2686320)):
        days.go(day)
        # 80 and 90 x 280.00, and 6.6 %.
        assert invoices(stripe_simulator)[0].total == total
    days.go(date(2029, 1, 2))
    assert subscription(stripe_simulator).status == "canceled"


async def d4_running(billing: StripeBilling, days: Days) -> Agreement:
    """D4 since its first day; it is August of the first year."""
    days.go(date(2026, 2, 1))
    agreement, _ = await started(billing, deals.d4(), deals.COBALT)
    days.go(date(2026, 8, 1))
    return await billing.read_agreement(agreement, ACCOUNT)


def d4_more() -> Contract:
    """D4 with 120 seats from August of the first year on, then its ramp as it was."""
    return from_day(deals.d4(), "L-D4-1", date(2026, 8, 1), quantity=Decimal(120))


async def test_a_change_under_a_schedule_keeps_what_comes_later(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D4 with 20 seats more for 184 of 365 days; later years bill 70,551.00 and 94,068.00
    (domain.md 9.6)."""
    agreement = await d4_running(dated_billing, days)
    august = date(2026, 8, 1)
    command = change(deals.d4(), d4_more(), agreement, august, ("L-D4-1",))
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert made.invoice is not None
    # -43,200.00 x 184 / 365 and 51,840.00 x 184 / 365; tax 8.875 % of each.
    assert [str(line.net.amount) for line in made.invoice.lines] == ["-21777.53", "26133.04"]
    assert figures(made.invoice) == figures(preview.invoice) == ("4355.51", "386.55", "4742.06")
    assert made.agreement.schedule is not None
    assert made.agreement.schedule != agreement.schedule
    for year, total in ((2027, 7055100), (2028, 9406800)):
        days.go(date(year, 2, 1))
        assert invoices(stripe_simulator)[0].total == total
    days.go(date(2029, 2, 2))
    assert subscription(stripe_simulator).status == "canceled"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/subscription_schedules/[^/]+/release$",
        "/v1/subscriptions/[^/]+$",
        "/v1/subscription_schedules$",
        "/v1/subscription_schedules/[^/]+$",
    ],
)
async def test_a_change_under_a_schedule_goes_on_where_it_stopped(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, path: str
) -> None:
    """Killed after each of its calls: one invoice for it, one schedule in force."""
    agreement = await d4_running(dated_billing, days)
    command = change(deals.d4(), d4_more(), agreement, date(2026, 8, 1), ("L-D4-1",))
    stripe_simulator.fault("lose_answer", method="POST", path=path)
    assert isinstance(await dated_billing.change_agreement(command, idempotency_key=KEY), Unknown)
    days.go(date(2026, 8, 3))
    made = await done(dated_billing, command)
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    assert figures(made.invoice) == ("4355.51", "386.55", "4742.06")
    assert len(invoices(stripe_simulator)) == 2
    days.go(date(2027, 2, 1))
    assert invoices(stripe_simulator)[0].total == 7055100


async def test_only_a_later_year_of_a_ramp_changes_its_phase(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The schedule that is there gets other phases."""
    agreement = await d4_running(dated_billing, days)
    second = date(2027, 2, 1)
    after = from_day(deals.d4(), "L-D4-2", second, unit_price=UnitPrice.of("400.00", "USD"))
    command = change(deals.d4(), after, agreement, second)
    made = await done(dated_billing, command)
    assert made.agreement.schedule == agreement.schedule
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    assert len(invoices(stripe_simulator)) == 1
    days.go(second)
    # 150 x 400.00 and 8.875 %.
    assert invoices(stripe_simulator)[0].total == 6532500


async def test_a_schedule_that_has_not_begun_gets_the_contract_as_it_is_now(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Sold in December for January, changed before it begins."""
    days.go(date(2025, 12, 18))
    agreement, customer = await started(dated_billing, d1(), deals.HARBORLINE)
    after = from_day(
        d1(),
        SEATS,
        START,
        quantity=Decimal(60),
        committed_net=Money.of("16200.00", "USD"),
    )
    command = change(d1(), after, agreement, START)
    made = await done(dated_billing, command)
    assert made.agreement.ref == agreement.ref
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    days.go(START)
    # 60 x 270.00 = 16,200.00 and 6.6 %, onboarding 1,500.00.
    assert invoices(stripe_simulator)[0].total == 1876920
    found = await dated_billing.find_agreement(
        d1(), customer, idempotency_key="quote-to-cash:org:deal#1/subscription/do"
    )
    assert found is not None


async def test_a_change_to_come_within_a_period_is_billed_on_its_day(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1's amendment agreed in advance: nothing now, 2,901.86 on 1 July."""
    days.go(START)
    agreement, _ = await started(dated_billing, d1(), deals.HARBORLINE)
    days.go(date(2026, 3, 2))
    command = change(d1(), seventy(), agreement, JULY, (SEATS,))
    assert (await dated_billing.preview_change(command)).invoice is None
    made = await done(dated_billing, command)
    assert made.invoice is None
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    days.go(JULY)
    assert [invoice.total for invoice in invoices(stripe_simulator)] == [290186, 1589100]
    days.go(date(2027, 1, 2))
    assert subscription(stripe_simulator).status == "canceled"


async def test_a_change_to_come_that_is_not_charged_is_billed_with_the_next_period(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Without a word on charging, nothing is prorated."""
    agreement = await amended(dated_billing, days)
    december = date(2026, 12, 1)
    after = from_day(seventy(), SEATS, december, quantity=Decimal(60))
    await done(dated_billing, change(seventy(), after, agreement, december))
    days.go(date(2026, 12, 2))
    assert len(invoices(stripe_simulator)) == 2
    assert subscription(stripe_simulator)["items"].data[0].quantity == 60


async def test_a_ramp_that_ends_within_a_later_year_bills_until_its_end(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """An end within a period that is still to come cuts its bill (docstring of `cancel_at`):
    64,800.00 x 212 / 365 = 37,637.26, tax 8.875 %; nothing is left to be credited."""
    agreement = await d4_running(dated_billing, days)
    day = date(2027, 9, 1)
    shorter = deals.d4().lines[:2]
    after = deals.d4().model_copy(
        update={"end_date": day, "committed_until": day, "lines": shorter}
    )
    made = await done(dated_billing, change(deals.d4(), after, agreement, day))
    assert made.agreement.committed_until == day
    days.go(date(2027, 2, 1))
    second = invoices(stripe_simulator)[0]
    days.go(date(2027, 9, 2))
    assert subscription(stripe_simulator).status == "canceled"
    assert len(invoices(stripe_simulator)) == 2
    assert second.total == 4097757
