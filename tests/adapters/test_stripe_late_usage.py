"""PF-13: use that is told after its bill went out: by policy its worth is named, and a
person charges it at the biller (facts/domain.md §9.6 D3: 10.04 of the last 3,345 calls)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from stripe import StripeClient

from adapters.stripe.billing import StripeBilling
from dealthread.bridge.usage_taking import take_in
from dealthread.domain.bill import Bill
from dealthread.domain.service_level import Late
from dealthread.store.billed_usage import BilledUsage
from dealthread.store.bills import PostgresBills
from dealthread.store.usage import PostgresUsage
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import started
from tests.adapters.test_stripe_usage import (
    ACCOUNT,
    MAY,
    METER_EVENTS,
    Thread,
    catalogue,
    d3,
    wait_over,
)
from tests.store.shared import shared_engine as shared_engine
from tests.store.shared import shared_url as shared_url
from tests.store.shared import store as store
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event

pytestmark = pytest.mark.postgres

LAST = datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC)


async def test_what_is_told_after_the_bill_is_named_until_a_person_has_charged_it(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days, store: AsyncEngine
) -> None:
    """The bill has 609,000 calls; the others are charged on a bill of their own, on their line and
    for their period, and nothing is missing any more."""
    config = catalogue(stripe_simulator)
    levels = config.service_levels
    late = config.policy.model_copy(update={"usage_after_bill_days": 10})
    contract = await running_contract(store, d3(config))
    days.go(date(2026, 4, 1))
    agreement, _ = await started(dated_billing, contract, build.PENNINE)
    thread = Thread(dated_billing, store, days, config)
    days.go(date(2026, 4, 30))
    assert await thread.take([usage_event(contract, "1", days.now(), 609_000)]) == ["accepted"]
    assert (await thread.send()).sent == 1

    async def missing() -> list[Late]:
        for native_id in await dated_billing.bill_ids(ACCOUNT, contract.customer_key):
            bill = await dated_billing.read_bill(ACCOUNT, native_id)
            await PostgresBills(store).seen(bill, days.now())
            read[native_id] = bill
        return await BilledUsage(store).find(levels, days.now())

    read: dict[str, Bill] = {}
    days.go(date(2026, 5, 9))
    assert await missing() == []
    straggler = usage_event(contract, "2", LAST, 3_345)
    refused = await take_in(PostgresUsage(store), [straggler], days.now(), config.policy)
    assert [one.refusal.code for one in refused if one.refusal] == ["period_billed"]
    taken = await take_in(PostgresUsage(store), [straggler], days.now(), late)
    assert taken[0].refusal is None
    assert (await thread.send()).sent == 1
    (found,) = await missing()
    assert (str(found.money), found.evidence["not_billed"]) == ("10.04 GBP", "10.04 GBP")
    assert found.evidence["counted"] == "612345"
    assert found.evidence["billed"] == "609000"

    assert agreement.subscription is not None
    made = charge(native(stripe_simulator, ACCOUNT), agreement.subscription.native_id, 1004)
    assert await missing() == []
    charged = read[made]
    (line,) = charged.lines
    assert (line.line_key, line.period_start, line.period_end) == ("L2", date(2026, 4, 1), MAY)
    assert charged.net.amount == Decimal("10.04")

    days.go(date(2026, 5, 12))
    too_late = await take_in(
        PostgresUsage(store), [usage_event(contract, "3", LAST, 1)], days.now(), late
    )
    assert [one.refusal.code for one in too_late if one.refusal] == ["period_billed"]


async def test_late_use_is_charged_once_though_its_answer_is_lost_and_its_bill_made_anew(
    dated_billing: StripeBilling, stripe_simulator: Simulator, days: Days, store: AsyncEngine
) -> None:
    """It is counted once, the bill that is voided leaves all of April to be charged, the one in its
    place nothing; the next bill has May alone."""
    config = catalogue(stripe_simulator)
    late = config.policy.model_copy(update={"usage_after_bill_days": 10})
    contract = await running_contract(store, d3(config))
    days.go(date(2026, 4, 1))
    agreement, _ = await started(dated_billing, contract, build.PENNINE)
    thread = Thread(dated_billing, store, days, config)
    days.go(date(2026, 4, 30))
    assert await thread.take([usage_event(contract, "1", days.now(), 609_000)]) == ["accepted"]
    assert (await thread.send()).sent == 1
    days.go(date(2026, 5, 9))
    with_april, _at_start = await dated_billing.bill_ids(ACCOUNT, contract.customer_key)

    async def missing() -> list[str]:
        for native_id in await dated_billing.bill_ids(ACCOUNT, contract.customer_key):
            bill = await dated_billing.read_bill(ACCOUNT, native_id)
            await PostgresBills(store).seen(bill, days.now())
        found = await BilledUsage(store).find(config.service_levels, days.now())
        return [str(one.money) for one in found]

    thread.policy = late
    straggler = usage_event(contract, "2", LAST, 3_345)
    assert await thread.take([straggler, straggler]) == ["accepted", "duplicate"]
    stripe_simulator.fault("lose_answer", method="POST", path=METER_EVENTS)
    lost = await thread.send()
    assert (lost.sent, lost.waiting) == (0, 1)
    assert await thread.take([straggler]) == ["duplicate"]
    await wait_over(store)
    assert (await thread.send()).waiting == 0
    assert (await thread.send()).sent == 0
    april, may = (datetime(2026, month, 1, tzinfo=UTC) for month in (4, 5))
    counted = dated_billing.counted_usage(ACCOUNT, contract.customer_key, "api_calls", april, may)
    assert await counted == 612_345
    assert await missing() == ["10.04 GBP"]

    client = native(stripe_simulator, ACCOUNT)
    client.v1.invoices.void_invoice(with_april)
    assert await missing() == ["1,937.04 GBP"]
    assert agreement.subscription is not None
    charge(client, agreement.subscription.native_id, 193_704)
    assert await missing() == []
    days.go(date(2026, 6, 1))
    newest = await dated_billing.bill_ids(ACCOUNT, contract.customer_key)
    assert (await dated_billing.read_bill(ACCOUNT, newest[0])).net.amount == Decimal("400.00")
    assert await missing() == []


def charge(client: StripeClient, subscription: str, minor: int) -> str:
    """What is missing of April, on a bill of its own, as a person charges it there: its id."""
    customer = str(client.v1.subscriptions.retrieve(subscription).customer)
    start, end = (int(datetime(2026, m, 1, tzinfo=UTC).timestamp()) for m in (4, 5))
    client.v1.invoice_items.create(
        {
            "customer": customer,
            "subscription": subscription,
            "amount": minor,
            "currency": "gbp",
            "description": "API calls of April",
            "period": {"start": start, "end": end},
            "metadata": {"dealthread_line": "L2"},
        }
    )
    made = client.v1.invoices.create(
        {
            "customer": customer,
            "subscription": subscription,
            "pending_invoice_items_behavior": "include",
        }
    )
    client.v1.invoices.finalize_invoice(str(made.id))
    return str(made.id)
