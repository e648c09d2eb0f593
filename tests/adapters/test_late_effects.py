"""K5: the vendor works on after our time-out, and its effect lands after our repeat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr

from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.settings import SalesforceSettings
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.outcome import Done, Unknown
from tests.adapters.conftest import ACCOUNTS, Simulator, native, org_id, secret_of
from tests.adapters.crm_world import CrmWorld
from tests.adapters.fake_clock import OffsetClock
from tests.adapters.test_salesforce_write import command_for, contracts
from tests.adapters.test_stripe_contract import onboarding
from tests.support import deals

KEY = "quote-to-cash:org:deal#1/step/do"
SHORT = 0.25
LATE = 0.8


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another thread brings about; ten seconds at most."""
    deadline = time.monotonic() + 10
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


@pytest.fixture
async def impatient_billing(
    stripe_simulator: Simulator, clock: OffsetClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StripeBilling]:
    """The adapter with a short time-out."""
    monkeypatch.setattr("adapters.stripe.clients.TIMEOUT", httpx.Timeout(SHORT))
    adapter = StripeBilling(
        StripeSettings(
            accounts={key: SecretStr(secret_of(key)) for key in ACCOUNTS},
            api_base=stripe_simulator.url,
        ),
        clock,
    )
    yield adapter
    await adapter.aclose()


async def test_a_late_customer_and_its_repeat_are_one(
    impatient_billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """The repeat with the same key comes first; the late request is given its answer."""
    command = onboarding(deals.d1(), deals.HARBORLINE)
    stripe_simulator.fault("late_effect", method="POST", path="/v1/customers$", delay=LATE)
    first = await impatient_billing.create_customer(command, idempotency_key=KEY)
    assert first == Unknown("read_timeout")
    assert await impatient_billing.find_customer("acct_us01", command.customer_key) is None
    second = await impatient_billing.create_customer(command, idempotency_key=KEY)
    assert isinstance(second, Done)

    async def both_arrived() -> bool:
        posts = [row for row in stripe_simulator.requests() if row["method"] == "POST"]
        return len(posts) == 2

    await until(both_arrived)
    client = native(stripe_simulator, "acct_us01")
    assert [row.id for row in client.v1.customers.list({}).data] == [second.value.ref.native_id]


async def test_a_late_contract_record_and_its_repeat_are_one(
    salesforce: Simulator,
    crm_world: CrmWorld,
    clock: OffsetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Upsert by our key: whichever comes second updates the same record with the same state."""
    monkeypatch.setattr("adapters.salesforce.session.READ_SECONDS", SHORT)
    account = crm_world.account("Harborline Logistics LLC")
    command = command_for(crm_world.deal(account), account)
    crm = SalesforceCrm(
        SalesforceSettings(
            org_id=org_id(),
            instance_url=salesforce.url,
            client_id="client",
            client_secret=SecretStr("client-secret"),
        ),
        clock,
    )
    try:
        await crm.client.run(crm.client.tokens.current)
        salesforce.forget()
        salesforce.fault("late_effect", path="/composite$", delay=LATE)
        assert await crm.record_contract(command, idempotency_key=KEY) == Unknown("read_timeout")
        assert isinstance(await crm.record_contract(command, idempotency_key=KEY), Done)

        async def both_arrived() -> bool:
            return sum("/composite" in row["path"] for row in salesforce.requests()) == 2

        await until(both_arrived)
        assert len(contracts(crm_world)) == 1
    finally:
        await crm.aclose()
