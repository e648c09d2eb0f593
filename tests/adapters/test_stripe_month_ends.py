"""Agreements that begin on the last days of a month, at the simulated biller."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.documents import Agreement
from dealthread.domain.money import Money
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_deals import amounts, started
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


def _anchor(simulator: Simulator, agreement: Agreement) -> tuple[int, int | None]:
    """Day of the month and month that the subscription is anchored by."""
    assert agreement.subscription is not None
    client = native(simulator, "acct_us01")
    held = client.v1.subscriptions.retrieve(agreement.subscription.native_id)
    config = held.billing_cycle_anchor_config
    assert config is not None
    return config.day_of_month, config.month


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
    assert _anchor(stripe_simulator, agreement) == (contract.start_date.day, None)


async def test_a_quarter_from_the_31st_ends_on_the_last_day_of_april(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """The first bill is one whole quarter; the anchor keeps day and month."""
    agreement, _ = await started(billing, quarterly(JANUARY), deals.HARBORLINE)
    bill = agreement.first_invoice
    assert amounts(bill) == ("750.00", "49.50", "799.50")
    assert bill is not None
    periods = [(line.period_start, line.period_end) for line in bill.lines]
    assert periods == [(date(2026, 1, 31), date(2026, 4, 30))]
    assert _anchor(stripe_simulator, agreement) == (31, 4)
