"""Agreements that begin on the last days of a month, at the simulated biller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import pytest
from pydantic import SecretStr

from adapters.stripe.billing import StripeBilling
from adapters.stripe.plan import midnight
from adapters.stripe.settings import StripeSettings
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency, TermKind
from dealthread.domain.documents import Agreement
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from tests.adapters.conftest import ACCOUNTS, Simulator, native, secret_of
from tests.adapters.fake_clock import FixedClock
from tests.adapters.stripe_deals import amounts, by_bank, started
from tests.adapters.test_stripe_deals import evergreen
from tests.support import deals

JANUARY = date(2026, 1, 31)


def quarterly(start: date) -> Contract:
    """An agreement without an end, billed every three months."""
    contract = evergreen(start)
    line = contract.lines[0].model_copy(update={"net_per_period": Money.of("750.00", "USD")})
    return contract.model_copy(
        update={"billing_frequency": BillingFrequency.QUARTERLY, "lines": (line,)}
    )


def billed(start: date, frequency: BillingFrequency) -> Contract:
    """An agreement without an end, ten seats at 25.00 a month, and its onboarding, once."""
    months = frequency.months
    assert months
    contract = evergreen(start)
    net = Money.of(f"{250 * months}.00", "USD")
    seats = contract.lines[0].model_copy(update={"net_per_period": net})
    (once,) = (line for line in by_bank(deals.d1()).lines if line.kind == "one_time")
    return contract.model_copy(
        update={
            "billing_frequency": frequency,
            "lines": (seats, once.model_copy(update={"start_date": start})),
        }
    )


@asynccontextmanager
async def seen_on(simulator: Simulator, now: datetime) -> AsyncIterator[StripeBilling]:
    """Our adapter, and business time that stands still on both sides."""
    simulator.control.post("/_sim/clock", json={"freeze": now.isoformat()}).raise_for_status()
    billing = StripeBilling(
        StripeSettings(
            accounts={key: SecretStr(secret_of(key)) for key in ACCOUNTS},
            api_base=simulator.url,
            calls_per_second=1000,
        ),
        FixedClock(now),
    )
    try:
        yield billing
    finally:
        await billing.aclose()
        simulator.control.post("/_sim/clock", json={"unfreeze": True}).raise_for_status()


def lines_of(bill: BillingInvoice) -> list[tuple[object, ...]]:
    """What each line bills, for when and at which tax."""
    return sorted(
        (line.line_key, line.period_start, line.period_end, line.net, line.tax_rate)
        for line in bill.lines
    )


def _anchor(simulator: Simulator, agreement: Agreement) -> date:
    """The day that the subscription counts its periods from."""
    assert agreement.subscription is not None
    client = native(simulator, "acct_us01")
    held = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
    assert held.billing_cycle_anchor_config is None
    return datetime.fromtimestamp(held.billing_cycle_anchor, UTC).date()


@pytest.mark.parametrize(
    ("contract", "periods", "expected"),
    [
        (
            evergreen(JANUARY),
            [(date(2026, 1, 31), date(2026, 2, 28)), (date(2026, 2, 28), date(2026, 3, 31))],
            ("500.00", "33.00", "533.00"),
        ),
        (
            evergreen(date(2026, 1, 29)),
            [(date(2026, 1, 29), date(2026, 2, 28)), (date(2026, 2, 28), date(2026, 3, 29))],
            ("500.00", "33.00", "533.00"),
        ),
    ],
    ids=["monthly from the 31st", "monthly from the 29th"],
)
async def test_preview_and_first_invoice_agree_on_whole_periods_of_a_month_end(
    billing: StripeBilling,
    stripe_simulator: Simulator,
    contract: Contract,
    periods: list[tuple[date, date]],
    expected: tuple[str, str, str],
) -> None:
    """Seen on 15 March: no share of a period is billed, and the cycle keeps its day."""
    preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
    agreement, _ = await started(billing, contract, deals.HARBORLINE)
    for bill in (preview, agreement.first_invoice):
        assert amounts(bill) == expected
        assert bill is not None
        assert sorted((line.period_start, line.period_end) for line in bill.lines) == periods
    assert _anchor(stripe_simulator, agreement) == contract.start_date


async def test_a_quarter_from_the_31st_ends_on_the_last_day_of_april(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """The first bill is one whole quarter; the anchor is the start itself."""
    agreement, _ = await started(billing, quarterly(JANUARY), deals.HARBORLINE)
    bill = agreement.first_invoice
    assert amounts(bill) == ("750.00", "49.50", "799.50")
    assert bill is not None
    periods = [(line.period_start, line.period_end) for line in bill.lines]
    assert periods == [(date(2026, 1, 31), date(2026, 4, 30))]
    assert _anchor(stripe_simulator, agreement) == JANUARY


async def test_a_term_from_the_31st_ends_where_its_last_period_does(
    stripe_simulator: Simulator,
) -> None:
    """Six months from 31 January, seen in February: five whole months follow the first bill."""
    end = date(2026, 7, 31)
    contract = billed(JANUARY, BillingFrequency.MONTHLY).model_copy(
        update={"term_kind": TermKind.FIXED, "end_date": end, "committed_until": end}
    )
    async with seen_on(stripe_simulator, datetime(2026, 2, 10, 9, tzinfo=UTC)) as billing:
        preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
        agreement, _ = await started(billing, contract, deals.HARBORLINE)
    assert agreement.first_invoice is not None
    assert lines_of(preview) == lines_of(agreement.first_invoice)
    assert agreement.subscription is not None
    async with seen_on(stripe_simulator, datetime(2026, 9, 1, 9, tzinfo=UTC)):
        client = native(stripe_simulator, "acct_us01")
        held = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
        assert (held.status, held.ended_at) == ("canceled", int(midnight(end).timestamp()))
        bills = client.v1.invoices.list({"subscription": held.id}).data
    assert [bill.subtotal for bill in bills[:-1]] == [25000] * 5


MONTHLY, QUARTERLY, YEARLY = (
    BillingFrequency.MONTHLY,
    BillingFrequency.QUARTERLY,
    BillingFrequency.YEARLY,
)


@pytest.mark.parametrize(
    ("frequency", "start", "now", "end"),
    [
        (MONTHLY, date(2026, 1, 29), date(2026, 2, 10), date(2026, 2, 28)),
        (MONTHLY, date(2026, 1, 30), date(2026, 2, 10), date(2026, 2, 28)),
        (MONTHLY, date(2026, 1, 31), date(2026, 2, 10), date(2026, 2, 28)),
        (MONTHLY, date(2026, 1, 31), date(2026, 4, 2), date(2026, 4, 30)),
        (QUARTERLY, date(2025, 11, 29), date(2026, 2, 10), date(2026, 2, 28)),
        (QUARTERLY, date(2025, 11, 30), date(2026, 2, 10), date(2026, 2, 28)),
        (QUARTERLY, date(2026, 1, 31), date(2026, 2, 10), date(2026, 4, 30)),
        (QUARTERLY, date(2025, 8, 31), date(2026, 2, 10), date(2026, 2, 28)),
        (YEARLY, date(2028, 2, 29), date(2028, 3, 5), date(2029, 2, 28)),
        (YEARLY, date(2026, 1, 29), date(2026, 2, 10), date(2027, 1, 29)),
        (YEARLY, date(2026, 1, 30), date(2026, 2, 10), date(2027, 1, 30)),
        (YEARLY, date(2026, 1, 31), date(2026, 2, 10), date(2027, 1, 31)),
    ],
)
async def test_a_preview_is_the_first_invoice_where_the_next_month_is_shorter(
    stripe_simulator: Simulator, frequency: BillingFrequency, start: date, now: date, end: date
) -> None:
    """Line by line, with their periods, for a cycle of the 29th, 30th or 31st."""
    contract = billed(start, frequency)
    instant = datetime(now.year, now.month, now.day, 9, tzinfo=UTC)
    async with seen_on(stripe_simulator, instant) as billing:
        preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
        agreement, _ = await started(billing, contract, deals.HARBORLINE)
    bill = agreement.first_invoice
    assert bill is not None
    assert lines_of(preview) == lines_of(bill)
    assert amounts(preview) == amounts(bill)
    recurring = [line for line in bill.lines if line.line_key == contract.lines[0].line_key]
    assert {line.net for line in recurring} == {contract.lines[0].net_per_period}
    assert min(line.period_start for line in recurring if line.period_start) == start
    assert max(line.period_end for line in recurring if line.period_end) == end


async def test_the_preview_of_a_start_to_come_is_the_invoice_of_that_day(
    stripe_simulator: Simulator,
) -> None:
    """From 31 August, seen in March: one whole month, to 30 September."""
    contract = billed(date(2026, 8, 31), MONTHLY)
    before = datetime(2026, 3, 15, 9, tzinfo=UTC)
    async with seen_on(stripe_simulator, before) as billing:
        preview = await billing.preview_first_invoice(contract, deals.HARBORLINE)
        agreement, customer = await started(billing, contract, deals.HARBORLINE)
    that_day = datetime(2026, 8, 31, 0, 0, 1, tzinfo=UTC)
    async with seen_on(stripe_simulator, that_day) as billing:
        begun = await billing.read_agreement(agreement, customer.ref.account)
    assert begun.first_invoice is not None
    assert lines_of(preview) == lines_of(begun.first_invoice)
    seats = contract.lines[0].line_key
    assert [
        (line.period_start, line.period_end) for line in preview.lines if line.line_key == seats
    ] == [(date(2026, 8, 31), date(2026, 9, 30))]
