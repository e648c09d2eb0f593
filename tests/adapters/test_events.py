"""Signed events: what is sent, and what each answer means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.events.entitlement import SignedEventEntitlement
from adapters.events.settings import EntitlementSettings, webhook_secrets
from adapters.events.subscribers import SignedEventDelivery
from dealthread.domain.documents import EntitlementState, Grant
from dealthread.domain.events import EventType
from dealthread.errors import (
    AuthRejected,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    RateLimited,
    VendorUnavailable,
)
from dealthread.naming import event_id
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.entitlement import GrantEntitlement, SuspendEntitlement
from tests.adapters.fake_clock import FixedClock

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = "quote-to-cash:org:deal#1/entitlement/do"
PUBLIC = "93.184.215.14"
BASE = "https://entitlement.example.com/api"
NOW = datetime(2026, 3, 15, 9, tzinfo=UTC)
COMMAND = GrantEntitlement(
    contract_key="C-D1",
    customer_key="A-1",
    grants=(
        Grant(
            line_key="L-1",
            template="seats",
            quantity=Decimal("50"),
            access_from=date(2026, 1, 1),
            access_to=date(2027, 1, 1),
        ),
    ),
)
ANSWER = {
    "id": "ent_1",
    "contract_key": "C-D1",
    "state": "active",
    "grants": [
        {
            "line_key": "L-1",
            "template": "seats",
            "quantity": "50",
            "access_from": "2026-01-01",
            "access_to": "2027-01-01",
        }
    ],
}


class Service:
    """Answers as told and keeps what was sent."""

    def __init__(self) -> None:
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(
            200, json=ANSWER
        )
        self.sent: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        self.sent.append(request)
        return self.answer(request)


@pytest.fixture
def service() -> Service:
    """The other side."""
    return Service()


@pytest.fixture
async def entitlement(service: Service) -> AsyncIterator[SignedEventEntitlement]:
    """Our adapter on it."""
    adapter = SignedEventEntitlement(
        EntitlementSettings(url=BASE, secret=SecretStr(SECRET), token=SecretStr("token")),
        FixedClock(NOW),
        transport=httpx.MockTransport(service.handle),
    )
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def delivery(service: Service) -> AsyncIterator[SignedEventDelivery]:
    """The outbox's way out."""

    async def public(_host: str, _port: int) -> list[str]:
        return [PUBLIC]

    adapter = SignedEventDelivery(
        {"ENTITLEMENT": SecretStr(SECRET)},
        transport=lambda: httpx.MockTransport(service.handle),
        resolver=public,
    )
    yield adapter
    await adapter.aclose()


@pytest.mark.tells(EventType.ENTITLEMENT_GRANT)
async def test_a_grant_is_a_signed_cloud_event(
    entitlement: SignedEventEntitlement, service: Service
) -> None:
    """DM-08: id from the act's key, business time inside, machine time in the signature."""
    outcome = await entitlement.grant(COMMAND, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.ref.native_id == "ent_1"
    assert outcome.value.state is EntitlementState.ACTIVE
    assert outcome.value.grants == COMMAND.grants
    request = service.sent[0]
    assert str(request.url) == f"{BASE}/events"
    Webhook(SECRET).verify(request.content, dict(request.headers))
    body = json.loads(request.content)
    assert request.headers["webhook-id"] == body["id"] == event_id(KEY)
    assert {name: body[name] for name in ("specversion", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "source": "dealthread",
        "type": "dealthread.entitlement.grant.v1",
        "subject": "C-D1",
        "time": "2026-03-15T09:00:00+00:00",
    }
    assert body["data"] == {
        "contract_key": "C-D1",
        "customer_key": "A-1",
        "grants": ANSWER["grants"],
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.content + b" ", dict(request.headers))


async def test_a_repeat_is_the_same_message(
    entitlement: SignedEventEntitlement, service: Service
) -> None:
    """The receiver recognises it by its id; a corrected one is another message."""
    await entitlement.grant(COMMAND, idempotency_key=KEY)
    await entitlement.grant(COMMAND, idempotency_key=KEY)
    await entitlement.grant(COMMAND, idempotency_key=f"{KEY}~1")
    ids = [request.headers["webhook-id"] for request in service.sent]
    assert ids[0] == ids[1] != ids[2]
    assert service.sent[0].content == service.sent[1].content


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    """A transport failure."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def status(code: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """An answer without a body."""
    return lambda _: httpx.Response(code, headers=headers)


ANSWERS: list[tuple[Callable[[httpx.Request], httpx.Response], Any]] = [
    (status(410), Rejected("entitlement.failed", "subscriber_disabled")),
    (status(422), Rejected("entitlement.failed", "http_422")),
    (status(302, location="http://169.254.169.254"), Rejected("entitlement.failed", "redirect")),
    (status(500), Unknown("server_error")),
    (status(503, **{"retry-after": "9"}), Unknown("server_error", timedelta(seconds=9))),
    (status(200), Unknown("answer_without_id")),
    (lambda _: httpx.Response(200, json={"state": "active"}), Unknown("answer_without_id")),
    (lambda _: httpx.Response(200, json=[1]), Unknown("answer_without_id")),
    (lambda _: httpx.Response(200, html="<html>"), Unknown("answer_without_id")),
    (
        lambda _: httpx.Response(200, json={**ANSWER, "grants": [{"line_key": 1}]}),
        Unknown("answer_without_id"),
    ),
    (raising(httpx.ReadTimeout("x")), Unknown("read_timeout")),
    (raising(httpx.ReadError("x")), Unknown("connection_reset")),
    (raising(httpx.ConnectError("x")), VendorUnavailable),
    (status(429, **{"retry-after": "7"}), RateLimited),
    (status(401), AuthRejected),
    (status(408), VendorUnavailable),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
async def test_each_answer_has_one_meaning(
    entitlement: SignedEventEntitlement, service: Service, answer: Any, expected: Any
) -> None:
    """K1–K8 on a signed event."""
    service.answer = answer
    if isinstance(expected, type):
        with pytest.raises(expected):
            await entitlement.grant(COMMAND, idempotency_key=KEY)
        return
    outcome: Outcome[Any] = await entitlement.grant(COMMAND, idempotency_key=KEY)
    assert type(outcome) is type(expected)
    assert isinstance(outcome, Rejected | Unknown)
    assert outcome.code.startswith(expected.code)
    if isinstance(expected, Unknown) and isinstance(outcome, Unknown):
        assert outcome.retry_after == expected.retry_after
    assert SECRET not in repr(outcome)


async def test_what_the_service_holds_is_found_with_a_token(
    entitlement: SignedEventEntitlement, service: Service
) -> None:
    """The look-up is a read; absent is None."""
    found = await entitlement.find("C-D1", idempotency_key=KEY)
    assert found is not None
    assert found.grants == COMMAND.grants
    assert str(service.sent[0].url) == f"{BASE}/entitlements/C-D1"
    assert service.sent[0].headers["authorization"] == "Bearer token"
    service.answer = status(404)
    assert await entitlement.find("../secrets?x=1", idempotency_key=KEY) is None
    assert service.sent[1].url.raw_path == b"/api/entitlements/..%2Fsecrets%3Fx%3D1"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(401), AuthRejected),
        (status(429), RateLimited),
        (status(500), VendorUnavailable),
        (status(302), ContractDrift),
        (lambda _: httpx.Response(200, html="<"), ContractDrift),
        (lambda _: httpx.Response(200, json={"id": "e", "state": "odd"}), ContractDrift),
        (raising(httpx.ReadTimeout("x")), VendorUnavailable),
    ],
)
async def test_a_failed_look_up_is_an_error(
    entitlement: SignedEventEntitlement,
    service: Service,
    answer: Any,
    error: type[DealthreadError],
) -> None:
    """Never "absent"."""
    service.answer = answer
    with pytest.raises(error):
        await entitlement.find("C-D1", idempotency_key=KEY)


@pytest.mark.tells(EventType.ENTITLEMENT_REVOKE)
async def test_revoking_nothing_is_done(
    entitlement: SignedEventEntitlement, service: Service
) -> None:
    """Undo of nothing."""
    service.answer = status(404)
    outcome = await entitlement.revoke("C-D1", idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.state is EntitlementState.REVOKED
    body = json.loads(service.sent[0].content)
    assert body["type"] == "dealthread.entitlement.revoke.v1"
    assert body["data"] == {"contract_key": "C-D1"}


@pytest.mark.tells(EventType.ENTITLEMENT_SUSPEND, EventType.ENTITLEMENT_RESTORE)
async def test_a_hold_is_put_on_and_lifted_by_its_own_id(
    entitlement: SignedEventEntitlement, service: Service
) -> None:
    """PF-16: the answer lists what withholds it; another shape is no answer."""
    command = SuspendEntitlement(contract_key="C-D1", hold_id="collections:a:in_1#1", reason="late")
    held = {"id": "ent_1", "state": "suspended", "grants": [], "holds": [command.hold_id]}
    service.answer = lambda _: httpx.Response(200, json=held)
    suspended = await entitlement.suspend(command, idempotency_key=KEY)
    assert isinstance(suspended, Done)
    assert suspended.value.state is EntitlementState.SUSPENDED
    assert suspended.value.holds == (command.hold_id,)
    service.answer = lambda _: httpx.Response(200, json=held | {"holds": [7]})
    assert isinstance(await entitlement.restore(command, idempotency_key="k2"), Unknown)
    told = [json.loads(request.content) for request in service.sent]
    assert [one["type"].split(".")[2] for one in told] == ["suspend", "restore"]
    assert [one["data"] for one in told] == [command.model_dump()] * 2


async def test_a_delivery_gives_the_subscribers_id_or_the_events(
    delivery: SignedEventDelivery, service: Service
) -> None:
    """EV-10: signed with the subscriber's own secret; path and query as configured."""
    url = "https://subscriber.example.com/hooks/in?tenant=1"
    kind = "dealthread.contract.activated.v1"
    first = await delivery.deliver(url, "ENTITLEMENT", "evt_1", kind, b"{}")
    assert first == Done("ent_1")
    assert str(service.sent[0].url) == url.replace("subscriber.example.com", PUBLIC)
    assert service.sent[0].headers["host"] == "subscriber.example.com"
    Webhook(SECRET).verify(service.sent[0].content, dict(service.sent[0].headers))
    service.answer = status(204)
    assert await delivery.deliver(url, "ENTITLEMENT", "evt_1", kind, b"{}") == Done("evt_1")
    service.answer = status(410)
    gone = await delivery.deliver(url, "ENTITLEMENT", "evt_1", kind, b"{}")
    assert isinstance(gone, Rejected)
    assert gone.code == "subscriber_disabled"


async def test_a_subscriber_without_a_secret_or_a_safe_address_is_not_told(
    delivery: SignedEventDelivery, service: Service
) -> None:
    """T16, T17."""
    kind = "dealthread.contract.activated.v1"
    with pytest.raises(InvariantBroken):
        await delivery.deliver("https://x.example.com/", "OTHER", "e", kind, b"{}")
    refused = await delivery.deliver("http://x.example.com/", "ENTITLEMENT", "e", kind, b"{}")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == ("subscriber_url_refused", "url")
    assert service.sent == []


def test_secrets_are_named_by_the_environment() -> None:
    """Only by reference; their values are not printed."""
    secrets = webhook_secrets(
        {
            "DEALTHREAD_WEBHOOK_SECRET_ENTITLEMENT": SECRET,
            "DEALTHREAD_WEBHOOK_SECRET_EMPTY": "",
            "DEALTHREAD_WEBHOOK_SECRETS": "{}",
            "OTHER": "x",
        }
    )
    assert set(secrets) == {"ENTITLEMENT"}
    assert SECRET not in repr(secrets)
