"""EV-03: without its store the bridge takes nothing, says when to come again, and loses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from dealthread.bridge import app as application
from dealthread.bridge.app import create_app
from dealthread.stack.postgres import Postgres
from tests.bridge.caller import (
    ACCOUNT,
    DEAL,
    ORG,
    OUTBOUND_TOKEN,
    START,
    Bridge,
    Clock,
    hint,
    signed,
)
from tests.bridge.conftest import settings_of
from tests.bridge.test_outbound_message import envelope, notification
from tests.bridge.test_stripe_webhook import EVENT, header

pytestmark = pytest.mark.postgres


@pytest_asyncio.fixture
async def without_store(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A bridge whose database does not answer."""
    monkeypatch.setattr(application, "POOL_WAIT_SECONDS", 0.2)
    app = create_app(settings_of(f"postgresql://nobody@/none?host={tmp_path}"), now=Clock())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://bridge.test"
        ) as http,
    ):
        yield http


JSON = {"content-type": "application/json"}
BAD = b"verified, not understood"
REQUESTS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "salesforce": ("POST", f"/webhooks/salesforce/{ORG}", hint(), JSON | signed(hint())),
    "refused": ("POST", f"/webhooks/salesforce/{ORG}", BAD, JSON | signed(BAD)),
    "soap": (
        "POST",
        f"/webhooks/salesforce/{ORG}/outbound-message/{OUTBOUND_TOKEN}",
        envelope(notification(1), notification(2)),
        {"content-type": "text/xml"},
    ),
    "stripe": (
        "POST",
        f"/webhooks/stripe/{ACCOUNT}",
        EVENT,
        JSON | {"stripe-signature": header(EVENT)},
    ),
    "submit": (
        "POST",
        f"/v1/deals/{DEAL}/quote-to-cash",
        b"{}",
        JSON | {"authorization": "Bearer token-operator"},
    ),
    "read": ("GET", "/v1/cases", b"", {"authorization": "Bearer token-viewer"}),
    "ready": ("GET", "/readyz", b"", {}),
}


@pytest.mark.parametrize("name", sorted(REQUESTS))
async def test_every_request_that_needs_the_store_is_told_to_come_again(
    without_store: httpx.AsyncClient, name: str
) -> None:
    method, path, body, headers = REQUESTS[name]
    answer = await without_store.request(method, path, content=body, headers=headers)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] == "store_unavailable"


async def test_a_forged_message_is_refused_even_then(without_store: httpx.AsyncClient) -> None:
    answer = await without_store.post(
        f"/webhooks/salesforce/{ORG}", content=hint(), headers=JSON | signed(b"other")
    )
    assert answer.status_code == 401
    assert (await without_store.get("/healthz")).status_code == 200


async def test_a_store_lost_half_way_keeps_none_of_a_message_and_the_repeat_all_of_it(
    bridge: Bridge, postgres: Postgres
) -> None:
    """The store goes away at the second of three notifications."""
    async with bridge.engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        await connection.exec_driver_sql(
            "CREATE TRIGGER lose BEFORE INSERT ON inbox FOR EACH ROW "
            "WHEN (position('006000000000002'::bytea IN NEW.body) > 0) EXECUTE FUNCTION lose()"
        )
    body = envelope(*(notification(number) for number in (1, 2, 3)))
    path = f"/webhooks/salesforce/{ORG}/outbound-message/{OUTBOUND_TOKEN}"
    try:
        lost = await bridge.http.post(path, content=body, headers={"content-type": "text/xml"})
        assert (lost.status_code, lost.headers["retry-after"]) == (503, "5")
        assert await bridge.rows() == []
    finally:
        async with bridge.engine.begin() as connection:
            await connection.exec_driver_sql("DROP TRIGGER lose ON inbox")
            await connection.exec_driver_sql("DROP FUNCTION lose()")
    again = await bridge.http.post(path, content=body, headers={"content-type": "text/xml"})
    assert "<Ack>true</Ack>" in again.text
    assert len(await bridge.rows()) == 3
    assert bridge.clock() == START
