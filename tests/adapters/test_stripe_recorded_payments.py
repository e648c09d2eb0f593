"""PF-08: money that came to the bank is recorded on the simulated biller's invoice, once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.bill import PaymentWay
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.outcome import Done, Rejected
from dealthread.ports.billing import RecordPayment
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import customer_of, started
from tests.adapters.stripe_wire import Routes, page
from tests.adapters.test_stripe_bills import DE, US, begun, by_card, first_id
from tests.support import deals


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
    assert isinstance(refused, Rejected), "without a day no part"
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


async def test_two_transfers_pay_an_invoice_each_by_its_own_part(
    dated_billing: StripeBilling, days: Days
) -> None:
    """D2's 21,134.40 as it came: 11,134.40 and 10,000.00 (facts/domain.md §9.6). Each is told again
    and again, and another day under a new key."""
    native_id = first_id(await begun(dated_billing, days))
    for receipt, amount, on, left in (
        ("B-1", "11134.40", 10, "10000.00"),
        ("B-2", "10000.00", 14, "0.00"),
    ):
        days.go(date(2026, 4, on))
        command = RecordPayment(
            billing_account=DE,
            invoice_id=native_id,
            amount=Money.of(amount, "EUR"),
            receipt=receipt,
            value_date=date(2026, 4, on),
        )
        for key in ("a", "a", "b"):
            made = await dated_billing.record_payment(command, idempotency_key=f"{receipt}{key}")
            assert isinstance(made, Done)
            assert str(made.value.remaining.amount) == left
    bill = await dated_billing.read_bill(DE, native_id)
    assert [
        (one.way, one.receipt, str(one.amount.amount), one.paid_on) for one in bill.payments
    ] == [
        (PaymentWay.BANK, "B-1", "11134.40", date(2026, 4, 10)),
        (PaymentWay.BANK, "B-2", "10000.00", date(2026, 4, 14)),
    ]
    assert (bill.status, bill.takes_part) == (InvoiceStatus.PAID, False)


def reported(simulator: Simulator, native_id: str, amount: int) -> None:
    """What an attempt told Stripe whose answer was lost for longer than Stripe keeps its key."""
    client = native(simulator, DE)
    at = int(datetime(2026, 3, 16, tzinfo=UTC).timestamp())
    client.v1.payment_records.report_payment(
        {
            "amount_requested": {"currency": "eur", "value": amount},
            "customer_details": {"customer": str(client.v1.invoices.retrieve(native_id).customer)},
            "guaranteed": {"guaranteed_at": at},
            "initiated_at": at,
            "metadata": {"dealthread_invoice": native_id, "dealthread_receipt": "B-5"},
            "outcome": "guaranteed",
            "payment_method_details": {"custom": {"display_name": "Bank"}, "type": "custom"},
            "processor_details": {"custom": {"payment_reference": "B-5"}, "type": "custom"},
        }
    )


def b5(native_id: str, amount: str) -> RecordPayment:
    return RecordPayment(
        billing_account=DE,
        invoice_id=native_id,
        amount=Money.of(amount, "EUR"),
        receipt="B-5",
        value_date=date(2026, 3, 16),
    )


@pytest.mark.parametrize("by_card_meanwhile", [0, 2113440 - 500000], ids=["part", "the last"])
async def test_a_part_that_was_reported_and_not_attached_is_found_and_attached(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days, by_card_meanwhile: int
) -> None:
    """Where a card has paid all else meanwhile, the record covers exactly what is left."""
    native_id = first_id(await begun(dated_billing, days))
    reported(stripe_simulator, native_id, 500000)
    if by_card_meanwhile:
        by_card(stripe_simulator, DE, native_id, by_card_meanwhile)
    made = await dated_billing.record_payment(b5(native_id, "5000.00"), idempotency_key="new")
    assert isinstance(made, Done)
    (bank,) = [one for one in made.value.payments if one.way is PaymentWay.BANK]
    assert (str(bank.amount.amount), bank.receipt) == ("5000.00", "B-5")
    assert (made.value.status is InvoiceStatus.PAID) == bool(by_card_meanwhile)
    client = native(stripe_simulator, DE).v1
    (record,) = client.payment_records.list().data
    payments = [one.payment for one in client.invoice_payments.list({"invoice": native_id}).data]
    records = [one.payment_record for one in payments if one.type == "payment_record"]
    assert records == [record.id]


@pytest.mark.parametrize(
    ("by_card_meanwhile", "asked"),
    [(2113440 - 400000, "4000.00"), (0, "4000.00"), (2113440, "5000.00")],
    ids=["more than is left", "another amount", "paid"],
)
async def test_a_part_that_was_reported_and_fits_no_more_is_a_persons(
    dated_billing: StripeBilling,
    stripe_simulator: Simulator,
    days: Days,
    by_card_meanwhile: int,
    asked: str,
) -> None:
    """Stripe would count the bank's money twice, or money of no invoice: the record is named."""
    native_id = first_id(await begun(dated_billing, days))
    reported(stripe_simulator, native_id, 500000)
    if by_card_meanwhile:
        by_card(stripe_simulator, DE, native_id, by_card_meanwhile)
    command = b5(native_id, asked)
    client = native(stripe_simulator, DE).v1
    (record,) = client.payment_records.list().data
    before = await dated_billing.read_bill(DE, native_id)
    for refused in (
        await dated_billing.record_payment(command, idempotency_key="new"),
        await dated_billing.payment_left_alone(command),
    ):
        assert isinstance(refused, Rejected)
        assert (refused.case_kind, refused.code) == (
            "cash.over_under",
            "payment_record_of_no_invoice",
        )
        assert refused.evidence == {
            "payment_record": record.id,
            "recorded": "5,000.00 EUR",
            "amount": str(command.amount),
        }
    assert await dated_billing.read_bill(DE, native_id) == before
    assert len(client.payment_records.list().data) == 1
    other = command.model_copy(update={"receipt": "B-6"})
    assert await dated_billing.payment_left_alone(other) is None


async def test_a_record_whose_invoice_refuses_it_is_named(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days
) -> None:
    """The invoice was given up after the report: Stripe attaches nothing to it."""
    native_id = first_id(await begun(dated_billing, days))
    reported(stripe_simulator, native_id, 500000)
    client = native(stripe_simulator, DE).v1
    client.invoices.mark_uncollectible(native_id)
    refused = await dated_billing.record_payment(b5(native_id, "5000.00"), idempotency_key="new")
    assert isinstance(refused, Rejected)
    assert refused.case_kind == "cash.over_under"
    assert refused.evidence["payment_record"] == client.payment_records.list().data[0].id


@pytest.mark.parametrize(("refunded", "stands"), [(0, True), (400000, True), (500000, False)])
async def test_a_record_whose_refund_was_reported_is_nobodys_any_more(
    routed_billing: StripeBilling, routes: Routes, refunded: int, stands: bool
) -> None:
    """What a person does about one that is of no invoice; all of it, not a part."""

    def worth(value: int) -> dict[str, object]:
        return {"currency": "usd", "value": value}

    record = {
        "id": "pr_1",
        "amount_guaranteed": worth(500000),
        "amount_refunded": worth(refunded),
        "metadata": {"dealthread_invoice": "in_1", "dealthread_receipt": "B-5"},
    }
    routes.on("GET", "/v1/payment_records", page(record))
    command = b5("in_1", "5000.00").model_copy(update={"billing_account": US})
    found = await routed_billing.payment_left_alone(command)
    assert (found is not None and found.evidence["payment_record"] == "pr_1") == stands


async def test_no_part_of_an_invoice_that_a_card_is_charged_for(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days
) -> None:
    """docs.stripe.com/invoicing/partial-payments: not of a subscription charged automatically."""
    days.go(date(2026, 1, 1))
    customer = (await customer_of(dated_billing, deals.d1(), deals.HARBORLINE)).ref.native_id
    client = native(stripe_simulator, US).v1
    card = client.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    client.customers.update(customer, {"invoice_settings": {"default_payment_method": card.id}})
    agreement, _ = await started(dated_billing, deals.d1(), deals.HARBORLINE)
    native_id = first_id(agreement)
    bill = await dated_billing.read_bill(US, native_id)
    assert (bill.status, bill.takes_parts) == (InvoiceStatus.OPEN, False)
    command = RecordPayment(
        billing_account=US,
        invoice_id=native_id,
        amount=Money.of("5000.00", "USD"),
        receipt="B-6",
        value_date=date(2026, 1, 1),
    )
    refused = await dated_billing.record_payment(command, idempotency_key="a")
    assert isinstance(refused, Rejected)
    assert refused.code == "another_amount_is_left"
    assert client.payment_records.list().data == []
