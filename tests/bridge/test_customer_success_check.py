"""DM-10: customer success's own record of a contract is read as the other systems are: what its
people enter is listed, and a system that does not answer is unread."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.client import Client

from adapters.events.customer_success import ContractLookUp
from adapters.events.subscribers import SignedEventDelivery
from dealthread.bridge.contract_checking import Comparison
from dealthread.bridge.telling import Telling
from dealthread.errors import BadInput
from dealthread.settings import Settings, Subscriber
from dealthread.simulators.receivers.app import ReceiverConfig, Role, create_app
from dealthread.store.event_log import EventLog
from dealthread.store.outbox import Outbox
from dealthread.store.subscribers import Subscribers
from tests.bridge.contract_desk import DAY, Desk, desk, in_crm
from workers.ports import Ports

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

NAME, TOKEN = "customer-success", "a token of its own"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
READ = Subscriber(
    name=NAME,
    url="http://127.0.0.1/events",
    secret_name="CUSTOMER_SUCCESS",
    types=("contract.*",),
    read_url="http://127.0.0.1",
    token_name="CUSTOMER_SUCCESS",
)
TOLD = READ.model_copy(update={"read_url": "", "token_name": ""})


class Service:
    """The reference customer-success service, told and read by the real adapters."""

    def __init__(self) -> None:
        config = ReceiverConfig(Role.CUSTOMER_SUCCESS, (SECRET,), TOKEN)
        self.app = httpx.ASGITransport(create_app(config))
        self.is_away = False
        self.http = httpx.AsyncClient(transport=self.app, base_url="http://service")

    def transport(self) -> httpx.AsyncBaseTransport:
        """The network between: it ends where the service is away."""
        return _Network(self)

    async def stands(self, at: datetime) -> None:
        """Its clock stands."""
        answer = await self.http.post("/_sim/clock", json={"freeze": at.isoformat()})
        assert answer.status_code == 200, answer.text

    async def enters(self, key: str, state: str) -> None:
        """One of its people, on its own page."""
        answer = await self.http.put(
            f"/contracts/{key}/state",
            json={"state": state},
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code == 200, answer.text


class _Network(httpx.AsyncBaseTransport):
    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._service.is_away:
            raise httpx.ConnectError("not connected", request=request)
        return await self._service.app.handle_async_request(request)


@dataclasses.dataclass
class Success:
    """A running contract, and customer success beside it."""

    at: Desk
    service: Service
    tell: Callable[[], Any]

    async def one(self) -> dict[str, Any]:
        return await self.at.one()

    async def rows(self) -> list[tuple[str, str, str, str]]:
        return await self.at.differing()


@asynccontextmanager
async def success(client: Client, url: str, subscriber: Subscriber) -> AsyncIterator[Success]:
    service = Service()

    def with_service(ports: Ports) -> Ports:
        network = service.transport()
        look_up = ContractLookUp("http://127.0.0.1", SecretStr(TOKEN), transport=network)
        return dataclasses.replace(ports, customer_success={NAME: look_up})

    async with desk(client, url, with_service, (subscriber,)) as at:
        delivery = SignedEventDelivery(
            {"CUSTOMER_SUCCESS": SecretStr(SECRET)}, transport=service.transport
        )
        telling = Telling(
            at.settings, Outbox(at.engine), EventLog(at.engine), Subscribers(at.engine), delivery
        )

        async def tell() -> None:
            await telling.deliver_events(subscriber)

        yield Success(at, service, tell)


async def test_what_customer_success_holds_is_compared_and_a_change_by_hand_is_listed(
    dev_server: Client, shared_url: str
) -> None:
    """First nothing has arrived: that explains it. Then all agree; a person enters another state;
    it is put back; the service is away, and the CRM is compared all the same."""
    async with success(dev_server, shared_url, READ) as it:
        key = it.at.contract.key
        await Outbox(it.at.engine).route(NAME, READ.types)
        found = await it.one()
        (row,) = found["differences"]
        assert (row["field"], row["found"]) == ("record", "missing")
        assert row["cause"] == "event_not_delivered"
        assert (row["is_explained"], found["subscribers"]) == (True, {NAME: "held"})

        await it.tell()
        assert await it.rows() == []
        assert (await it.one())["subscribers"] == {NAME: "held"}

        entered = datetime.fromisoformat(f"{DAY}T18:30:00+00:00")
        await it.service.stands(entered)
        await it.service.enters(key, "churned")
        (row,) = (await it.one())["differences"]
        assert (row["system"], row["name"], row["field"]) == ("customer_success", NAME, "state")
        assert (row["found"], row["wanted"]) == ("churned", "active")
        assert (row["cause"], row["is_explained"]) == ("changed_by_hand", False)
        assert "its record was last written to at 2026-01-01T18:30:00" in row["detail"]
        assert f"dealthread events replay {NAME} --key {key}" in row["next_step"]

        await it.service.stands(entered + timedelta(hours=1))
        await it.service.enters(key, "active")
        assert await it.rows() == []

        it.service.is_away = True
        in_crm(version=7)(it.at)
        found = await it.one()
        assert [(one["system"], one["account"], one["code"]) for one in found["unread"]] == [
            ("customer_success", NAME, "not_sent")
        ]
        assert [one["system"] for one in found["differences"]] == ["crm"]
        assert found["subscribers"] == {NAME: "confirmed"}


async def test_a_system_without_a_look_up_is_compared_by_what_it_confirmed(
    dev_server: Client, shared_url: str
) -> None:
    """What its people enter nobody sees, and the answer says by what it was compared."""
    async with success(dev_server, shared_url, TOLD) as it:
        await it.tell()
        await it.service.stands(datetime.fromisoformat(f"{DAY}T18:30:00+00:00"))
        await it.service.enters(it.at.contract.key, "churned")
        found = await it.one()
        assert (found["differences"], found["unread"]) == ([], [])
        assert found["subscribers"] == {NAME: "confirmed"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"read_url": ""}, "read_url and token_name go together"),
        ({"token_name": ""}, "read_url and token_name go together"),
    ],
)
def test_a_look_up_needs_its_token(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Subscriber.model_validate(READ.model_dump() | changed)


def test_who_is_read_has_to_hear_every_state() -> None:
    """Else what it holds follows from nothing that it was told."""
    deaf = READ.model_copy(update={"types": ("invoice.*",)})
    settings = Settings.model_construct(subscribers=(deaf,), business_offset_seconds=0)
    with pytest.raises(BadInput) as refusal:
        Comparison(settings, None, lambda: datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    assert f"{NAME}.types" in str(refusal.value.field)
