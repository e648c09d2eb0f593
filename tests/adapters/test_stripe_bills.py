"""Bills read from the simulated biller: lines, payments, credits, balance (domain.md 9.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from adapters.stripe.bills import customer_key, payments_of
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.errors import ContractDrift, NotFound, VendorUnavailable
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import change, credit, done, figures, from_day, renewed
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank as by_mail
from tests.adapters.stripe_deals import d2, started
from tests.support import deals

US, DE = "acct_us01", "acct_de01"
SEATS = "L-D2-SEATS"
START, CUT, END = date(2026, 3, 15), date(2026, 9, 15), date(2027, 3, 15)


def first_id(agreement: Agreement) -> str:
    """Native id of the first invoice."""
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    return agreement.first_invoice.ref.native_id


async def begun(billing: StripeBilling, days: Days) -> Agreement:
    """D2 on its second day: the first invoice is finalised."""
    days.go(START)
    agreement, _ = await started(billing, d2(), deals.NORDWERK)
    days.go(date(2026, 3, 16))
    return agreement


def by_bank(simulator: Simulator, native_id: str) -> None:
    """What is left of a bill of D2 is paid outside of the biller."""
    native(simulator, DE).v1.invoices.pay(native_id, {"paid_out_of_band": True})


def by_card(simulator: Simulator, account: str, native_id: str, amount: int) -> None:
    """A part of a bill is paid at the processor."""
    client = native(simulator, account)
    invoice = client.v1.invoices.retrieve(native_id)
    customer = str(invoice.customer)
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    intent = client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": invoice.currency,
            "customer": customer,
            "payment_method": method.id,
            "confirm": True,
            "off_session": True,
        }
    )
    client.v1.invoices.attach_payment(native_id, {"payment_intent": intent.id})


def reduction(agreement: Agreement) -> ChangeAgreement:
    """D2 A1: 40 to 30 seats from 15 September on, 2,201.75 back."""
    given = credit(d2(), SEATS, "2201.75", CUT, END)
    return change(d2(), reduced(), agreement, CUT, credits=(given,))


def reduced() -> Contract:
    return from_day(d2(), SEATS, CUT, quantity=Decimal(30))


def paid(bill: Bill) -> list[tuple[str, date, PaymentWay]]:
    """Amount, day and way of each payment."""
    return [(str(one.amount.amount), one.paid_on, one.way) for one in bill.payments]


def forms(bill: Bill) -> list[dict[CreditForm, str]]:
    """What became of each credit."""
    return [
        {form: str(part.amount) for form, part in memo.forms.items()} for memo in bill.credit_memos
    ]


def left(bill: Bill) -> tuple[str, str]:
    """Balance used, and what is left to pay."""
    return str(bill.balance_used.amount), str(bill.remaining.amount)


async def test_a_bill_paid_by_card(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1: 15,891.00 by card, gross of fees; lines, keys and days as they are billed."""
    days.go(date(2026, 1, 1))
    agreement, _ = await started(dated_billing, by_mail(deals.d1()), deals.HARBORLINE)
    days.go(date(2026, 1, 2))
    native_id = first_id(agreement)
    unpaid = await dated_billing.read_bill(US, native_id)
    assert (unpaid.status, unpaid.payments) == (InvoiceStatus.OPEN, ())
    assert left(unpaid) == ("0.00", "15891.00")
    client = native(stripe_simulator, US)
    customer = str(client.v1.invoices.retrieve(native_id).customer)
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    client.v1.invoices.pay(native_id, {"payment_method": method.id})
    bill = await dated_billing.read_bill(US, native_id)
    assert figures(bill) == ("15000.00", "891.00", "15891.00")
    assert (bill.status, left(bill)) == (InvoiceStatus.PAID, ("0.00", "0.00"))
    assert (bill.contract_key, bill.customer_key) == (deals.d1().key, deals.d1().customer_key)
    assert {line.line_key: str(line.net.amount) for line in bill.lines} == {
        line.line_key: str(line.net_per_period.amount) for line in deals.d1().lines
    }
    assert paid(bill) == [("15891.00", date(2026, 1, 2), PaymentWay.PROCESSOR)]
    assert (bill.ref.account, bill.ref.kind, bill.ref.native_id) == (US, "invoice", native_id)
    assert bill.issue_date == date(2026, 1, 1)
    assert bill.number.startswith("US-")
    assert (bill.credit_memos, bill.voided_on) == ((), None)
    assert await dated_billing.bill_ids(US, bill.customer_key) == (native_id,)
    assert await dated_billing.bill_ids(US, "nobody") == ()


async def test_a_bill_paid_in_two_parts(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D2: 11,134.40 on 10 April, 10,000.00 on 14 April. What was paid outside of the biller has no
    payment there: it is told with a reference of its own, the same each time."""
    native_id = first_id(await begun(dated_billing, days))
    days.go(date(2026, 4, 10))
    by_card(stripe_simulator, DE, native_id, 1113440)
    half = await dated_billing.read_bill(DE, native_id)
    assert (half.status, left(half)) == (InvoiceStatus.OPEN, ("0.00", "10000.00"))
    days.go(date(2026, 4, 14))
    by_bank(stripe_simulator, native_id)
    bill = await dated_billing.read_bill(DE, native_id)
    assert paid(bill) == [
        ("11134.40", date(2026, 4, 10), PaymentWay.PROCESSOR),
        ("10000.00", date(2026, 4, 14), PaymentWay.BANK),
    ]
    assert figures(bill) == ("17760.00", "3374.40", "21134.40")
    assert (bill.due_date, bill.po_number) == (date(2026, 4, 14), d2().po_number)
    assert await dated_billing.read_bill(DE, native_id) == bill
    assert len({one.ref for one in bill.payments}) == 2


async def test_a_credit_of_a_paid_bill_goes_to_the_balance_and_pays_the_next(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D2: 2,620.08 credited; the renewal of 16,326.32 leaves 13,706.24 to pay."""
    agreement = await begun(dated_billing, days)
    native_id = first_id(agreement)
    by_bank(stripe_simulator, native_id)
    days.go(CUT)
    await done(dated_billing, reduction(agreement))
    bill = await dated_billing.read_bill(DE, native_id)
    (memo,) = bill.credit_memos
    assert figures(memo) == ("2201.75", "418.33", "2620.08")
    assert (forms(bill), memo.corrects) == ([{CreditForm.BALANCE: "2620.08"}], bill.ref)
    assert [line.line_key for line in memo.lines] == [SEATS]
    assert memo.issue_date == CUT
    assert figures(bill) == ("17760.00", "3374.40", "21134.40")
    days.go(date(2027, 3, 1))
    present = await dated_billing.read_agreement(agreement, DE)
    after = renewed(reduced(), date(2028, 3, 15), "457.32")
    await done(dated_billing, change(reduced(), after, present, END), key="renewal:C-D2#1/do")
    days.go(date(2027, 3, 17))
    newest = native(stripe_simulator, DE).v1.invoices.list({"limit": 1}).data[0].id
    assert newest is not None
    renewal = await dated_billing.read_bill(DE, newest)
    assert figures(renewal) == ("13719.60", "2606.72", "16326.32")
    assert left(renewal) == ("2620.08", "13706.24")
    assert (renewal.status, renewal.payments) == (InvoiceStatus.OPEN, ())
    assert [line.line_key for line in renewal.lines] == [SEATS]
    assert renewal.contract_key == d2().key


async def test_a_credit_of_an_unpaid_bill_lowers_what_is_left(
    dated_billing: StripeBilling, days: Days
) -> None:
    """The document says 21,134.40 all the same."""
    agreement = await begun(dated_billing, days)
    days.go(CUT)
    await done(dated_billing, reduction(agreement))
    bill = await dated_billing.read_bill(DE, first_id(agreement))
    assert forms(bill) == [{CreditForm.OPEN_INVOICE: "2620.08"}]
    assert left(bill) == ("0.00", "18514.32")
    assert str(bill.gross.amount) == "21134.40"


async def test_a_void_credit_note_is_none(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    agreement = await begun(dated_billing, days)
    days.go(CUT)
    await done(dated_billing, reduction(agreement))
    client = native(stripe_simulator, DE)
    client.v1.credit_notes.void_credit_note(client.v1.credit_notes.list({"limit": 1}).data[0].id)
    bill = await dated_billing.read_bill(DE, first_id(agreement))
    assert (bill.credit_memos, left(bill)) == ((), ("0.00", "21134.40"))
    (voided,) = bill.voided_credits
    assert (str(voided.gross.amount), voided.voided_on) == ("2620.08", CUT)


async def test_a_void_bill_says_when(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    native_id = first_id(await begun(dated_billing, days))
    days.go(date(2026, 3, 20))
    native(stripe_simulator, DE).v1.invoices.void_invoice(native_id)
    bill = await dated_billing.read_bill(DE, native_id)
    assert (bill.status, bill.voided_on) == (InvoiceStatus.VOID, date(2026, 3, 20))
    assert bill.payments == ()


async def test_a_draft_has_no_number_yet(dated_billing: StripeBilling, days: Days) -> None:
    days.go(START)
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK, hold=True)
    bill = await dated_billing.read_bill(DE, first_id(agreement))
    assert (bill.status, bill.number, bill.issue_date) == (InvoiceStatus.DRAFT, "", None)
    assert str(bill.balance_used.amount) == "0.00"
    assert await dated_billing.bill_ids(DE, bill.customer_key) == ()


async def test_an_invoice_that_no_contract_of_ours_made(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Somebody bills by hand: no keys, and the lines say so."""
    days.go(START)
    client = native(stripe_simulator, DE)
    customer = client.v1.customers.create({"name": "Someone"}).id
    invoice = client.v1.invoices.create(
        {"customer": customer, "collection_method": "send_invoice", "days_until_due": 30}
    )
    assert invoice.id is not None
    client.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "amount": 5000, "currency": "eur"}
    )
    client.v1.invoices.finalize_invoice(invoice.id)
    bill = await dated_billing.read_bill(DE, invoice.id)
    assert (bill.contract_key, bill.customer_key) == ("", "")
    assert [line.line_key for line in bill.lines] == [""]
    assert str(bill.gross.amount) == "50.00"


@pytest.mark.parametrize("native_id", ["in_nobody", ""])
async def test_an_unknown_bill_is_not_found(dated_billing: StripeBilling, native_id: str) -> None:
    with pytest.raises(NotFound):
        await dated_billing.read_bill(DE, native_id)


@pytest.mark.parametrize("path", ["/v1/invoices/in_", "/v1/invoice_payments", "/v1/credit_notes"])
async def test_a_read_that_fails_is_no_bill(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, path: str
) -> None:
    """A bill without its payments would look unpaid."""
    native_id = first_id(await begun(dated_billing, days))
    stripe_simulator.fault("server_error", method="GET", path=path)
    with pytest.raises(VendorUnavailable):
        await dated_billing.read_bill(DE, native_id)


INVOICE: dict[str, Any] = {
    "id": "in_1",
    "currency": "eur",
    "amount_paid": 1500,
    "amount_paid_off_stripe": 1500,
    "metadata": {},
    "status_transitions": {"paid_at": 1776124800},
}
RECORD: dict[str, Any] = {
    "id": "inpay_1",
    "currency": "eur",
    "amount_paid": 1000,
    "payment": {"type": "payment_record", "payment_record": "pr_1"},
    "status_transitions": {"paid_at": 1775779200},
}


def test_a_payment_that_was_reported_is_one_by_bank_and_is_not_counted_twice() -> None:
    found = payments_of("acct_de01", INVOICE, [RECORD])
    assert [(str(one.amount.amount), one.way, one.ref.native_id) for one in found] == [
        ("10.00", PaymentWay.BANK, "inpay_1"),
        ("5.00", PaymentWay.BANK, "in_1:off_stripe"),
    ]


@pytest.mark.parametrize(
    ("invoice", "payment", "field"),
    [
        ({"amount_paid_off_stripe": 499}, {}, "amount_paid"),
        ({"amount_paid_off_stripe": None}, {}, "amount_paid"),
        ({"amount_paid": None}, {}, "amount_paid"),
        ({"status_transitions": {"paid_at": None}}, {}, "status_transitions.paid_at"),
        ({}, {"payment": {"type": "barter"}}, "payment.type"),
        ({}, {"amount_paid": None}, "amount_paid"),
        ({}, {"status_transitions": {"paid_at": None}}, "status_transitions.paid_at"),
        ({}, {"currency": "usd"}, "currency"),
    ],
)
def test_drift_is_named(invoice: Mapping[str, Any], payment: Mapping[str, Any], field: str) -> None:
    """Money that cannot be told is not guessed."""
    with pytest.raises(ContractDrift) as drift:
        payments_of("acct_de01", {**INVOICE, **invoice}, [{**RECORD, **payment}])
    assert drift.value.evidence["field"] == field


def test_a_deleted_customer_has_no_key() -> None:
    assert customer_key({"customer": {"id": "cus_1", "object": "customer", "deleted": True}}) == ""


async def test_a_charge_that_failed_is_told_until_the_invoice_is_paid(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """SN-4: what opens a pursuit at once. A first attempt that is only planned is no failure."""
    client = native(stripe_simulator, US).v1
    customer = client.customers.create()
    method = client.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    invoice = client.invoices.create({"customer": customer.id, "auto_advance": True})
    client.invoice_items.create(
        {"customer": customer.id, "invoice": invoice.id, "amount": 1000, "currency": "usd"}
    )
    assert (await billing.read_bill(US, invoice.id)).failed_attempts == 0
    client.invoices.finalize_invoice(invoice.id)
    failed = await billing.read_bill(US, invoice.id)
    assert (failed.status, failed.failed_attempts) == (InvoiceStatus.OPEN, 1)
    client.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (await billing.read_bill(US, invoice.id)).failed_attempts == 0
