"""Finding a new customer while the biller's search does not know it yet: by e-mail, few calls."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from activities.billing import BillingActivities
from activities.inputs import StartBilling
from adapters.http import TallyMeter
from adapters.stripe.billing import StripeBilling
from adapters.stripe.customers import SEARCH_LAG
from adapters.stripe.settings import StripeSettings
from dealthread.domain.party import Contact, ContactPurpose, Party
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Write
from dealthread.hub import Contracts
from dealthread.outcome import Done
from dealthread.ports.billing import OnboardBillingCustomer
from dealthread.ports.clock import BusinessClock
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from tests.adapters.conftest import Simulator, furnish, native, secret_of
from tests.adapters.fake_clock import OffsetClock
from tests.adapters.stripe_deals import by_bank
from tests.support import deals

ACCOUNT = "acct_us01"
EMAIL = "payable@harborline.example"


@pytest.fixture(scope="module")
def blind_server(clock: OffsetClock) -> Iterator[Simulator]:
    """One account whose search is hours behind, as in an outage."""
    app = create_app(
        SimulatorConfig(
            accounts=(AccountConfig(id=ACCOUNT, secret_key=secret_of(ACCOUNT)),),
            clock_offset_seconds=clock.offset.total_seconds(),
            search_lag_seconds=timedelta(hours=9).total_seconds(),
        )
    )
    server = BackgroundServer(app)
    server.start()
    with httpx.Client(base_url=server.url) as control:
        simulator = Simulator(server.url, control)
        yield simulator
        for _, http in simulator.clients.values():
            http.close()  # type: ignore[no-untyped-call]
    server.stop()


@pytest.fixture
def blind(blind_server: Simulator) -> Simulator:
    """The account emptied and furnished."""
    blind_server.reset()
    furnish(blind_server, ACCOUNT)
    blind_server.forget()
    return blind_server


def adapter_on(simulator: Simulator, clock: BusinessClock, meter: TallyMeter) -> StripeBilling:
    """Our adapter, counted."""
    return StripeBilling(
        StripeSettings(
            accounts={ACCOUNT: SecretStr(secret_of(ACCOUNT))},
            api_base=simulator.url,
            calls_per_second=1000,
        ),
        clock,
        meter,
    )


@pytest.fixture
def meter() -> TallyMeter:
    """Vendor calls of the test."""
    return TallyMeter()


@pytest.fixture
async def billing(
    blind: Simulator, clock: OffsetClock, meter: TallyMeter
) -> AsyncIterator[StripeBilling]:
    """Our adapter on the account."""
    adapter = adapter_on(blind, clock, meter)
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def later(
    blind: Simulator, clock: OffsetClock, meter: TallyMeter
) -> AsyncIterator[StripeBilling]:
    """Our adapter ten minutes after the account's present."""
    adapter = adapter_on(blind, OffsetClock(clock.offset + timedelta(minutes=10)), meter)
    yield adapter
    await adapter.aclose()


def buyer(email: str) -> Party:
    """Harborline with the e-mail that its invoices go to."""
    contact = Contact(
        ref=deals.HARBORLINE.ref,
        purpose=ContactPurpose.ACCOUNTS_PAYABLE,
        name="Accounts Payable",
        email=email,
    )
    return deals.HARBORLINE.model_copy(update={"contacts": (contact,)})


def command_for(key: str, email: str) -> OnboardBillingCustomer:
    """Onboarding of a customer by key."""
    return OnboardBillingCustomer(
        customer_key=key,
        billing_account=ACCOUNT,
        party=buyer(email),
        parent_customer_key=None,
        currency="USD",
    )


def look_ups(meter: TallyMeter) -> int:
    """Calls that looked for a customer."""
    return sum(
        meter.calls.get(("stripe", name), 0) for name in ("search_customers", "list_customers")
    )


async def made(billing: StripeBilling, command: OnboardBillingCustomer) -> str:
    """Native id of the customer, created."""
    outcome = await billing.create_customer(command, idempotency_key=f"{command.customer_key}/do")
    assert isinstance(outcome, Done), outcome
    return outcome.value.ref.native_id


async def test_each_new_customer_costs_the_same_however_many_came_before(
    billing: StripeBilling, meter: TallyMeter
) -> None:
    """Cost: more new customers than a page holds, and two look-up calls for each of them."""
    costs = set()
    for number in range(105):
        command = command_for(f"A-NEW-{number}", f"ap@customer-{number}.example")
        before = look_ups(meter)
        found = await billing.find_customer(
            ACCOUNT, command.customer_key, email=command.party.invoice_email()
        )
        assert found is None
        costs.add(look_ups(meter) - before)
        await made(billing, command)
    assert costs == {2}


async def test_customers_with_one_mailbox_are_told_apart_by_our_key(
    billing: StripeBilling,
) -> None:
    """The e-mail narrows the list; only the key in the metadata is a match."""
    first = await made(billing, command_for("A-FIRST", EMAIL))
    assert await billing.find_customer(ACCOUNT, "A-SECOND", email=EMAIL) is None
    second = await made(billing, command_for("A-SECOND", EMAIL))
    assert first != second
    found = await billing.find_customer(ACCOUNT, "A-SECOND", email=EMAIL)
    assert found is not None
    assert found.ref.native_id == second


class AtOnce:
    """In place of the journal's `Ensure`: each write is a first attempt."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, ...]] = {}

    async def note(self, key: str, words: Sequence[str]) -> None:
        self._kept[key] = tuple(words)

    async def noted(self, key: str) -> tuple[str, ...]:
        return self._kept.get(key, ())

    async def __call__(self, write: Write[Any]) -> Any:
        outcome = await write.act(write.spec.key)
        assert isinstance(outcome, Done), outcome
        return outcome.value


async def test_two_deals_of_a_new_customer_share_it_although_search_knows_it_not(
    billing: StripeBilling, blind: Simulator, clock: OffsetClock, meter: TallyMeter
) -> None:
    """RS-01, K9: the second deal's look-up finds by e-mail what the first has just made."""
    steps = BillingActivities(billing, cast("Ensure", AtOnce()), cast("Contracts", None), clock)
    started = []
    for number in (1, 2):
        contract = by_bank(deals.d1())
        contract = contract.model_copy(update={"key": f"{contract.key}-{number}"})
        context = SagaContext(
            business_key=f"quote-to-cash:org:deal-{number}",
            generation=1,
            contract_key=contract.key,
            org="org",
            deal_id=f"deal-{number}",
        )
        started.append(
            await steps.start_agreement(
                StartBilling(context=context, contract=contract, party=buyer(EMAIL))
            )
        )
    first, second = started
    assert first.customer.ref == second.customer.ref
    assert first.agreement.ref != second.agreement.ref
    assert len(native(blind, ACCOUNT).v1.customers.list({"limit": 100}).data) == 1
    assert meter.calls["stripe", "create_customer"] == 1
    lists = [row["path"] for row in blind.requests() if row["path"].startswith("/v1/customers?")]
    asked = [parse_qs(urlsplit(path).query)["email"] for path in lists if "created" in path]
    assert asked == [[EMAIL], [EMAIL]]


async def test_in_an_outage_of_search_a_customer_of_ten_minutes_is_found_by_email_only(
    billing: StripeBilling, later: StripeBilling
) -> None:
    """Without an e-mail only the usual lag is listed; the remaining risk is what this shows."""
    native_id = await made(billing, command_for("A-EARLIER", EMAIL))
    found = await later.find_customer(ACCOUNT, "A-EARLIER", email=EMAIL)
    assert found is not None
    assert found.ref.native_id == native_id
    assert await later.find_customer(ACCOUNT, "A-EARLIER") is None


async def test_without_an_email_only_the_last_two_minutes_are_listed(
    billing: StripeBilling, blind: Simulator, clock: OffsetClock
) -> None:
    """A customer without a contact is found while search usually does not know it."""
    command = command_for("A-SILENT", "")
    native_id = await made(billing, command)
    blind.forget()
    asked_from = clock.now() - SEARCH_LAG
    found = await billing.find_customer(
        ACCOUNT, command.customer_key, email=command.party.invoice_email()
    )
    assert found is not None
    assert found.ref.native_id == native_id
    listing = parse_qs(urlsplit(blind.requests()[-1]["path"]).query)
    assert "email" not in listing
    assert int(listing["created[gte]"][0]) >= int(asked_from.timestamp())


async def test_the_email_asked_for_is_in_no_log(
    billing: StripeBilling, blind: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """SC-06: it travels in the address of a read, which HTTP libraries like to log."""
    with caplog.at_level(logging.DEBUG):
        await billing.find_customer(ACCOUNT, "A-NOBODY", email=EMAIL)
    assert "payable%40harborline" in blind.requests()[-1]["path"]
    assert "payable" not in caplog.text
