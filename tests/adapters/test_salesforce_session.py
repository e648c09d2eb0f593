"""The Salesforce session, its token and its settings, without an org."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from pydantic import SecretStr, ValidationError

from adapters.http import NoMeter
from adapters.salesforce.errors import (
    connection_failed,
)
from adapters.salesforce.session import GuardedSession, UsageMeter
from adapters.salesforce.settings import SalesforceSettings
from adapters.salesforce.token import TokenSource, mint_token
from dealthread.errors import (
    AuthRejected,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    RateLimited,
    VendorUnavailable,
)

ORG = "00D000000000001EAA"
SEEN = datetime(2026, 3, 15, tzinfo=UTC)

COMPOSITE = "/services/data/v66.0/composite"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the test tells."""

    answer: Callable[[_Handler], None]

    def do_GET(self) -> None:
        """Any request."""
        type(self).answer(self)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def plain_server() -> Iterator[tuple[str, type[_Handler]]]:
    """An HTTP server whose answers a test decides."""
    handler = type("Handler", (_Handler,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def _json(handler: _Handler, status: int, body: Any, **headers: str) -> None:
    raw = json.dumps(body).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


def test_the_session_sends_to_its_org_only(plain_server: tuple[str, type[_Handler]]) -> None:
    """T17: a URL for an id cannot carry the token elsewhere; a redirect is not followed."""
    url, handler = plain_server
    handler.answer = lambda h: _json(
        h, 302, {}, Location="http://169.254.169.254/", Sforce_Limit_Info="api-usage=18/5000"
    )
    usage = UsageMeter()
    with GuardedSession(url, usage) as session:
        # The library always writes https; for a simulator on loopback it goes out as http.
        response = session.post(url.replace("http://", "https://") + COMPOSITE)
        assert response.status_code == 302
        assert (usage.used, usage.allowed) == (18, 5000)
        for foreign in ("https://evil.example", "http://127.0.0.1:1", "https://127.0.0.1"):
            with pytest.raises(InvariantBroken):
                session.post(foreign + COMPOSITE)
        with pytest.raises(InvariantBroken, match="tls"):
            session.post(url + COMPOSITE, verify=False)


def test_never_sent_and_perhaps_arrived_are_told_apart(
    plain_server: tuple[str, type[_Handler]],
) -> None:
    """K1 against K2."""
    url, handler = plain_server
    handler.answer = lambda h: h.connection.close()
    with GuardedSession(url, UsageMeter()) as session:
        with pytest.raises(requests.RequestException) as cut:
            session.post(url + COMPOSITE, data=b"x")
        assert connection_failed(cut.value).sent
    nobody = "http://127.0.0.1:1"
    with GuardedSession(nobody, UsageMeter()) as session:
        with pytest.raises(requests.RequestException) as refused:
            session.post(nobody + COMPOSITE)
        assert not connection_failed(refused.value).sent
    assert not connection_failed(requests.exceptions.ConnectTimeout()).sent
    assert connection_failed(requests.exceptions.ReadTimeout()).sent


# ---------------------------------------------------------------- token


def test_many_threads_with_a_dead_token_mint_one() -> None:
    """32 threads, one sign-in: the library's own refresh makes 32."""
    minted: list[int] = []
    gate = threading.Barrier(32)

    def mint() -> str:
        minted.append(1)
        return f"token-{len(minted)}"

    tokens = TokenSource(mint)
    dead = tokens.current()

    def renew(_: int) -> str:
        gate.wait()
        return tokens.renew(dead)

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(renew, range(32))) == {"token-2"}
    assert len(minted) == 2


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_client"}, AuthRejected),
        (401, {"error": "invalid_client"}, AuthRejected),
        (503, {}, VendorUnavailable),
        (429, {}, RateLimited),
        (200, {}, ContractDrift),
        (200, [], ContractDrift),
        (200, {"access_token": "x", "id": "https://login/id/00DXX0000000009/005"}, AuthRejected),
    ],
)
def test_signing_in_fails_in_named_ways(
    plain_server: tuple[str, type[_Handler]],
    status: int,
    body: Any,
    error: type[DealthreadError],
) -> None:
    """An outage is not taken for bad credentials, nor another org's token for ours."""
    url, handler = plain_server
    handler.answer = lambda h: _json(h, status, body)
    settings = SalesforceSettings(
        org_id=ORG, instance_url=url, client_id="c", client_secret=SecretStr("s")
    )
    with GuardedSession(url, UsageMeter()) as session, pytest.raises(error):
        mint_token(settings, session, NoMeter())


def test_settings_come_from_the_environment_and_hide_the_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T16: the secret is not printed; a plain-http address elsewhere is refused."""
    for name, value in {
        "ORG_ID": ORG[:15],
        "INSTANCE_URL": "https://acme.my.salesforce.com/",
        "CLIENT_ID": "id",
        "CLIENT_SECRET": "very-secret",
    }.items():
        monkeypatch.setenv(f"DEALTHREAD_SALESFORCE_{name}", value)
    settings = SalesforceSettings()
    assert settings.org_id == ORG
    assert settings.api_version == "66.0"
    assert settings.instance_url == "https://acme.my.salesforce.com"
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in settings.model_dump_json()
    monkeypatch.setenv("DEALTHREAD_SALESFORCE_INSTANCE_URL", "http://acme.my.salesforce.com")
    with pytest.raises(ValidationError):
        SalesforceSettings()
