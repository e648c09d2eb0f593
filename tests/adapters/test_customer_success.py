"""DM-10: a customer-success system's answer to "what do you hold of this contract?"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.events import factory
from adapters.events.customer_success import ContractLookUp
from dealthread.errors import (
    AuthRejected,
    BadInput,
    ContractDrift,
    DealthreadError,
    RateLimited,
    VendorUnavailable,
)

ANSWER = {
    "contract_key": "C-D1",
    "customer_key": "K-1",
    "state": "active",
    "version": 2,
    "changed_at": "2026-03-01T10:00:00+01:00",
    "health": "green",
}
Handler = Callable[[httpx.Request], httpx.Response]


async def _public(_host: str, _port: int) -> list[str]:
    return ["93.184.216.34"]


async def _inside(_host: str, _port: int) -> list[str]:
    return ["10.0.0.7"]


def answering(**changes: Any) -> Handler:
    return lambda _: httpx.Response(200, json=ANSWER | changes)


def status(code: int) -> Handler:
    return lambda _: httpx.Response(code)


def not_json(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<")


def failing(error: Exception) -> Handler:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    return handler


def look_up(handler: Handler, resolver: Any = _public) -> ContractLookUp:
    return ContractLookUp(
        "https://success.example/api/",
        SecretStr("token"),
        transport=httpx.MockTransport(handler),
        resolver=resolver,
    )


async def test_a_contract_is_asked_for_by_its_key_with_the_token() -> None:
    """Fields that are the system's own are left aside; its key is no path."""
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=ANSWER) if len(sent) == 1 else httpx.Response(404)

    port = look_up(handler)
    found = await port.contract_now("C-D1")
    assert found is not None
    assert (found.state, found.version) == ("active", 2)
    assert found.changed_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert await port.contract_now("../x?y=1") is None
    assert [one.url.raw_path for one in sent] == [
        b"/api/contracts/C-D1",
        b"/api/contracts/..%2Fx%3Fy%3D1",
    ]
    assert {one.headers["authorization"] for one in sent} == {"Bearer token"}
    await port.aclose()


async def test_version_and_time_are_told_where_the_system_keeps_them() -> None:
    port = look_up(lambda _: httpx.Response(200, json={"contract_key": "C-D1", "state": "paused"}))
    found = await port.contract_now("C-D1")
    assert found is not None
    assert (found.state, found.version, found.changed_at) == ("paused", None, None)
    await port.aclose()


@pytest.mark.parametrize(
    ("handler", "error", "code"),
    [
        (status(401), AuthRejected, "customer_success_token_refused"),
        (status(403), AuthRejected, "customer_success_token_refused"),
        (status(429), RateLimited, "rate_limited"),
        (status(503), VendorUnavailable, "server_error"),
        (status(302), ContractDrift, "unexpected_customer_success_answer"),
        (
            lambda _: httpx.Response(200, html="<"),
            ContractDrift,
            "customer_success_answer_not_json",
        ),
        (lambda _: httpx.Response(200, json=[1]), ContractDrift, "customer_success_answer_shape"),
        (answering(state=""), ContractDrift, "customer_success_answer_shape"),
        (answering(version="two"), ContractDrift, "customer_success_answer_shape"),
        (answering(changed_at="2026-03-01"), ContractDrift, "customer_success_answer_shape"),
        (answering(contract_key="C-D2"), ContractDrift, "customer_success_answer_of_another"),
        (answering(x="y" * 70_000), ContractDrift, "unexpected_customer_success_answer"),
        (failing(httpx.ReadTimeout("x")), VendorUnavailable, ""),
        (failing(httpx.ConnectError("x")), VendorUnavailable, ""),
    ],
)
async def test_a_failed_look_up_is_an_error(
    handler: Handler, error: type[DealthreadError], code: str
) -> None:
    """Never "nothing is held"; the answer's text is in no message."""
    port = look_up(handler)
    with pytest.raises(error) as failure:
        await port.contract_now("C-D1")
    assert failure.value.code.startswith(code)
    assert "token" not in str(failure.value).replace("token_refused", "")
    await port.aclose()


async def test_an_address_inside_is_not_connected_to() -> None:
    port = look_up(answering(), _inside)
    with pytest.raises(VendorUnavailable):
        await port.contract_now("C-D1")
    await port.aclose()


def test_an_address_that_is_not_secure_and_a_missing_token_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadInput) as refusal:
        ContractLookUp("http://success.example", SecretStr("token"))
    assert refusal.value.field == "DEALTHREAD_SUBSCRIBERS.read_url"
    monkeypatch.delenv("DEALTHREAD_READ_TOKEN_CS", raising=False)
    with pytest.raises(BadInput) as refusal:
        factory.create_look_up("https://success.example", "CS")
    assert refusal.value.field == "DEALTHREAD_READ_TOKEN_CS"
