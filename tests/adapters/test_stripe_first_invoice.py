"""First invoices at the simulated biller: held, released, charged, undone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.stripe.agreements import Agreements
from adapters.stripe.billing import StripeBilling
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.documents import AgreementStatus, BillingCustomer
from dealthread.domain.invoice import InvoiceStatus
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.billing import StartAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_deals import KEY, NORDWERK, UNDO, amounts, by_bank, d2, started
from tests.adapters.test_stripe_contract import customer_of
from tests.adapters.test_stripe_month_ends import billed, seen_on
from tests.support import deals


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


@pytest.mark.parametrize("kind", ["refuse", "reject"])
async def test_a_hold_that_failed_is_made_when_it_is_asked_for_again(
    billing: StripeBilling, stripe_simulator: Simulator, kind: str
) -> None:
    """The subscription exists, its draft would be finalised in an hour: found as it is, then
    held."""
    contract = d2()
    customer = await customer_of(billing, contract, NORDWERK)
    command = StartAgreement(contract=contract, customer=customer, hold_first_invoice=True)
    stripe_simulator.fault(kind, method="POST", path="/v1/invoices/in_", times=1)
    outcome = await billing.start_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Done if kind == "reject" else Unknown)
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found is not None
    assert found.status is AgreementStatus.ACTIVE
    assert found.bills_by_itself()
    client = native(stripe_simulator, "acct_de01")
    assert [row.auto_advance for row in client.v1.invoices.list({}).data] == [True]
    for _ in range(2):
        held = await billing.hold_first_invoice(found, "acct_de01", idempotency_key=KEY)
        assert isinstance(held, Done)
        assert held.value.status is AgreementStatus.HELD
        assert [row.auto_advance for row in client.v1.invoices.list({}).data] == [False]


async def test_an_agreement_that_could_not_be_held_is_cancelled(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Its draft is closed as that of a held one is."""
    contract = d2("US")
    customer = await customer_of(billing, contract, NORDWERK)
    command = StartAgreement(contract=contract, customer=customer, hold_first_invoice=True)
    stripe_simulator.fault("reject", method="POST", path="/v1/invoices/in_", times=2)
    assert isinstance(await billing.start_agreement(command, idempotency_key=KEY), Done)
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found is not None
    refused = await billing.hold_first_invoice(found, "acct_de01", idempotency_key=KEY)
    assert isinstance(refused, Rejected)
    outcome = await billing.cancel_agreement(found, "acct_de01", idempotency_key=UNDO)
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.CANCELLED
    client = native(stripe_simulator, "acct_de01")
    assert [row.status for row in client.v1.invoices.list({}).data] == ["void"]


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


async def test_a_schedule_that_begins_while_it_is_undone_leaves_no_draft(
    stripe_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at before its start, ended after it: the draft it made meanwhile is closed too."""
    contract = billed(date(2026, 8, 31), BillingFrequency.MONTHLY).model_copy(
        update={"seller_country": "US"}
    )
    end = Agreements._end

    async def end_after_the_start(*given: Any) -> Any:
        stripe_simulator.control.post("/_sim/clock", json={"freeze": "2026-08-31T00:00:01+00:00"})
        return await end(*given)

    monkeypatch.setattr(Agreements, "_end", end_after_the_start)
    async with seen_on(stripe_simulator, datetime(2026, 8, 30, 23, tzinfo=UTC)) as billing:
        agreement, _ = await started(billing, contract, deals.HARBORLINE)
        assert agreement.status is AgreementStatus.SCHEDULED
        outcome = await billing.cancel_agreement(agreement, "acct_us01", idempotency_key=UNDO)
        assert isinstance(outcome, Done), outcome
        assert outcome.value.status is AgreementStatus.CANCELLED
        client = native(stripe_simulator, "acct_us01")
        assert [row.status for row in client.v1.invoices.list({}).data] == ["void"]
