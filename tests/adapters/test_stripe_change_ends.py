"""Contracts that end: now, earlier, later, taken back, rescinded, and renewed too late."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from adapters.stripe.plan import timestamp
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, AgreementStatus, CreditForm
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.billing import StartAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import (
    KEY,
    change,
    credit,
    done,
    ended,
    figures,
    from_day,
    renewed,
)
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2, started
from tests.adapters.test_stripe_contract import customer_of
from tests.support import deals

SEATS, ACCOUNT = "L-D2-SEATS", "acct_de01"
START, CUT, END = date(2026, 3, 15), date(2026, 9, 15), date(2027, 3, 15)


async def begun(billing: StripeBilling, days: Days) -> Agreement:
    """D2 since its first day; it is 15 September."""
    days.go(START)
    agreement, _ = await started(billing, d2(), deals.NORDWERK)
    days.go(CUT)
    return await billing.read_agreement(agreement, ACCOUNT)


def subscription(simulator: Simulator, account: str = ACCOUNT) -> Any:
    """The newest."""
    return native(simulator, account).v1.subscriptions.list({"status": "all", "limit": 5}).data[0]


def invoices(simulator: Simulator) -> list[Any]:
    """Newest first."""
    return list(native(simulator, ACCOUNT).v1.invoices.list({"limit": 20}).data)


@pytest.mark.parametrize("path", ["", "/v1/subscriptions/[^/]+$", "/v1/credit_notes$"])
async def test_an_end_now_credits_what_is_not_served(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, path: str
) -> None:
    """17,760.00 x 181 / 365 = 8,807.01, VAT 1,673.33; no invoice, no proration. A lost answer on
    the way changes nothing of it."""
    agreement = await begun(dated_billing, days)
    given = credit(d2(), SEATS, "8807.01", CUT, END)
    command = change(d2(), ended(d2(), CUT), agreement, CUT, credits=(given,))
    if path:
        stripe_simulator.fault("lose_answer", method="POST", path=path)
        outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
        assert isinstance(outcome, Unknown), outcome
    made = await done(dated_billing, command)
    assert made.agreement.status is AgreementStatus.CANCELLED
    assert [figures(memo) for memo in made.credit_memos] == [("8807.01", "1673.33", "10480.34")]
    assert len(invoices(stripe_simulator)) == 1
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    again = await done(dated_billing, command)
    assert again == made


async def test_an_end_that_was_lost_after_the_cancellation_goes_on_with_the_credit(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """DELETE was done, its answer was not seen."""
    agreement = await begun(dated_billing, days)
    given = credit(d2(), SEATS, "8807.01", CUT, END)
    command = change(d2(), ended(d2(), CUT), agreement, CUT, credits=(given,))
    stripe_simulator.fault("lose_answer", method="DELETE", path="/v1/subscriptions/[^/]+$")
    outcome = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    days.go(date(2026, 9, 17))
    assert len((await done(dated_billing, command)).credit_memos) == 1


async def test_an_end_lets_out_what_was_billed_before_it(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The invoice of a change is a draft for an hour; the end does not keep it back."""
    agreement = await begun(dated_billing, days)
    more = from_day(d2(), SEATS, CUT, quantity=Decimal(50))
    command = change(d2(), more, agreement, CUT, (SEATS,))
    grown = await done(dated_billing, command, "amendment:C:0#1/billing/do")
    assert invoices(stripe_simulator)[0].status == "draft"
    await done(dated_billing, change(more, ended(more, CUT), grown.agreement, CUT))
    assert [invoice.status for invoice in invoices(stripe_simulator)] == ["open", "open"]


async def test_an_end_to_come_is_kept_by_the_biller_and_can_be_taken_back(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """1 December inside the period, without any proration; then the term's end again."""
    agreement = await begun(dated_billing, days)
    december = date(2026, 12, 1)
    shorter = ended(d2(), december)
    made = await done(dated_billing, change(d2(), shorter, agreement, december))
    assert made.agreement.committed_until == december
    assert subscription(stripe_simulator).cancel_at == timestamp(december)
    back = change(shorter, d2(), made.agreement, december)
    undone = await done(dated_billing, back, "withdrawal:C:1#1/billing/do")
    assert undone.agreement.committed_until == END
    days.go(date(2026, 12, 2))
    found = subscription(stripe_simulator)
    # Its first invoice is overdue; it has not ended.
    assert (found.status, found.cancel_at) == ("past_due", timestamp(END))
    assert len(invoices(stripe_simulator)) == 1


async def test_an_end_to_come_ends_the_service_on_its_day(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Nothing is billed or credited by the biller for it."""
    agreement = await begun(dated_billing, days)
    december = date(2026, 12, 1)
    await done(dated_billing, change(d2(), ended(d2(), december), agreement, december))
    days.go(date(2026, 12, 2))
    assert subscription(stripe_simulator).status == "canceled"
    assert len(invoices(stripe_simulator)) == 1


async def test_a_ramp_ends_before_its_later_years(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D4 ends with its first year: its schedule goes, the subscription has an end."""
    days.go(date(2026, 2, 1))
    agreement, _ = await started(dated_billing, deals.d4(), deals.COBALT)
    days.go(date(2026, 8, 1))
    day = date(2027, 2, 1)
    made = await done(dated_billing, change(deals.d4(), ended(deals.d4(), day), agreement, day))
    assert made.agreement.schedule is None
    days.go(date(2027, 2, 2))
    assert subscription(stripe_simulator, "acct_us01").status == "canceled"
    client = native(stripe_simulator, "acct_us01")
    assert len(client.v1.invoices.list({"limit": 9}).data) == 1


async def test_a_rescission_credits_everything_that_was_billed(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D2 in full: 17,760.00, VAT 3,374.40, 21,134.40."""
    agreement = await begun(dated_billing, days)
    given = credit(d2(), SEATS, "17760.00", START, END)
    command = change(d2(), ended(d2(), START), agreement, START, credits=(given,))
    made = await done(dated_billing, command)
    assert [figures(memo) for memo in made.credit_memos] == [("17760.00", "3374.40", "21134.40")]
    assert invoices(stripe_simulator)[0].amount_remaining == 0


async def test_a_rescission_within_the_first_hour_sends_no_invoice_out(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The draft gets its number without being sent and is credited in full."""
    days.go(START)
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK)
    given = credit(d2(), SEATS, "17760.00", START, END)
    await done(dated_billing, change(d2(), ended(d2(), START), agreement, START, credits=(given,)))
    (invoice,) = invoices(stripe_simulator)
    assert (invoice.status, invoice.auto_advance) == ("paid", False)
    assert invoice.pre_payment_credit_notes_amount == 2113440


def next_term() -> Contract:
    """D2's renewal: 40 seats at 457.32, to 14 March 2028."""
    return renewed(d2(), date(2028, 3, 15), "457.32")


async def test_a_renewal_after_the_end_starts_a_new_subscription_on_the_terms_first_day(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Accepted on 25 March for 15 March: 40 x 457.32 = 18,292.80, VAT 3,475.63."""
    agreement = await begun(dated_billing, days)
    days.go(date(2027, 3, 25))
    command = change(d2(), next_term(), agreement, END)
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert made.agreement.ref != agreement.ref
    assert made.agreement.committed_until == date(2028, 3, 15)
    assert figures(made.invoice) == figures(preview.invoice) == ("18292.80", "3475.63", "21768.43")
    found = subscription(stripe_simulator)
    assert (found.start_date, found.cancel_at) == (timestamp(END), timestamp(date(2028, 3, 15)))
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    days.go(date(2027, 3, 27))
    again = await done(dated_billing, command)
    assert again.agreement.ref == made.agreement.ref
    assert len(invoices(stripe_simulator)) == 2


async def test_a_change_of_what_has_ended_is_refused(
    dated_billing: StripeBilling, days: Days
) -> None:
    """Only a renewal follows an end."""
    agreement = await begun(dated_billing, days)
    days.go(date(2027, 3, 25))
    longer = d2().model_copy(
        update={
            "end_date": date(2028, 3, 15),
            "committed_until": date(2028, 3, 15),
            "lines": (
                d2()
                .lines[0]
                .model_copy(update={"end_date": date(2028, 3, 15), "quantity": Decimal(50)}),
            ),
        }
    )
    outcome = await dated_billing.change_agreement(
        change(d2(), longer, agreement, END), idempotency_key=KEY
    )
    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "agreement_has_ended"


async def test_what_a_card_customer_gets_back_goes_to_the_card(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Sold by mail here and paid by card on the invoice: a refund of the charge."""
    agreement = await begun(dated_billing, days)
    client = native(stripe_simulator, ACCOUNT)
    customer = client.v1.customers.list({"limit": 1}).data[0].id
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    client.v1.invoices.pay(agreement.first_invoice.ref.native_id, {"payment_method": method.id})
    given = credit(d2(), SEATS, "8807.01", CUT, END)
    command = change(d2(), ended(d2(), CUT), agreement, CUT, credits=(given,), refund=True)
    preview = await dated_billing.preview_change(command)
    made = await done(dated_billing, command)
    assert client.v1.refunds.list({"limit": 1}).data[0].amount == 1048034
    assert made.credit_memos[0].forms == preview.credit_memos[0].forms


async def test_a_card_is_never_asked_to_give_back_more_than_it_paid(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """21,134.40, of it 5,000.00 from the balance and 16,134.40 by card. 11,900.00 go back to the
    card first; of 9,234.40 afterwards it has 4,234.40 left, and the rest is the balance's."""
    client = native(stripe_simulator, ACCOUNT)
    days.go(START)
    customer = await customer_of(dated_billing, d2(), deals.NORDWERK)
    native_id = customer.ref.native_id
    client.v1.customers.balance_transactions.create(
        native_id, {"amount": -500000, "currency": "eur"}
    )
    outcome = await dated_billing.start_agreement(
        StartAgreement(contract=d2(), customer=customer, hold_first_invoice=False),
        idempotency_key="start",
    )
    assert isinstance(outcome, Done), outcome
    days.go(CUT)
    agreement = await dated_billing.read_agreement(outcome.value, ACCOUNT)
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": native_id})
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    client.v1.invoices.pay(agreement.first_invoice.ref.native_id, {"payment_method": method.id})
    fewer = from_day(d2(), SEATS, CUT, quantity=Decimal(30))
    first = credit(d2(), SEATS, "10000.00", CUT, END)
    made = await done(
        dated_billing,
        change(d2(), fewer, agreement, CUT, credits=(first,), refund=True),
        "amendment:C:0#1/billing/do",
    )
    rest = credit(fewer, SEATS, "7760.00", CUT, END)
    command = change(fewer, ended(fewer, CUT), made.agreement, CUT, credits=(rest,), refund=True)
    last = await done(dated_billing, command)
    assert {form: str(part.amount) for form, part in last.credit_memos[0].forms.items()} == {
        CreditForm.REFUND: "4234.40",
        CreditForm.BALANCE: "5000.00",
    }
    assert [row.amount for row in client.v1.refunds.list({"limit": 9}).data] == [423440, 1190000]
