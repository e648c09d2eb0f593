"""Serves simulators in a thread on a free port, with the kit's own server."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from starlette.types import ASGIApp

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig

ORG_ID = "00D5i0000000001EAA"
BASE = "/services/data/v66.0"


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """`until(condition)` returns as soon as the condition holds; it fails after a minute.

    For what another thread or process brings about.
    """

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60.0
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    return wait


# Reading the system's certificates for each client takes longer than a test; nothing here is TLS.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _PlainHttp(HTTPAdapter):
    """Sends what simple-salesforce addresses to https:// over plain HTTP to the simulator."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(str(request.url))
        request.url = urlunsplit(parts._replace(scheme="http"))
        return super().send(request, *args, **kwargs)


class SimulatedOrg:
    """A served Salesforce simulator with a session, for tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._sessions: list[requests.Session] = []
        self.outside = httpx.Client(base_url=url, timeout=10, verify=_NO_CERTIFICATES)
        """Without a session: for tokens and `/_sim/…`."""
        self.token = self.fetch_token()
        self.http = httpx.Client(
            base_url=url + BASE,
            headers={"authorization": f"Bearer {self.token}"},
            timeout=10,
            verify=_NO_CERTIFICATES,
        )

    def close(self) -> None:
        self.http.close()
        self.outside.close()
        for session in self._sessions:
            session.close()

    def fetch_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": "secret",
        }
        answer = self.outside.post("/services/oauth2/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def simple_salesforce(self) -> Salesforce:
        session = requests.Session()
        session.mount("https://", _PlainHttp())
        session.trust_env = False
        self._sessions.append(session)
        host = urlsplit(self.url).netloc
        return Salesforce(
            instance_url=f"https://{host}",
            session_id=self.token,
            session=session,
            version="66.0",
        )

    def create(self, sobject: str, **fields: Any) -> str:
        answer = self.http.post(f"/sobjects/{sobject}", json=fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read(self, sobject: str, record_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/sobjects/{sobject}/{record_id}")
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()
        return row

    def query(self, soql: str) -> list[dict[str, Any]]:
        answer = self.http.get("/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    def opportunity(self, account_id: str, **fields: Any) -> str:
        given = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31", **fields}
        return self.create("Opportunity", AccountId=account_id, **given)

    def fault(self, **spec: Any) -> None:
        answer = self.outside.post("/_sim/faults", json=spec)
        assert answer.status_code == 201, answer.text

    def effects(self, pattern: str = "") -> list[dict[str, Any]]:
        query = {"kind": "effects", "effect": pattern}
        page = self.outside.get("/_sim/ledger", params=query).json()
        entries: list[dict[str, Any]] = page["entries"]
        return entries


@pytest.fixture
def serve_org(serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., SimulatedOrg]]:
    """`serve_org(**config)` starts a Salesforce simulator."""
    orgs: list[SimulatedOrg] = []

    def start(**more: Any) -> SimulatedOrg:
        config = SalesforceConfig(org_id=ORG_ID, client_id="client", client_secret="secret", **more)
        orgs.append(SimulatedOrg(serve(create_app(config))))
        return orgs[-1]

    yield start
    for one in orgs:
        one.close()


@pytest.fixture(scope="session")
def shared_org_url() -> Iterator[str]:
    """One served org for all tests that need nothing special of it."""
    config = SalesforceConfig(org_id=ORG_ID, client_id="client", client_secret="secret")
    server = BackgroundServer(create_app(config))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def org(shared_org_url: str) -> Iterator[SimulatedOrg]:
    """An empty org without webhooks."""
    with httpx.Client(base_url=shared_org_url, verify=_NO_CERTIFICATES) as control:
        control.post("/_sim/reset").raise_for_status()
        control.post("/_sim/clock", json={"offset_seconds": 0}).raise_for_status()
    one = SimulatedOrg(shared_org_url)
    yield one
    one.close()
