"""The worked deals at the simulated biller, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from adapters.stripe.billing import StripeBilling
from adapters.stripe.plan import timestamp
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency, TermKind
from dealthread.domain.documents import AgreementStatus
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_deals import KEY, NORDWERK, amounts, by_bank, d2, started
from tests.support import deals

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


async def test_an_agreement_ends_with_its_term_even_where_the_term_renews(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """ADR 0010: only a renewal extends it; nothing is billed that nobody has agreed to."""
    contract = by_bank(deals.d1()).model_copy(update={"auto_renew": True})
    agreement, customer = await started(billing, contract, deals.HARBORLINE)
    assert agreement.schedule is None
    assert agreement.subscription is not None
    assert amounts(agreement.first_invoice) == ("15000.00", "891.00", "15891.00")
    client = native(stripe_simulator, "acct_us01")
    subscription = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
    assert subscription.cancel_at == timestamp(date(2027, 1, 1))
    found = await billing.find_agreement(contract, customer, idempotency_key=KEY)
    assert found == agreement


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
