"""Credit notes that a person asks for, at the biller: D2's first invoice, 17,760.00 and 19 %."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.bill import AT_BILLER
from dealthread.domain.credit_order import CreditedLine, CreditReason
from dealthread.domain.documents import CreditForm, CreditMemo
from dealthread.domain.money import Money
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.billing import CreditInvoice
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import figures
from tests.adapters.stripe_days import Days
from tests.adapters.test_stripe_bills import DE, SEATS, begun, by_bank, by_card, first_id

KEY = "credit:acct_de01:in_1:g1#1/credit/do"


def asked(native_id: str, net: str, **more: Any) -> CreditInvoice:
    """A part of the seats' line."""
    lines = (CreditedLine(line_key=SEATS, net=Money.of(net, "EUR")),)
    command = CreditInvoice(billing_account=DE, invoice_id=native_id, currency="EUR", lines=lines)
    return command.model_copy(update=more)


def forms(memo: CreditMemo) -> dict[str, str]:
    return {form: str(part.amount) for form, part in memo.forms.items()}


async def given(billing: StripeBilling, command: CreditInvoice, key: str = KEY) -> CreditMemo:
    outcome = await billing.credit_invoice(command, idempotency_key=key)
    assert isinstance(outcome, Done), outcome
    return outcome.value


async def test_an_open_invoice_is_lowered_and_its_bill_tells_why(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """1,000.00 and 190.00; found by its key, and made once however often it is asked for."""
    native_id = first_id(await begun(dated_billing, days))
    command = asked(native_id, "1000.00", cause=CreditReason.SERVICE)
    assert await dated_billing.find_credit(command, idempotency_key=KEY) is None
    shown = await dated_billing.preview_credit(command)
    memo = await given(dated_billing, command)
    assert figures(memo) == figures(shown) == ("1000.00", "190.00", "1190.00")
    assert forms(memo) == forms(shown) == {CreditForm.OPEN_INVOICE: "1190.00"}
    assert shown.ref is None
    assert memo.ref is not None
    days.go(date(2026, 3, 18))
    assert await given(dated_billing, command, f"{KEY}~1") == memo
    assert await dated_billing.find_credit(command, idempotency_key=KEY) == memo
    bill = await dated_billing.read_bill(DE, native_id)
    assert bill.credit_memos == (memo,)
    assert bill.credit_reasons == {memo.ref.native_id: "service"}
    assert str(bill.remaining.amount) == "19944.40"
    (note,) = native(stripe_simulator, DE).v1.credit_notes.list({"limit": 9}).data
    assert note.reason == "product_unsatisfactory"


async def test_a_credit_made_by_hand_is_told_from_ours(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """It bears no mark of an order or of a change."""
    native_id = first_id(await begun(dated_billing, days))
    memo = await given(dated_billing, asked(native_id, "1000.00", cause=CreditReason.SERVICE))
    client = native(stripe_simulator, DE)
    (line,) = client.v1.invoices.line_items.list(native_id).data
    note = client.v1.credit_notes.create(
        {
            "invoice": native_id,
            "lines": [
                {"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 10_000}
            ],
        }
    )
    bill = await dated_billing.read_bill(DE, native_id)
    assert memo.ref is not None
    assert bill.credit_reasons == {memo.ref.native_id: "service", note.id: AT_BILLER}
    (outside,) = bill.outside_credits
    assert (outside.number, outside.lines[0].line_key) == (note.number, SEATS)
    assert figures(outside) == ("100.00", "19.00", "119.00")


@pytest.mark.parametrize("refund", [False, True])
async def test_what_was_paid_by_card_goes_to_the_balance_or_back_to_the_card(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, refund: bool
) -> None:
    """Paid in part: 20,000.00 by card; of 2,380.00 the open 1,134.40 is lowered first."""
    native_id = first_id(await begun(dated_billing, days))
    by_card(stripe_simulator, DE, native_id, 2000000)
    memo = await given(dated_billing, asked(native_id, "2000.00", refund=refund))
    after = CreditForm.REFUND if refund else CreditForm.BALANCE
    assert forms(memo) == {CreditForm.OPEN_INVOICE: "1134.40", after: "1245.60"}
    client = native(stripe_simulator, DE)
    assert [row.amount for row in client.v1.refunds.list({"limit": 9}).data] == [124560] * refund
    balance = client.v1.customers.list({"limit": 1}).data[0].balance
    assert balance == (0 if refund else -124560)


@pytest.mark.parametrize("fault", ["lose_answer", "server_error_after", "malformed"])
async def test_a_credit_whose_answer_was_lost_is_found(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, fault: str
) -> None:
    """Even where the invoice was paid in between, so that the same credit would be another request,
    and after Stripe forgot the key."""
    native_id = first_id(await begun(dated_billing, days))
    command = asked(native_id, "1000.00", refund=True)
    stripe_simulator.fault(fault, method="POST", path="/v1/credit_notes$")
    outcome = await dated_billing.credit_invoice(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    by_bank(stripe_simulator, native_id)
    days.go(date(2026, 3, 18))
    memo = await given(dated_billing, command)
    assert forms(memo) == {CreditForm.OPEN_INVOICE: "1190.00"}
    assert len(native(stripe_simulator, DE).v1.credit_notes.list({"limit": 9}).data) == 1


async def test_a_credit_that_failed_before_a_payment_is_given_after_it(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Stripe saved its own failure under the key; once paid, the same credit is another request."""
    native_id = first_id(await begun(dated_billing, days))
    command = asked(native_id, "1000.00")
    stripe_simulator.fault(
        "server_error", target="execution", method="POST", path="/v1/credit_notes$"
    )
    outcome = await dated_billing.credit_invoice(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    by_bank(stripe_simulator, native_id)
    memo = await given(dated_billing, command)
    assert forms(memo) == {CreditForm.BALANCE: "1190.00"}


@pytest.mark.parametrize(
    ("net", "more", "code", "field"),
    [
        ("17760.01", {}, "credit_exceeds_what_was_billed", "credits"),
        ("1.00", {"currency": "USD"}, "currency_differs", "currency"),
    ],
)
async def test_more_than_is_left_and_another_currency_are_refused(
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
    net: str,
    more: dict[str, Any],
    code: str,
    field: str,
) -> None:
    """By the preview and by the act, before anything is sent."""
    command = asked(first_id(await begun(dated_billing, days)), net, **more)
    with pytest.raises(StepRejected) as refused:
        await dated_billing.preview_credit(command)
    assert (refused.value.code, refused.value.field) == (code, field)
    outcome = await dated_billing.credit_invoice(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.field) == (code, field)
    assert native(stripe_simulator, DE).v1.credit_notes.list({"limit": 9}).data == []


async def test_an_unknown_invoice_and_one_that_was_given_up_are_refused(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The one is not there; the other is not corrected any more."""
    native_id = first_id(await begun(dated_billing, days))
    with pytest.raises(NotFound):
        await dated_billing.preview_credit(asked("in_nobody", "1.00"))
    outcome = await dated_billing.credit_invoice(asked("in_nobody", "1.00"), idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "invoice_not_found"
    native(stripe_simulator, DE).v1.invoices.mark_uncollectible(native_id)
    outcome = await dated_billing.credit_invoice(asked(native_id, "1.00"), idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "invoice_is_uncollectible"
