"""Changes of several calls that stop in between: what is said of them, and how they go on."""

from __future__ import annotations

from datetime import date

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.domain.money import UnitPrice
from dealthread.outcome import Unknown
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import (
    KEY,
    change,
    credit,
    done,
    ended,
    figures,
    renewed,
    without,
)
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2
from tests.adapters.test_stripe_change_credits import ACCOUNT, CUT, reduction
from tests.adapters.test_stripe_change_credits import begun as d2_begun
from tests.adapters.test_stripe_change_later import d4_more, d4_running
from tests.adapters.test_stripe_change_now import END, JULY, SEATS, begun, d1
from tests.support import deals

PRO = "L-D1-PRO"
ITEMS = "/v1/subscriptions/[^/]+$"


def swapped() -> Contract:
    """D1 whose seats are of another product from July on."""
    left = without(d1(), SEATS, JULY)
    added = left.lines[0].model_copy(
        update={
            "line_key": PRO,
            "billing_product": "seat-pro",
            "unit_price": UnitPrice.of("432.00", "USD"),
            "start_date": JULY,
            "end_date": END,
        }
    )
    return left.model_copy(update={"lines": (*left.lines, added)})


def swap(agreement: Agreement) -> ChangeAgreement:
    """The old seats are given back, the new ones charged: 270.00 x 50 x 184 / 365 = 6,805.48."""
    given = credit(d1(), SEATS, "6805.48", JULY, END)
    return change(d1(), swapped(), agreement, JULY, (PRO,), credits=(given,))


async def test_the_only_item_is_replaced_by_another_that_is_charged(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Stripe keeps no subscription without items: what is added comes first."""
    agreement = await begun(dated_billing, days)
    command = swap(agreement)
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    # 50 x 432.00 x 184 / 365 = 10,888.77.
    assert figures(made.invoice)[0] == figures(preview.invoice)[0] == "10888.77"
    assert [str(memo.net.amount) for memo in made.credit_memos] == ["6805.48"]
    assert list(made.agreement.items) == [PRO]
    assert made.agreement.first_invoice is not None


async def test_a_swap_that_was_charged_is_never_said_to_have_written_nothing(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The old item's removal is refused twice; then it goes on, without a second invoice."""
    agreement = await begun(dated_billing, days)
    command = swap(agreement)
    refusal = {"method": "POST", "path": ITEMS, "body": "deleted", "code": "nope", "status": 400}
    stripe_simulator.fault("reject", times=2, **refusal)
    for _ in range(2):
        outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
        assert isinstance(outcome, Unknown), outcome
        assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    days.go(date(2026, 7, 3))
    made = await done(dated_billing, command)
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    assert figures(made.invoice)[0] == "10888.77"
    client = native(stripe_simulator, "acct_us01")
    assert len(client.v1.invoices.list({"limit": 9}).data) == 2


async def test_a_subscription_that_lost_its_schedule_to_a_change_is_never_said_to_be_untouched(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Without its schedule it has no end: it would bill beyond its term for good."""
    agreement = await d4_running(dated_billing, days)
    command = change(deals.d4(), d4_more(), agreement, date(2026, 8, 1), ("L-D4-1",))
    stripe_simulator.fault(
        "reject", method="POST", path=ITEMS, body="items", code="nope", status=400, times=2
    )
    for _ in range(2):
        outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
        assert isinstance(outcome, Unknown), outcome
        assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    made = await done(dated_billing, command)
    assert made.agreement.schedule is not None
    assert figures(made.invoice) == ("4355.51", "386.55", "4742.06")


async def test_an_end_is_not_made_while_something_waits_for_a_next_invoice(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Stopped between the cancellation and the removal of what waits: it would be billed later."""
    agreement = await d2_begun(dated_billing, days)
    client = native(stripe_simulator, ACCOUNT)
    row = client.v1.subscriptions.retrieve(agreement.ref.native_id)
    assert isinstance(row.customer, str)
    client.v1.invoice_items.create(
        {"customer": row.customer, "subscription": row.id, "amount": 500, "currency": "eur"}
    )
    command = change(d2(), ended(d2(), CUT), agreement, CUT)
    stripe_simulator.fault("lose_answer", method="DELETE", path=ITEMS)
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    made = await done(dated_billing, command)
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    assert client.v1.invoice_items.list({"customer": row.customer, "pending": True}).data == []


async def test_a_renewal_that_stopped_before_the_term_ended_begins_the_term_afterwards(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The subscription is marked, its schedule never heard of the new term: D4's fourth year,
    200 x 500.00, is billed on a subscription of its own."""
    agreement = await d4_running(dated_billing, days)
    days.go(date(2029, 1, 20))
    after = renewed(deals.d4(), date(2030, 2, 1), "500.00")
    command = change(deals.d4(), after, agreement, date(2029, 2, 1))
    stripe_simulator.fault(
        "refuse", method="POST", path="/v1/subscription_schedules/[^/]+$", times=0
    )
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    stripe_simulator.heal()
    days.go(date(2029, 2, 3))
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    made = await done(dated_billing, command)
    assert made.agreement.status is AgreementStatus.ACTIVE
    assert made.agreement.committed_until == date(2030, 2, 1)
    assert made.invoice is not None
    assert str(made.invoice.net.amount) == "100000.00"
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made


async def test_a_refusal_between_two_calls_is_not_replayed_once_its_cause_is_mended(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Stripe answers the stored refusal for a day; a person has mended the cause within the hour.
    Where the answer to the repeat is lost as well, its own key is met again: one note."""
    agreement = await d2_begun(dated_billing, days)
    command = reduction(agreement)
    notes = {"method": "POST", "path": "/v1/credit_notes$"}
    stripe_simulator.fault("reject", target="execution", code="nope", status=400, **notes)
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    stripe_simulator.fault("lose_answer", after=1, **notes)
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    made = await done(dated_billing, command)
    assert len(made.credit_memos) == 1
    client = native(stripe_simulator, ACCOUNT)
    assert len(client.v1.credit_notes.list({"limit": 9}).data) == 1
