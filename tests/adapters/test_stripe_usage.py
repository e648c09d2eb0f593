"""PF-13, EV-08: D3's usage from the events to the bill at the simulated biller (facts/domain.md §9
D3: 612,345 calls in April, 1,937.04 GBP net; 90,000 in May, nothing)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.usage import UsageActivities
from activities.usage_inputs import SendUsage, UsageSent
from adapters.stripe.billing import StripeBilling
from dealthread.bridge.usage_taking import take_in
from dealthread.config import load_config
from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.money import UnitPrice
from dealthread.naming import contract_key
from dealthread.outcome import Done, Rejected
from dealthread.ports.billing import StartAgreement
from dealthread.sandbox.stripe_catalogue import ensure_catalogue
from dealthread.store.bills import PostgresBills
from dealthread.store.usage import PostgresUsage
from dealthread.store.usage_reading import UsageReading
from dealthread.store.usage_sending import PostgresUsageSending
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import KEY, by_bank, started
from tests.adapters.test_stripe_contract import customer_of
from tests.store.shared import shared_engine as shared_engine
from tests.store.shared import shared_url as shared_url
from tests.store.shared import store as store
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event

pytestmark = pytest.mark.postgres

ACCOUNT = "acct_us01"
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
METER_EVENTS = "/v1/billing/meter_events$"


class Thread:
    """From events to the biller, as bridge and worker carry them."""

    def __init__(
        self, billing: StripeBilling, engine: AsyncEngine, days: Days, config: ConfigSet
    ) -> None:
        self.days, self.policy = days, config.policy
        self.taken = PostgresUsage(engine)
        sending = PostgresUsageSending(engine)
        self._activities = UsageActivities(billing, sending, lambda: config, days)

    async def take(self, events: Sequence[Any]) -> list[str]:
        answers = await take_in(self.taken, events, self.days.now(), self.policy)
        return [one.taken.value if one.taken else one.refusal.code for one in answers]  # type: ignore[union-attr]

    async def send(self) -> UsageSent:
        return await self._activities.send(SendUsage(billing_account=ACCOUNT, at_once=True))


def catalogue(simulator: Simulator) -> ConfigSet:
    """Ours, with one account of the biller furnished from it."""
    config = load_config(build.CONFIG_DIR)
    (account,) = [one for one in config.billing_accounts if one.seller == "UK01"]
    one = config.model_copy(
        update={"billing_accounts": (account.model_copy(update={"key": ACCOUNT}),)}
    )
    client = {ACCOUNT: native(simulator, ACCOUNT)}
    assert ensure_catalogue(client, one) > 0
    assert ensure_catalogue(client, one) == 0
    return config


def d3(config: ConfigSet) -> Contract:
    deal = build.d3()
    made = build_contract(deal, config, build.D3_TODAY, contract_key(deal.org, deal.deal_id))
    return by_bank(made).model_copy(update={"billing_account": ACCOUNT})


async def newest(billing: StripeBilling, contract: Contract) -> Bill:
    ids = await billing.bill_ids(ACCOUNT, contract.customer_key)
    return await billing.read_bill(ACCOUNT, ids[0])


async def test_d3_is_billed_as_it_was_used_whatever_the_order_and_the_losses(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days, store: AsyncEngine
) -> None:
    """Events repeated, shuffled and late; answers lost: April is 1,937.04, May is nothing."""
    config = catalogue(stripe_simulator)
    contract = await running_contract(store, d3(config))
    days.go(APRIL)
    await started(dated_billing, contract, build.PENNINE)
    thread = Thread(dated_billing, store, days, config)

    days.go(date(2026, 4, 30))
    first = datetime(2026, 4, 1, 9, tzinfo=UTC)
    events = [
        usage_event(contract, f"e{n}", first + timedelta(hours=(n * 7) % 29 * 24), 21_000)
        for n in range(29)
    ]
    assert await thread.take([*events[:15], *events[5:]]) == [
        *["accepted"] * 15,
        *["duplicate"] * 10,
        *["accepted"] * 14,
    ]
    other = usage_event(contract, "e3", first, 1)
    early = usage_event(contract, "x1", datetime(2026, 3, 31, 23, 59, tzinfo=UTC), 1)
    ahead = usage_event(contract, "x2", days.now() + timedelta(minutes=6), 1)
    assert await thread.take([other, early, ahead]) == [
        "another_event_under_this_id",
        "nothing_counted_then",
        "time_in_future",
    ]

    stripe_simulator.fault("lose_answer", method="POST", path=METER_EVENTS)
    lost = await thread.send()
    assert (lost.sent, lost.waiting) == (0, 1)

    # Half an hour after the period's end a straggler still reaches the draft.
    days.go(MAY, 0)
    days.offset += timedelta(minutes=30)
    last = datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC)
    assert await thread.take([usage_event(contract, "e29", last, 3_345)]) == ["accepted"]
    await wait_over(store)
    assert (await thread.send()).waiting == 0
    counted = await dated_billing.counted_usage(
        ACCOUNT,
        contract.customer_key,
        "api_calls",
        datetime(2026, 4, 1, tzinfo=UTC),
        datetime(2026, 5, 1, tzinfo=UTC),
    )
    assert counted == 612_345

    days.go(MAY)
    assert await thread.take([usage_event(contract, "late", last, 1), events[0]]) == [
        "period_billed",
        "duplicate",
    ]
    bill = await newest(dated_billing, contract)
    assert (str(bill.net), str(bill.tax), str(bill.gross)) == (
        "2,337.04 GBP",
        "467.41 GBP",
        "2,804.45 GBP",
    )
    by_key = {line.line_key: Decimal(0) for line in bill.lines}
    for line in bill.lines:
        by_key[line.line_key] += line.net.amount
    assert by_key == {"L1": Decimal("400.00"), "L2": Decimal("1937.04")}
    await PostgresBills(store).seen(bill, days.now())
    reading = UsageReading(store)
    (accrual,) = await reading.unbilled("UK01", date(2026, 4, 30))
    assert (accrual.contract_key, str(accrual.unbilled)) == (contract.key, "1,937.04 GBP")
    assert await reading.unbilled("UK01", date(2026, 5, 31)) == ()

    days.go(date(2026, 5, 20))
    assert await thread.take([usage_event(contract, "m", days.now(), 90_000)]) == ["accepted"]
    assert (await thread.send()).sent == 1
    days.go(JUNE)
    assert (await newest(dated_billing, contract)).net.amount == Decimal("400.00")


async def wait_over(engine: AsyncEngine) -> None:
    """The waits of sums that were not sent are over."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE usage_batches SET next_attempt_at = now() - interval '1 second'"
        )


async def test_usage_is_sold_at_the_price_of_the_catalogue_or_not_at_all(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """A price that the list does not have, or that the biller has otherwise, starts nothing."""
    config = catalogue(stripe_simulator)
    contract = d3(config)
    platform, calls = contract.lines
    assert calls.usage is not None
    customer = await customer_of(billing, contract, build.PENNINE)
    cheaper = calls.model_copy(update={"unit_price": UnitPrice.of("0.0030", "GBP")})
    tiers = calls.usage.model_copy(update={"tiers": calls.usage.tiers[1:]})
    changed = calls.model_copy(update={"usage": tiers})
    quarterly = contract.model_copy(update={"billing_frequency": BillingFrequency.QUARTERLY})
    refusals = []
    for lines in ((platform, cheaper), (platform, changed)):
        wrong = contract.model_copy(update={"lines": lines})
        refusals.append(await _start(billing, wrong, customer))
    refusals.append(await _start(billing, quarterly, customer))
    assert refusals == [
        "usage_price_not_of_the_list",
        "usage_price_differs",
        "usage_price_missing",
    ]
    assert await _start(billing, contract, customer) == "done"


async def _start(billing: StripeBilling, contract: Contract, customer: Any) -> str:
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    if isinstance(outcome, Rejected):
        return outcome.code
    assert isinstance(outcome, Done), outcome
    return "done"
