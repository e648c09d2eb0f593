"""PF-08: money that came to the bank is recorded on the simulated biller's invoice, once."""

from __future__ import annotations

from datetime import date

from adapters.stripe.billing import StripeBilling
from dealthread.domain.bill import PaymentWay
from dealthread.domain.money import Money
from dealthread.outcome import Done, Rejected
from dealthread.ports.billing import RecordPayment
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.test_stripe_bills import DE, begun, by_card, first_id


async def test_what_is_left_is_paid_once_and_the_invoice_names_the_receipt(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days
) -> None:
    """A part by card before it: the bank's part is told apart, and by its receipt."""
    native_id = first_id(await begun(dated_billing, days))
    by_card(stripe_simulator, DE, native_id, 113440)
    bill = await dated_billing.read_bill(DE, native_id)
    assert bill.remaining == Money.of("20000.00", "EUR")
    command = RecordPayment(
        billing_account=DE, invoice_id=native_id, amount=bill.remaining, receipt="B-17"
    )
    other = command.model_copy(update={"amount": Money.of("19999.99", "EUR")})
    refused = await dated_billing.record_payment(other, idempotency_key="a")
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.code) == ("cash.over_under", "another_amount_is_left")
    for key in ("b", "b", "c"):
        made = await dated_billing.record_payment(command, idempotency_key=key)
        assert isinstance(made, Done)
        card, bank = sorted(made.value.payments, key=lambda one: one.receipt)
        assert (card.way, card.receipt) == (PaymentWay.PROCESSOR, "")
        assert (bank.way, bank.receipt, bank.amount) == (
            PaymentWay.BANK,
            "B-17",
            Money.of("20000.00", "EUR"),
        )
        assert not made.value.remaining
    assert (await dated_billing.read_bill(DE, native_id)).payments == made.value.payments
    late = command.model_copy(update={"receipt": "B-18"})
    refused = await dated_billing.record_payment(late, idempotency_key="d")
    assert isinstance(refused, Rejected)
    assert refused.code == "invoice_is_paid"


async def test_what_a_person_marks_as_paid_elsewhere_names_no_receipt(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days
) -> None:
    native_id = first_id(await begun(dated_billing, days))
    native(stripe_simulator, DE).v1.invoices.pay(native_id, {"paid_out_of_band": True})
    (paid,) = (await dated_billing.read_bill(DE, native_id)).payments
    assert (paid.way, paid.receipt, paid.paid_on) == (PaymentWay.BANK, "", date(2026, 3, 16))
