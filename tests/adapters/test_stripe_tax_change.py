"""A tax rate that changes while an agreement runs, at the simulated biller (PF-18).

What is billed from the day on bears the new rate, what was billed before keeps its own. Nothing is
prorated, charged or credited for it. The biller has the rate a few hours before its first day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.documents import Agreement
from dealthread.domain.tax.of_day import billed_until, day_billed_next, retaxed
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import change, done, renewed
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2, started
from tests.adapters.test_stripe_change_later import d4_running
from tests.support import deals
from tests.support.tax_rows import with_new_rate
from tests.unit.versions import worked as w

KEY = "tax-rate:C-D2:DE-19:2026-07-01#1/billing/do"
DE, US = "acct_de01", "acct_us01"
JULY, NEW_YEAR = date(2026, 7, 1), date(2027, 1, 1)


def monthly() -> Contract:
    """D2, billed on the first of each month for a year: 40 seats at 37.00 are 1,480.00."""
    start, end = date(2026, 3, 1), date(2027, 3, 1)
    line = deals.d2().lines[0]
    price = line.unit_price.model_copy(update={"amount": line.unit_price.amount / 12})
    return d2().model_copy(
        update={
            "start_date": start,
            "end_date": end,
            "committed_until": end,
            "billing_frequency": BillingFrequency.MONTHLY,
            "lines": (
                line.model_copy(
                    update={
                        "start_date": start,
                        "end_date": end,
                        "unit_price": price,
                        "period_months": 1,
                    }
                ),
            ),
        }
    )


def rate_made(simulator: Simulator, account: str, code: str, percent: float) -> None:
    """What tax sets up at the biller, beside the rate of before."""
    native(simulator, account).v1.tax_rates.create(
        {
            "display_name": code,
            "percentage": percent,
            "inclusive": False,
            "metadata": {"dealthread_tax_code": code},
        }
    )


def bills(simulator: Simulator, account: str) -> list[tuple[date, int, int]]:
    """Day of the period's start, net and tax of each bill, oldest first."""
    rows = native(simulator, account).v1.invoices.list({"limit": 30}).data
    found = []
    for row in reversed(rows):
        start = row.lines.data[0].period.start
        tax = sum(part.amount for part in row.total_taxes or [])
        found.append((_day(start), row.total - tax, tax))
    return found


def _day(instant: int) -> date:
    return datetime.fromtimestamp(instant, UTC).date()


def taxed_anew(
    contract: Contract, agreement: Agreement, days: Days, code: str, percent: str, day: date
) -> ChangeAgreement:
    """As the saga asks for it on the day that the test has set."""
    return taxed_by(with_new_rate(w.config(), code, percent, day), contract, agreement, days, code)


def taxed_by(
    config: ConfigSet, contract: Contract, agreement: Agreement, days: Days, code: str
) -> ChangeAgreement:
    """By finance's table as it stands."""
    day = day_billed_next(days.now())
    before = billed_until(contract, config, day, code)
    return change(before, retaxed(contract, config, day), agreement, day)


async def _begun(billing: StripeBilling, days: Days) -> Agreement:
    days.go(monthly().start_date, hour=0)
    agreement, _ = await started(billing, monthly(), deals.NORDWERK)
    return agreement


async def test_the_bill_of_the_rates_first_midnight_bears_it(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """1,480.00 at 19 % are 281.20, at 16 % 236.80. June's bill of 19 % stays as it is."""
    agreement = await _begun(dated_billing, days)
    rate_made(stripe_simulator, DE, "DE-19", 16)
    days.go(date(2026, 6, 30), hour=17)
    early = taxed_anew(monthly(), agreement, days, "DE-19", "16", JULY)
    assert early.after == early.before
    days.go(date(2026, 6, 30), hour=18)
    command = taxed_anew(monthly(), agreement, days, "DE-19", "16", JULY)
    assert await dated_billing.find_change(command, idempotency_key=KEY) is None
    made = await done(dated_billing, command, KEY)
    assert (made.invoice, made.credit_memos) == (None, ())
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    assert await done(dated_billing, command, KEY) == made
    days.go(date(2026, 8, 1), hour=9)
    assert bills(stripe_simulator, DE)[2:] == [
        (date(2026, 5, 1), 148000, 28120),
        (date(2026, 6, 1), 148000, 28120),
        (JULY, 148000, 23680),
        (date(2026, 8, 1), 148000, 23680),
    ]
    (row,) = native(stripe_simulator, DE).v1.subscriptions.list({"limit": 5}).data
    assert row.cancel_at is not None
    assert _day(row.cancel_at) == monthly().end_date


@pytest.mark.parametrize(("third", "tax"), [("19", 28120), ("18", 26640)])
async def test_a_second_change_reaches_what_bears_the_first_and_no_other(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, third: str, tax: int
) -> None:
    """At 16 % from July to September, then at 19 % again or at 18 %: 281.20 and 266.40. Told once
    more by a run of its own, nothing differs."""
    october = date(2026, 10, 1)
    agreement = await _begun(dated_billing, days)
    for percent in (16, 18):
        rate_made(stripe_simulator, DE, "DE-19", percent)
    days.go(date(2026, 6, 30), hour=18)
    first = taxed_anew(monthly(), agreement, days, "DE-19", "16", JULY)
    await done(dated_billing, first, KEY)
    config = with_new_rate(with_new_rate(w.config(), "DE-19", "16", JULY), "DE-19", third, october)
    days.go(date(2026, 9, 30), hour=18)
    second = taxed_by(config, monthly(), agreement, days, "DE-19")
    for run in ("2026-10-01", "2026-10-02"):
        key = f"tax-rate:C-D2:DE-19:{run}#1/billing/do"
        assert (await done(dated_billing, second, key)).invoice is None
    days.go(date(2026, 11, 1), hour=9)
    assert bills(stripe_simulator, DE)[-5:] == [
        (JULY, 148000, 23680),
        (date(2026, 8, 1), 148000, 23680),
        (date(2026, 9, 1), 148000, 23680),
        (october, 148000, tax),
        (date(2026, 11, 1), 148000, tax),
    ]


async def test_the_years_of_a_ramp_that_are_still_to_come_bear_it(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D4: 150 and 200 seats at 432.00; at 9 % instead of 8.875 % 5,832.00 and 7,776.00."""
    agreement = await d4_running(dated_billing, days)
    rate_made(stripe_simulator, US, "US-NY-SAAS", 9)
    days.go(date(2026, 12, 31), hour=19)
    command = taxed_anew(deals.d4(), agreement, days, "US-NY-SAAS", "9", NEW_YEAR)
    await done(dated_billing, command, KEY)
    days.go(date(2028, 2, 2))
    assert bills(stripe_simulator, US) == [
        (date(2026, 2, 1), 4320000, 383400),
        (date(2027, 2, 1), 6480000, 583200),
        (date(2028, 2, 1), 8640000, 777600),
    ]


async def test_a_later_change_keeps_the_rate_of_the_day(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """The further term of a contract that was agreed at the old rate is billed at the new one."""
    agreement = await _begun(dated_billing, days)
    rate_made(stripe_simulator, DE, "DE-19", 16)
    days.go(date(2026, 6, 30), hour=18)
    first = taxed_anew(monthly(), agreement, days, "DE-19", "16", JULY)
    await done(dated_billing, first, KEY)
    days.go(date(2026, 12, 2))
    config = with_new_rate(w.config(), "DE-19", "16", JULY)
    day = day_billed_next(days.now())
    term = renewed(monthly(), date(2028, 3, 1), "38.00")
    command = change(
        retaxed(monthly(), config, day), retaxed(term, config, day), agreement, date(2027, 3, 1)
    )
    await done(dated_billing, command, "renewal:C-D2:2027-03-01#1/billing/do")
    days.go(date(2027, 3, 2))
    # 40 × 38.00 = 1,520.00 at 16 % = 243.20.
    assert bills(stripe_simulator, DE)[-2:] == [
        (date(2027, 2, 1), 148000, 23680),
        (date(2027, 3, 1), 152000, 24320),
    ]


async def test_a_rate_that_the_biller_lacks_is_refused_to_the_tax_owner(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Nothing is changed; once tax has set it up at the biller it goes through."""
    agreement = await _begun(dated_billing, days)
    days.go(date(2026, 6, 30), hour=18)
    command = taxed_anew(monthly(), agreement, days, "DE-19", "16", JULY)
    refused = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.field) == ("tax.rejected", "tax.applied_rate")
    assert refused.evidence["tax_code"] == "DE-19"
    assert (refused.evidence["expected"], refused.evidence["found"]) == ("16", "19.0")
    rate_made(stripe_simulator, DE, "DE-19", 16)
    await done(dated_billing, command, KEY)


@pytest.mark.parametrize("after", range(4))
async def test_a_lost_answer_leaves_one_agreement_with_the_new_rate(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator, after: int
) -> None:
    """D4's schedule is let go and made anew; whichever answer is lost, the years that are to come
    bear the rate, and the agreement ends with its term."""
    agreement = await d4_running(dated_billing, days)
    rate_made(stripe_simulator, US, "US-NY-SAAS", 9)
    days.go(date(2026, 12, 31), hour=19)
    command = taxed_anew(deals.d4(), agreement, days, "US-NY-SAAS", "9", NEW_YEAR)
    stripe_simulator.fault("lose_answer", method="POST", path="/v1/subscription", after=after)
    first = await dated_billing.change_agreement(command, idempotency_key=KEY)
    assert isinstance(first, Unknown)
    made = await done(dated_billing, command, KEY)
    assert await dated_billing.find_change(command, idempotency_key=KEY) == made
    days.go(date(2028, 2, 2))
    assert bills(stripe_simulator, US) == [
        (date(2026, 2, 1), 4320000, 383400),
        (date(2027, 2, 1), 6480000, 583200),
        (date(2028, 2, 1), 8640000, 777600),
    ]
    days.go(date(2029, 2, 2))
    rows: list[Any] = native(stripe_simulator, US).v1.subscriptions.list({"status": "all"}).data
    assert [row.status for row in rows] == ["canceled"]
