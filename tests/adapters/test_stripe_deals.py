"""The worked deals at the simulated biller, to the cent, and what is left after an undo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.http import TallyMeter
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency, CollectionMethod, TermKind
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.domain.invoice import BillingInvoice, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.errors import AuthRejected, StepRejected
from dealthread.outcome import Done, Rejected
from dealthread.ports import StartAgreement
from tests.adapters.conftest import ACCOUNTS, Simulator, native
from tests.adapters.fake_clock import OffsetClock
from tests.adapters.test_stripe_contract import customer_of, onboarding
from tests.support import deals

KEY = "quote-to-cash:org:deal#1/subscription/do"
UNDO = "quote-to-cash:org:deal#1/subscription/undo"


def by_bank(contract: Contract) -> Contract:
    """The same deal, invoiced by mail."""
    return contract.model_copy(
        update={"collection_method": CollectionMethod.BANK_TRANSFER, "days_until_due": 30}
    )


def d2(country: str = "DE") -> Contract:
    """D2 without the customer's purchase order number."""
    return deals.d2().model_copy(update={"po_number": "", "seller_country": country})


NORDWERK = deals.NORDWERK.model_copy(update={"tax_ids": ()})


async def started(
    billing: StripeBilling, contract: Contract, party: Party, *, hold: bool = False, key: str = KEY
) -> tuple[Agreement, BillingCustomer]:
    """Customer and agreement of a deal."""
    customer = await customer_of(billing, contract, party)
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=hold),
        idempotency_key=key,
    )
    assert isinstance(outcome, Done), outcome
    return outcome.value, customer


def amounts(invoice: BillingInvoice | None) -> tuple[str, str, str]:
    """Net, tax, gross."""
    assert invoice is not None
    return str(invoice.net.amount), str(invoice.tax.amount), str(invoice.gross.amount)


FIRST_BILLS = [
    ("D1", by_bank(deals.d1()), deals.HARBORLINE, ("15000.00", "891.00", "15891.00")),
    ("D2", d2(), NORDWERK, ("17760.00", "3374.40", "21134.40")),
    ("D4", deals.d4(), deals.COBALT, ("43200.00", "3834.00", "47034.00")),
]


@pytest.mark.parametrize(
    ("contract", "party", "expected"),
    [row[1:] for row in FIRST_BILLS],
    ids=[row[0] for row in FIRST_BILLS],
)
async def test_preview_and_first_invoice_agree_to_the_cent_line_by_line(
    billing: StripeBilling, contract: Contract, party: Party, expected: tuple[str, str, str]
) -> None:
    """DM-04: the biller's preview, then its bill, both by our line keys; taxes by our codes."""
    preview = await billing.preview_first_invoice(contract, party)
    agreement, _ = await started(billing, contract, party)
    invoice = agreement.first_invoice
    assert invoice is not None
    assert preview.status is InvoiceStatus.PREVIEW
    assert preview.ref is None
    assert amounts(preview) == amounts(invoice) == expected
    wanted = {
        line.line_key: (line.net_per_period, line.tax.code)
        for line in contract.lines
        if line.start_date == contract.start_date
    }
    for bill in (preview, invoice):
        assert {line.line_key: (line.net, line.tax_rate) for line in bill.lines} == wanted
    seats = next(line for line in invoice.lines if line.line_key == contract.lines[0].line_key)
    assert (seats.period_start, seats.period_end) == (
        contract.start_date,
        contract.lines[0].end_date,
    )


async def test_nothing_is_stored_by_a_preview(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """No customer, no invoice; and nothing that names the customer is sent."""
    await billing.preview_first_invoice(by_bank(deals.d1()), deals.HARBORLINE)
    client = native(stripe_simulator, "acct_us01")
    assert client.v1.customers.list({}).data == []
    assert client.v1.invoices.list({}).data == []


async def test_a_fixed_term_holds_its_committed_end(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """V15: the subscription ends by itself on the committed end, at 00:00 UTC."""
    agreement, _ = await started(billing, by_bank(deals.d1()), deals.HARBORLINE)
    assert agreement.committed_until == date(2027, 1, 1)
    assert agreement.schedule is None
    assert agreement.subscription is not None
    client = native(stripe_simulator, "acct_us01")
    held = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
    assert held.cancel_at == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())


async def test_a_ramp_is_a_schedule_of_its_years(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """D4: three phases of 100, 150 and 200 seats; the first is billed."""
    agreement, _ = await started(billing, deals.d4(), deals.COBALT)
    assert agreement.schedule is not None
    assert agreement.subscription is not None
    client = native(stripe_simulator, "acct_us01")
    schedule = client.v1.subscription_schedules.retrieve(agreement.schedule.native_id)
    assert [phase["items"][0].quantity for phase in schedule.phases] == [100, 150, 200]
    assert schedule.end_behavior == "cancel"


async def test_a_term_that_renews_is_held_and_then_released(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """V15: a schedule holds the committed term; after it the subscription goes on."""
    contract = by_bank(deals.d1()).model_copy(update={"auto_renew": True})
    agreement, customer = await started(billing, contract, deals.HARBORLINE)
    assert agreement.schedule is not None
    assert amounts(agreement.first_invoice) == ("15000.00", "891.00", "15891.00")
    client = native(stripe_simulator, "acct_us01")
    schedule = client.v1.subscription_schedules.retrieve(agreement.schedule.native_id)
    assert schedule.end_behavior == "release"
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found == agreement


async def test_a_future_start_is_scheduled_found_and_cancelled_without_a_document(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Domain table, row "start in the future": no document ever existed."""
    contract = by_bank(deals.d1())
    start, end = date(2026, 7, 1), date(2027, 7, 1)
    lines = tuple(
        line.model_copy(
            update={"start_date": start, "end_date": end if line.kind == "recurring" else None}
        )
        for line in contract.lines
    )
    contract = contract.model_copy(
        update={"start_date": start, "end_date": end, "committed_until": end, "lines": lines}
    )
    preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
    assert amounts(preview) == ("15000.00", "891.00", "15891.00")
    agreement, customer = await started(billing, contract, deals.HARBORLINE)
    assert agreement.status is AgreementStatus.SCHEDULED
    assert agreement.first_invoice is None
    assert await billing.find_agreement(contract, customer, idempotency_key=KEY) == agreement
    outcome = await billing.cancel_agreement(agreement, "acct_us01", idempotency_key=UNDO)
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.CANCELLED
    assert native(stripe_simulator, "acct_us01").v1.invoices.list({}).data == []


async def test_a_held_draft_is_released_once(billing: StripeBilling) -> None:
    """Release policy "review": draft, compared, finalised; a repeat changes nothing."""
    contract = d2()
    agreement, customer = await started(billing, contract, NORDWERK, hold=True)
    assert agreement.status is AgreementStatus.HELD
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.status is InvoiceStatus.DRAFT
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found == agreement
    keys = {"idempotency_key": "quote-to-cash:org:deal#1/release/do"}
    first = await billing.release_first_invoice(agreement, "acct_de01", **keys)
    again = await billing.release_first_invoice(agreement, "acct_de01", **keys)
    other = await billing.release_first_invoice(agreement, "acct_de01", idempotency_key="other")
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert isinstance(other, Done)
    assert first.value == again.value == other.value
    assert first.value.status is InvoiceStatus.OPEN
    assert first.value.number == "DE-000001"
    assert first.value.due_date == date(2026, 4, 14)


async def test_a_hold_that_was_interrupted_is_completed_by_the_look_up(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """The subscription exists, its draft would be finalised in an hour: find holds it."""
    contract = d2()
    customer = await customer_of(billing, contract, NORDWERK)
    command = StartAgreement(contract=contract, customer=customer, hold_first_invoice=True)
    stripe_simulator.fault("refuse", method="POST", path="/v1/invoices/in_", times=1)
    outcome = await billing.start_agreement(command, idempotency_key=KEY)
    assert not isinstance(outcome, Done)
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found is not None
    assert found.status is AgreementStatus.HELD
    client = native(stripe_simulator, "acct_de01")
    assert [row.auto_advance for row in client.v1.invoices.list({}).data] == [False]


@pytest.mark.parametrize(("country", "status", "credited"), [("US", "void", 0), ("DE", "paid", 1)])
async def test_the_draft_of_a_cancelled_agreement_is_closed_as_the_sellers_law_permits(
    billing: StripeBilling,
    stripe_simulator: Simulator,
    country: str,
    status: str,
    credited: int,
) -> None:
    """Domain table: US finalised and voided; DE, UK finalised and credited in full."""
    agreement, _ = await started(billing, d2(country), NORDWERK, hold=True)
    outcome = await billing.cancel_agreement(agreement, "acct_de01", idempotency_key=UNDO)
    assert isinstance(outcome, Done), outcome
    assert outcome.value.status is AgreementStatus.CANCELLED
    client = native(stripe_simulator, "acct_de01")
    (invoice,) = client.v1.invoices.list({}).data
    assert invoice.status == status
    assert invoice.amount_remaining == 0 or status == "void"
    notes = client.v1.credit_notes.list({}).data
    assert len(notes) == credited
    for note in notes:
        assert note.total == invoice.total
        assert sum(tax.amount for tax in note.total_taxes or []) == 337440


@pytest.mark.parametrize("step", ["/v1/subscriptions/sub_", "/finalize$", "/void$"])
@pytest.mark.parametrize("kind", ["lose_answer", "server_error", "refuse"])
async def test_an_undo_interrupted_at_any_step_is_finished_by_its_repeat(
    billing: StripeBilling, stripe_simulator: Simulator, step: str, kind: str
) -> None:
    """RS-04: repeated with the same key until it is done; one voided number, no live agreement."""
    agreement, _ = await started(billing, d2("US"), NORDWERK, hold=True)
    method = "DELETE" if "subscriptions" in step else "POST"
    stripe_simulator.fault(kind, method=method, path=step)
    first = await billing.cancel_agreement(agreement, "acct_de01", idempotency_key=UNDO)
    assert not isinstance(first, Done)
    second = await billing.cancel_agreement(agreement, "acct_de01", idempotency_key=UNDO)
    assert isinstance(second, Done), second
    client = native(stripe_simulator, "acct_de01")
    assert [row.status for row in client.v1.invoices.list({}).data] == ["void"]
    live = client.v1.subscriptions.list({}).data
    assert live == []


async def test_a_finalised_first_invoice_is_beyond_undoing(billing: StripeBilling) -> None:
    """W2: after the pivot the deal is ended by a new transaction, never by this undo."""
    agreement, _ = await started(billing, d2(), NORDWERK, hold=True)
    released = await billing.release_first_invoice(agreement, "acct_de01", idempotency_key="r")
    assert isinstance(released, Done)
    outcome = await billing.cancel_agreement(agreement, "acct_de01", idempotency_key=UNDO)
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == (
        "integration.undo_failed",
        "first_invoice_finalised",
    )
    state = await billing.read_agreement(agreement, "acct_de01")
    assert state.status is AgreementStatus.ACTIVE


async def with_card(simulator: Simulator, customer: BillingCustomer, card: str) -> None:
    """A card on file, as the hosted page would leave it."""
    client = native(simulator, customer.ref.account)
    method = client.v1.payment_methods.attach(card, {"customer": customer.ref.native_id})
    client.v1.customers.update(
        customer.ref.native_id, {"invoice_settings": {"default_payment_method": method.id}}
    )


async def test_by_card_the_first_invoice_is_paid_at_once(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """D1: charged automatically; the payment method is seen before."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    assert not await billing.payment_method_on_file("acct_us01", contract.customer_key)
    await with_card(stripe_simulator, customer, "pm_card_visa")
    assert await billing.payment_method_on_file("acct_us01", contract.customer_key)
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Done), outcome
    assert outcome.value.status is AgreementStatus.ACTIVE
    assert amounts(outcome.value.first_invoice) == ("15000.00", "891.00", "15891.00")
    assert outcome.value.first_invoice is not None
    assert outcome.value.first_invoice.status is InvoiceStatus.PAID


async def test_a_card_that_fails_leaves_the_agreement_incomplete(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """A missing payment is a state that is seen, not an error that is lost."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    await with_card(stripe_simulator, customer, "pm_card_chargeCustomerFail")
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Done), outcome
    assert outcome.value.status is AgreementStatus.INCOMPLETE


async def test_a_held_invoice_by_card_is_charged_when_it_is_released(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """W2: collected by mail while held, automatically once released."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    await with_card(stripe_simulator, customer, "pm_card_visa")
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=True),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Done), outcome
    assert outcome.value.status is AgreementStatus.HELD
    released = await billing.release_first_invoice(
        outcome.value, "acct_us01", idempotency_key="quote-to-cash:o:d#1/release/do"
    )
    assert isinstance(released, Done), released
    client = native(stripe_simulator, "acct_us01")
    (subscription,) = client.v1.subscriptions.list({}).data
    assert subscription.collection_method == "charge_automatically"
    assert released.value.status in (InvoiceStatus.PAID, InvoiceStatus.OPEN)


async def test_the_same_data_changes_nothing(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """A repeated onboarding reads; another address writes once."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    command = onboarding(contract, deals.HARBORLINE)
    stripe_simulator.forget()
    same = await billing.update_customer(command, customer, idempotency_key="u1")
    assert isinstance(same, Done)
    assert [row["method"] for row in stripe_simulator.requests()] == ["GET"]
    address = deals.HARBORLINE.billing_address.model_copy(update={"street": "200 Congress Ave"})
    moved = command.model_copy(
        update={"party": deals.HARBORLINE.model_copy(update={"billing_address": address})}
    )
    changed = await billing.update_customer(moved, customer, idempotency_key="u2")
    assert isinstance(changed, Done)
    client = native(stripe_simulator, "acct_us01")
    held = client.v1.customers.retrieve(customer.ref.native_id).address
    assert held is not None
    assert held.line1 == "200 Congress Ave"


async def test_a_fresh_customer_is_found_although_search_lags(billing: StripeBilling) -> None:
    """K9: search may be behind; what was just made is listed."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    found = await billing.find_customer("acct_us01", contract.customer_key)
    assert found is not None
    assert found.ref == customer.ref
    assert await billing.find_customer("acct_de01", contract.customer_key) is None


async def test_a_retired_customer_is_taken_up_again(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Master data is marked unused, never deleted; the next deal reuses it."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    await billing.retire_customer(customer, idempotency_key="x")
    outcome = await billing.update_customer(
        onboarding(contract, deals.HARBORLINE), customer, idempotency_key="y"
    )
    assert isinstance(outcome, Done)
    marks = (
        native(stripe_simulator, "acct_us01").v1.customers.retrieve(customer.ref.native_id).metadata
    )
    assert marks is not None
    assert "dealthread_unused" not in marks.to_dict()


@pytest.mark.parametrize(
    ("field", "value", "code", "case_kind"),
    [
        ("billing_product", "nowhere", "resource_missing", "catalogue.drift"),
        ("quantity", Decimal("1.5"), "quantity_not_whole", "deal.invalid_terms"),
        ("kind", "usage", "usage_price_not_supported", "catalogue.unmapped"),
    ],
)
async def test_a_preview_refuses_what_cannot_be_billed(
    billing: StripeBilling, field: str, value: Any, code: str, case_kind: str
) -> None:
    """K7: before anything is written."""
    contract = by_bank(deals.d1())
    bad = contract.lines[0].model_copy(update={field: value})
    with pytest.raises(StepRejected) as refused:
        await billing.preview_first_invoice(
            contract.model_copy(update={"lines": (bad,)}), deals.HARBORLINE
        )
    assert (refused.value.code, refused.value.case_kind) == (code, case_kind)


async def test_a_tax_rate_that_differs_from_ours_stops_the_deal(billing: StripeBilling) -> None:
    """V33: the code exists, its percentage is another one."""
    contract = by_bank(deals.d1())
    line = contract.lines[0]
    tax = line.tax.model_copy(update={"applied_rate": Decimal("6.7")})
    bad = contract.model_copy(update={"lines": (line.model_copy(update={"tax": tax}),)})
    with pytest.raises(StepRejected) as refused:
        await billing.preview_first_invoice(bad, deals.HARBORLINE)
    assert refused.value.code == "tax_rate_percentage_differs"
    assert refused.value.case_kind == "tax.rejected"


@pytest.fixture
async def stranger(stripe_simulator: Simulator, clock: OffsetClock) -> AsyncIterator[StripeBilling]:
    """The adapter with a key that is not one."""
    adapter = StripeBilling(
        StripeSettings(
            accounts={key: SecretStr("sk_test_wrong_key") for key in ACCOUNTS},
            api_base=stripe_simulator.url,
        ),
        clock,
    )
    yield adapter
    await adapter.aclose()


async def test_a_wrong_key_is_refused_credentials(stranger: StripeBilling) -> None:
    """K8."""
    with pytest.raises(AuthRejected):
        await stranger.find_customer("acct_us01", "A-HARBORLINE")


async def test_vendor_calls_of_a_deal_are_counted(
    billing: StripeBilling,
) -> None:
    """Cost: tax rates are listed once for the account, the rest per deal."""
    contract = by_bank(deals.d1())
    meter = TallyMeter()
    for account in ACCOUNTS:
        billing._accounts[account]._meter = meter
    await billing.preview_first_invoice(contract, deals.HARBORLINE)
    agreement, _ = await started(billing, contract, deals.HARBORLINE)
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.gross == Money.of("15891.00", "USD")
    assert meter.calls == {
        ("stripe", "list_tax_rates"): 1,
        ("stripe", "preview_invoice"): 1,
        ("stripe", "create_customer"): 1,
        ("stripe", "start_agreement"): 1,
    }


async def test_a_held_ramp_is_undone_with_its_schedule(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """D4 held for review, then stopped: schedule and subscription end, the draft is closed."""
    contract = deals.d4().model_copy(update={"seller_country": "US"})
    agreement, _ = await started(billing, contract, deals.COBALT, hold=True)
    assert agreement.status is AgreementStatus.HELD
    assert agreement.schedule is not None
    for _ in range(2):
        outcome = await billing.cancel_agreement(agreement, "acct_us01", idempotency_key=UNDO)
        assert isinstance(outcome, Done), outcome
        assert outcome.value.status is AgreementStatus.CANCELLED
    client = native(stripe_simulator, "acct_us01")
    assert [row.status for row in client.v1.invoices.list({}).data] == ["void"]
    schedule = client.v1.subscription_schedules.retrieve(agreement.schedule.native_id)
    assert schedule.status == "canceled"


def evergreen(start: date) -> Contract:
    """A monthly agreement without an end: ten seats at 25.00 a month."""
    base = by_bank(deals.d1())
    line = base.lines[0].model_copy(
        update={
            "unit_price": base.lines[0].unit_price.model_copy(update={"amount": Decimal("25.00")}),
            "quantity": Decimal(10),
            "period_months": 1,
            "start_date": start,
            "end_date": None,
            "net_per_period": Money.of("250.00", "USD"),
            "committed_net": Money.of("250.00", "USD"),
        }
    )
    return base.model_copy(
        update={
            "billing_frequency": BillingFrequency.MONTHLY,
            "term_kind": TermKind.EVERGREEN,
            "start_date": start,
            "end_date": None,
            "committed_until": None,
            "term_months": None,
            "lines": (line,),
        }
    )


async def test_a_backdated_evergreen_bills_each_elapsed_period(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Since 1 February, seen on 15 March: two whole months, both under the one line."""
    contract = evergreen(date(2026, 2, 1))
    preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
    agreement, _ = await started(billing, contract, deals.HARBORLINE)
    assert agreement.committed_until is None
    for bill in (preview, agreement.first_invoice):
        assert amounts(bill) == ("500.00", "33.00", "533.00")
        assert bill is not None
        assert [line.line_key for line in bill.lines] == ["L-D1-SEATS", "L-D1-SEATS"]
        assert sorted((line.period_start, line.period_end) for line in bill.lines) == [
            (date(2026, 2, 1), date(2026, 3, 1)),
            (date(2026, 3, 1), date(2026, 4, 1)),
        ]
    assert agreement.subscription is not None
    client = native(stripe_simulator, "acct_us01")
    held = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
    assert held.cancel_at is None


async def test_an_evergreen_that_starts_later_goes_on_after_its_schedule(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """One period in a schedule, released afterwards: no end."""
    contract = evergreen(date(2026, 4, 1))
    agreement, customer = await started(billing, contract, deals.HARBORLINE)
    assert agreement.status is AgreementStatus.SCHEDULED
    assert await billing.find_agreement(contract, customer, idempotency_key=KEY) == agreement
    assert agreement.schedule is not None
    client = native(stripe_simulator, "acct_us01")
    schedule = client.v1.subscription_schedules.retrieve(agreement.schedule.native_id)
    assert schedule.end_behavior == "release"
