"""The vendors' simulators, each in a thread on a free port, and our adapters on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stripe
from pydantic import SecretStr

from adapters.http import TallyMeter
from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.settings import SalesforceSettings
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.ports.clock import BusinessClock
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app as create_salesforce
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.stripe.app import create_app as create_stripe
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from tests.adapters import stripe_network
from tests.adapters.crm_world import CrmWorld
from tests.adapters.fake_clock import FixedClock, OffsetClock
from tests.adapters.stripe_days import Days, days_of
from tests.adapters.stripe_wire import Routes

# The day the worked deals are seen from: D1 and D4 have begun, D2 begins today.
TODAY = datetime(2026, 3, 15, 9, tzinfo=UTC)
ACCOUNTS = {"acct_us01": "US", "acct_de01": "DE"}
TAX_RATES = {
    "US-TX-SAAS": Decimal("6.6"),
    "US-TX-SVC0": Decimal(0),
    "US-NY-SAAS": Decimal("8.875"),
    "DE-19": Decimal(19),
}
PRODUCTS = ("seat-std", "seat-pro", "onb")


@dataclass
class Simulator:
    """Address of a running simulator and its control endpoints."""

    url: str
    control: httpx.Client
    clients: dict[str, tuple[stripe.StripeClient, stripe.HTTPXClient]] = field(default_factory=dict)

    def fault(self, kind: str, **fields: Any) -> None:
        """Make the next matching request go wrong."""
        answer = self.control.post("/_sim/faults", json={"kind": kind, **fields})
        assert answer.status_code < 300, answer.text

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.control.delete("/_sim/faults")

    def requests(self) -> list[dict[str, Any]]:
        """The ledger's requests since it was cleared."""
        answer = self.control.get("/_sim/ledger", params={"kind": "requests"}).json()
        return list(answer["entries"])

    def forget(self) -> None:
        """Clear the ledger."""
        self.control.delete("/_sim/ledger")

    def reset(self) -> None:
        """Empty the world."""
        self.control.post("/_sim/reset")


def org_id() -> str:
    from_15 = "00DDt0000000001"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    return from_15 + "".join(
        letters[sum(1 << i for i, c in enumerate(from_15[at : at + 5]) if c.isupper())]
        for at in (0, 5, 10)
    )


@pytest.fixture(scope="session")
def clock() -> OffsetClock:
    """Business time of the simulators and the adapters alike."""
    return OffsetClock.at(TODAY)


@pytest.fixture(scope="session")
def salesforce_server(clock: OffsetClock) -> Iterator[Simulator]:
    """One org for the session."""
    app = create_salesforce(
        SalesforceConfig(
            org_id=org_id(),
            client_id="client",
            client_secret="client-secret",
            clock_offset=clock.offset,
        )
    )
    server = BackgroundServer(app)
    server.start()
    with httpx.Client(base_url=server.url) as control:
        yield Simulator(server.url, control)
    server.stop()


@pytest.fixture
def salesforce(salesforce_server: Simulator) -> Iterator[Simulator]:
    """The org without faults."""
    salesforce_server.heal()
    salesforce_server.forget()
    yield salesforce_server
    salesforce_server.heal()


@pytest.fixture
def crm_world(salesforce: Simulator) -> Iterator[CrmWorld]:
    """An administrator's session on the org, which is empty."""
    salesforce.reset()
    world = CrmWorld.sign_in(salesforce.url, "client", "client-secret")
    yield world
    world.http.close()


@pytest.fixture
async def crm(salesforce: Simulator, clock: OffsetClock) -> AsyncIterator[SalesforceCrm]:
    """Our adapter on the org."""
    adapter = SalesforceCrm(
        SalesforceSettings(
            org_id=org_id(),
            instance_url=salesforce.url,
            client_id="client",
            client_secret=SecretStr("client-secret"),
        ),
        clock,
        TallyMeter(),
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture(scope="session")
def stripe_server(clock: OffsetClock) -> Iterator[Simulator]:
    """Two accounts for the session, with products and tax rates."""
    app = create_stripe(
        SimulatorConfig(
            accounts=tuple(
                AccountConfig(
                    id=key,
                    secret_key=secret_of(key),
                    number_format=f"{country}-{{:06d}}",
                    country=country,
                )
                for key, country in ACCOUNTS.items()
            ),
            clock_offset_seconds=clock.offset.total_seconds(),
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


def secret_of(account: str) -> str:
    return f"sk_test_of_{account}"


def native(simulator: Simulator, account: str) -> stripe.StripeClient:
    """Stripe's own client, for looking and for setting up; one per account and session."""
    if account not in simulator.clients:
        http = stripe.HTTPXClient(timeout=20.0, allow_sync_methods=True)
        client = stripe.StripeClient(
            secret_of(account), base_addresses={"api": simulator.url}, http_client=http
        )
        simulator.clients[account] = (client, http)
    return simulator.clients[account][0]


def furnish(simulator: Simulator, account: str) -> None:
    """Products and tax rates of the configuration, in one account."""
    client = native(simulator, account)
    for product in PRODUCTS:
        client.v1.products.create({"id": product, "name": product})
    for code, percent in TAX_RATES.items():
        client.v1.tax_rates.create(
            {
                "display_name": code,
                "percentage": float(percent),
                "inclusive": False,
                "metadata": {"dealthread_tax_code": code},
            }
        )


@pytest.fixture
def stripe_simulator(stripe_server: Simulator) -> Iterator[Simulator]:
    """Both accounts emptied, then furnished anew."""
    stripe_server.heal()
    stripe_server.reset()
    for account in ACCOUNTS:
        furnish(stripe_server, account)
    stripe_server.forget()
    yield stripe_server
    stripe_server.heal()


@pytest.fixture
async def billing(stripe_simulator: Simulator, clock: OffsetClock) -> AsyncIterator[StripeBilling]:
    """Our adapter on both accounts."""
    adapter = on(stripe_simulator, clock)
    yield adapter
    await adapter.aclose()


@pytest.fixture
def days(stripe_simulator: Simulator) -> Iterator[Days]:
    """The simulated biller's business time, for the test to set."""
    with days_of(stripe_simulator.control) as found:
        yield found


@pytest.fixture
async def dated_billing(stripe_simulator: Simulator, days: Days) -> AsyncIterator[StripeBilling]:
    """Our adapter on both accounts, on the day that the test sets."""
    adapter = on(stripe_simulator, days)
    yield adapter
    await adapter.aclose()


def on(simulator: Simulator, clock: BusinessClock) -> StripeBilling:
    """Our adapter on both accounts."""
    return StripeBilling(
        StripeSettings(
            accounts={key: SecretStr(secret_of(key)) for key in ACCOUNTS},
            api_base=simulator.url,
            calls_per_second=1000,
            settle_seconds=0,
        ),
        clock,
        TallyMeter(),
    )


@pytest.fixture
def routes() -> Routes:
    """The network, with the account's tax rates."""
    found = Routes()
    found.on("GET", "/v1/tax_rates", stripe_network.RATES)
    return found


@pytest.fixture
async def routed_billing(routes: Routes) -> AsyncIterator[StripeBilling]:
    """Our adapter on that network."""
    adapter = StripeBilling(
        StripeSettings(accounts={stripe_network.ACCOUNT: SecretStr("sk_test_secret")}),
        FixedClock(stripe_network.NOW),
        transport=lambda: httpx.MockTransport(routes.handle),
    )
    yield adapter
    await adapter.aclose()
