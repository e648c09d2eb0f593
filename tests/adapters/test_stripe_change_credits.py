"""Changes that give back: D2's reduction, spread credits, refunds, drafts, refusals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from activities.billing_change import difference
from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, CreditForm
from dealthread.errors import StepRejected
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import KEY, change, credit, done, ended, figures, from_day
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2, started
from tests.support import deals

SEATS, ACCOUNT = "L-D2-SEATS", "acct_de01"
START, CUT, END = date(2026, 3, 15), date(2026, 9, 15), date(2027, 3, 15)


async def begun(billing: StripeBilling, days: Days) -> Agreement:
    """D2 since its first day; it is the day of its reduction."""
    days.go(START)
    agreement, _ = await started(billing, d2(), deals.NORDWERK)
    days.go(CUT)
    return await billing.read_agreement(agreement, ACCOUNT)


def pay(simulator: Simulator, agreement: Agreement) -> None:
    """The first invoice is paid by bank transfer."""
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    native(simulator, ACCOUNT).v1.invoices.pay(
        agreement.first_invoice.ref.native_id, {"paid_out_of_band": True}
    )


def reduced() -> Contract:
    """30 seats from 15 September on."""
    return from_day(d2(), SEATS, CUT, quantity=Decimal(30))


def reduction(agreement: Agreement, *, refund: bool = False) -> ChangeAgreement:
    """D2 A1: 40 to 30 seats, 2,201.75 back."""
    given = credit(d2(), SEATS, "2201.75", CUT, END)
    return change(d2(), reduced(), agreement, CUT, credits=(given,), refund=refund)


async def test_fewer_seats_are_credited_on_the_invoice_that_billed_them(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D2 A1 (domain.md 9.6): net 2,201.75, VAT 418.33, 2,620.08, to the customer's balance."""
    agreement = await begun(dated_billing, days)
    pay(stripe_simulator, agreement)
    command = reduction(agreement)
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    (memo,) = made.credit_memos
    assert figures(memo) == ("2201.75", "418.33", "2620.08")
    assert agreement.first_invoice is not None
    assert memo.corrects == agreement.first_invoice.ref
    assert [line.line_key for line in memo.lines] == [SEATS]
    assert {form: str(part.amount) for form, part in memo.forms.items()} == {
        CreditForm.BALANCE: "2620.08"
    }
    (shown,) = preview.credit_memos
    assert (shown.forms, shown.lines, shown.corrects) == (memo.forms, memo.lines, memo.corrects)
    assert made.invoice is None
    client = native(stripe_simulator, ACCOUNT)
    assert client.v1.customers.list({"limit": 1}).data[0].balance == -262008
    assert [row.quantity for row in client.v1.subscription_items.list(
        {"subscription": agreement.ref.native_id}
    ).data] == [30]  # fmt: skip


async def test_a_note_that_somebody_made_by_hand_is_not_taken_for_the_changes_own(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """It carries no mark of ours: the preview shows all that the change will give."""
    agreement = await begun(dated_billing, days)
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    client = native(stripe_simulator, ACCOUNT)
    native_id = agreement.first_invoice.ref.native_id
    line = client.v1.invoices.retrieve(native_id).lines.data[0].id
    client.v1.credit_notes.create(
        {
            "invoice": native_id,
            "lines": [{"type": "invoice_line_item", "invoice_line_item": line, "amount": 50000}],
        }
    )
    command = reduction(agreement)
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert figures(made.credit_memos[0]) == ("2201.75", "418.33", "2620.08")
    assert difference(preview, made) == ""


async def test_what_was_not_paid_lowers_the_invoice(
    dated_billing: StripeBilling, days: Days
) -> None:
    """An open invoice is reduced; nothing goes to the balance."""
    agreement = await begun(dated_billing, days)
    made = await done(dated_billing, reduction(agreement))
    assert {form: str(part.amount) for form, part in made.credit_memos[0].forms.items()} == {
        CreditForm.OPEN_INVOICE: "2620.08"
    }
    state = await dated_billing.read_agreement(agreement, ACCOUNT)
    assert state.first_invoice is not None
    assert str(state.first_invoice.gross.amount) == "21134.40"


async def test_what_was_paid_outside_of_the_biller_is_refunded_outside_of_it(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The note records it; the bank's transfer is the accountant's."""
    agreement = await begun(dated_billing, days)
    pay(stripe_simulator, agreement)
    made = await done(dated_billing, reduction(agreement, refund=True))
    assert {form: str(part.amount) for form, part in made.credit_memos[0].forms.items()} == {
        CreditForm.REFUND: "2620.08"
    }
    client = native(stripe_simulator, ACCOUNT)
    assert client.v1.customers.list({"limit": 1}).data[0].balance == 0


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_credit_goes_on_where_it_stopped(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, lost: int
) -> None:
    """Killed after each of its calls: one note, one change of items."""
    agreement = await begun(dated_billing, days)
    command = reduction(agreement)
    path = {1: "/v1/subscriptions/[^/]+$", 2: "/v1/credit_notes$"}[lost]
    stripe_simulator.fault("lose_answer", method="POST", path=path)
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    found = await dated_billing.find_change(command, idempotency_key=KEY)
    assert (found is None) == (lost == 1)
    days.go(date(2026, 9, 17))
    made = await done(dated_billing, command)
    assert len(made.credit_memos) == 1
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    client = native(stripe_simulator, ACCOUNT)
    assert len(client.v1.credit_notes.list({"limit": 9}).data) == 1


async def test_a_limit_between_two_calls_is_not_told_as_nothing_done(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The items have changed; only the note is missing."""
    agreement = await begun(dated_billing, days)
    stripe_simulator.fault("rate_limit", method="POST", path="/v1/credit_notes$")
    command = reduction(agreement)
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    assert len((await done(dated_billing, command)).credit_memos) == 1


async def test_more_than_was_billed_is_refused_before_anything_changes(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Also by the preview."""
    agreement = await begun(dated_billing, days)
    given = credit(d2(), SEATS, "17760.01", CUT, END)
    command = change(d2(), reduced(), agreement, CUT, credits=(given,))
    with pytest.raises(StepRejected) as refused:
        await dated_billing.preview_change(command)
    assert refused.value.code == "credit_exceeds_what_was_billed"
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.evidence == {"line_key": SEATS, "missing": "0.01"}
    client = native(stripe_simulator, ACCOUNT)
    rows = client.v1.subscription_items.list({"subscription": agreement.ref.native_id}).data
    assert [row.quantity for row in rows] == [40]


async def test_a_credit_beyond_one_invoice_is_spread_over_those_that_billed_the_line(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """First the invoice of the change that billed the rest of the period, then the first one.

    10 seats more from 15 September: -8,807.01 + 11,008.77 leave 2,201.76 on that invoice,
    whatever its charge is; 9,798.24 of the 12,000.00 are of the first one."""
    agreement = await begun(dated_billing, days)
    more = from_day(d2(), SEATS, CUT, quantity=Decimal(50))
    grown = await done(
        dated_billing,
        change(d2(), more, agreement, CUT, (SEATS,)),
        "amendment:C:0#1/billing/do",
    )
    days.go(date(2026, 9, 16))
    given = credit(more, SEATS, "12000.00", date(2026, 9, 16), END)
    end = ended(more, date(2026, 9, 16))
    command = change(more, end, grown.agreement, date(2026, 9, 16), credits=(given,))
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    found = {memo.corrects: str(memo.net.amount) for memo in made.credit_memos}
    assert grown.invoice is not None
    assert agreement.first_invoice is not None
    assert found == {grown.invoice.ref: "2201.76", agreement.first_invoice.ref: "9798.24"}
    assert difference(preview, made) == ""


async def test_what_was_credited_before_the_invoice_was_given_up_is_not_credited_again(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The note's answer is lost; then a person marks its invoice as uncollectible."""
    agreement = await begun(dated_billing, days)
    more = from_day(d2(), SEATS, CUT, quantity=Decimal(50))
    grown = await done(
        dated_billing, change(d2(), more, agreement, CUT, (SEATS,)), "amendment:C:0#1/billing/do"
    )
    day = date(2026, 9, 16)
    days.go(day)
    fewer = from_day(more, SEATS, day, quantity=Decimal(40))
    given = credit(more, SEATS, "2000.00", day, END)
    command = change(more, fewer, grown.agreement, day, credits=(given,))
    stripe_simulator.fault("lose_answer", method="POST", path="/v1/credit_notes$")
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    client = native(stripe_simulator, ACCOUNT)
    assert grown.invoice is not None
    assert grown.invoice.ref is not None
    client.v1.invoices.mark_uncollectible(grown.invoice.ref.native_id)
    found = await dated_billing.find_change(command, idempotency_key=KEY)
    made = await done(dated_billing, command)
    assert found == made
    assert [memo.corrects for memo in made.credit_memos] == [grown.invoice.ref]
    assert len(client.v1.credit_notes.list({"limit": 9}).data) == 1


async def test_a_draft_gets_its_number_and_is_corrected_at_once(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Within the hour before it would go out: it never waits at the wrong amount."""
    days.go(START)
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK)
    after = from_day(d2(), SEATS, START, quantity=Decimal(30))
    given = credit(d2(), SEATS, "4440.00", START, END)
    command = change(d2(), after, agreement, START, credits=(given,))
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    first = made.agreement.first_invoice
    assert first is not None
    assert first.status.value == "open"
    assert first.number
    (memo,), (shown,) = made.credit_memos, preview.credit_memos
    assert figures(memo) == figures(shown) == ("4440.00", "843.60", "5283.60")
    assert memo.forms == shown.forms


async def test_a_draft_that_is_reviewed_is_not_sent_past_the_reviewer(
    dated_billing: StripeBilling, days: Days
) -> None:
    """It has to be released first."""
    days.go(START)
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK, hold=True)
    given = credit(d2(), SEATS, "2201.75", CUT, END)
    outcome = await dated_billing.change_agreement(
        change(d2(), reduced(), agreement, START, credits=(given,)), idempotency_key=KEY
    )
    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "first_invoice_held"
