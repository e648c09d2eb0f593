"""Salesforce simulator: sessions, quota, faults, webhooks, outbound messages, saved state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from defusedxml import ElementTree
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
)
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig

Until = Callable[[Callable[[], bool]], None]

ORG_ID = "00D5i0000000001EAA"
OLD_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEY = "Dealthread_Customer_Key__c"


# ------------------------------------------------------------ sessions and quota


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "x"}, "invalid_client_id"),
        (
            {"grant_type": "client_credentials", "client_id": "client", "client_secret": "x"},
            "invalid_client",
        ),
    ],
)
def test_a_token_needs_the_right_client(org: Any, form: dict[str, str], error: str) -> None:
    """400 with OAuth's error names."""
    answer = org.outside.post("/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_session_ends_in_business_time_and_a_new_one_works(org: Any) -> None:
    """INVALID_SESSION_ID after two hours; simple-salesforce sees an expired session."""
    assert org.http.get("/limits").status_code == 200
    org.outside.post("/_sim/clock", json={"advance_seconds": 7201})
    answer = org.http.get("/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    with pytest.raises(SalesforceExpiredSession):
        org.simple_salesforce().query("SELECT Id FROM Account")
    org.token = org.fetch_token()
    assert org.simple_salesforce().query("SELECT Id FROM Account")["totalSize"] == 0


def test_versions_are_listed_without_a_session_and_unknown_ones_are_404(org: Any) -> None:
    """Clients discover, then pin."""
    listed = org.outside.get("/services/data").json()
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in listed
    headers = {"authorization": f"Bearer {org.token}"}
    old = org.outside.get("/services/data/v20.0/limits", headers=headers)
    assert (old.status_code, old.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_the_daily_limit_is_told_and_kept(serve_org: Any) -> None:
    """Sforce-Limit-Info counts; beyond it 403 REQUEST_LIMIT_EXCEEDED until a day has passed."""
    org = serve_org(daily_request_limit=2)
    assert org.http.get("/limits").headers["sforce-limit-info"] == "api-usage=1/2"
    sf = org.simple_salesforce()
    sf.query("SELECT Id FROM Account")
    assert sf.api_usage["api-usage"] == (2, 2)
    with pytest.raises(SalesforceRefusedRequest) as caught:
        sf.query("SELECT Id FROM Account")
    assert caught.value.content[0]["message"] == "TotalRequests Limit exceeded."
    org.outside.post("/_sim/clock", json={"advance_seconds": 86400})
    org.token = org.fetch_token()
    assert org.simple_salesforce().query("SELECT Id FROM Account")["totalSize"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/jobs/ingest", 501, "NOT_SIMULATED"),
        ("POST", "/composite/graph", 501, "NOT_SIMULATED"),
        ("GET", "/sobjects/Lead", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/nonsense", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/0015500001QdZPK", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/Name/x", 404, "NOT_FOUND"),
        ("PUT", "/sobjects/Account", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/query", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/query?q=" + "x" * 17000, 414, "URI_TOO_LONG"),
    ],
)
def test_what_does_not_exist_is_refused(
    org: Any, method: str, path: str, status: int, code: str
) -> None:
    """404 and 405 as at Salesforce; 501 for what only Salesforce has."""
    answer = org.http.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


def test_conditional_requests_and_other_media_types_are_refused(org: Any) -> None:
    """Ignoring If-Match would be looser than Salesforce."""
    account = org.create("Account", Name="A")
    conditional = org.http.patch(
        f"/sobjects/Account/{account}", json={"Name": "B"}, headers={"if-match": '"x"'}
    )
    assert conditional.status_code == 501
    text = org.http.post(
        "/sobjects/Account", content="Name=B", headers={"content-type": "text/plain"}
    )
    assert text.status_code == 415
    broken = org.http.post(
        "/sobjects/Account", content='{"Name": ', headers={"content-type": "application/json"}
    )
    assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


# ------------------------------------------------------------ faults


def test_each_fault_is_seen_by_simple_salesforce(org: Any) -> None:
    """Row lock, quota, expired session, outage: as the client's own exceptions."""
    sf = org.simple_salesforce()
    org.fault(kind="reject", code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
    with pytest.raises(SalesforceMalformedRequest) as locked:
        sf.Account.create({"Name": "A"})
    assert locked.value.content[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    org.fault(kind="rate_limit")
    with pytest.raises(SalesforceRefusedRequest) as limited:
        sf.Account.create({"Name": "A"})
    assert limited.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    org.fault(kind="auth")
    with pytest.raises(SalesforceExpiredSession):
        sf.Account.create({"Name": "A"})
    org.fault(kind="refuse")
    with pytest.raises(requests.ConnectionError):
        sf.Account.create({"Name": "A"})
    for kind, status, code in (
        ("server_error", 503, "SERVER_UNAVAILABLE"),
        ("server_error_after", 500, "UNKNOWN_EXCEPTION"),
    ):
        org.fault(kind=kind)
        answer = org.http.post("/sobjects/Account", json={"Name": kind})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    org.fault(kind="html")
    assert org.http.get("/limits").headers["content-type"] == "text/html"
    assert [one["Name"] for one in org.query("SELECT Name FROM Account")] == ["server_error_after"]


def test_a_lost_answer_leaves_the_row_and_an_upsert_repeats_safely(org: Any) -> None:
    """The effect is there; the same upsert finds it."""
    path = f"/sobjects/Account/{KEY}/C-1"
    org.fault(kind="lose_answer", method="PATCH", path="sobjects/Account")
    with pytest.raises(httpx.TransportError):
        org.http.patch(path, json={"Name": "A"})
    again = org.http.patch(path, json={"Name": "A"})
    assert (again.status_code, again.json()["created"]) == (200, False)


def test_a_late_effect_comes_after_the_retry(org: Any, until: Until) -> None:
    """The held write runs later; with an upsert and the same key there is still one row."""
    path = f"/sobjects/Account/{KEY}/C-1"
    org.fault(kind="late_effect", method="PATCH", delay=0.5)
    with pytest.raises(httpx.ReadTimeout):
        org.http.patch(path, json={"Name": "A"}, timeout=0.1)
    assert org.http.patch(path, json={"Name": "A"}).status_code == 201
    until(lambda: len(org.effects("^Account")) == 2)
    assert len(org.query("SELECT Id FROM Account")) == 1


def test_a_stale_read_shows_the_state_before_the_last_write(org: Any) -> None:
    """Then the present state again; what was made last is not there yet."""
    account = org.create("Account", Name="Old")
    org.http.patch(f"/sobjects/Account/{account}", json={"Name": "New"})
    org.fault(kind="stale_read", method="GET", path="/query")
    assert org.query("SELECT Name FROM Account")[0]["Name"] == "Old"
    assert org.query("SELECT Name FROM Account")[0]["Name"] == "New"
    second = org.create("Account", Name="Second")
    org.fault(kind="stale_read", method="GET")
    assert org.http.get(f"/sobjects/Account/{second}").status_code == 404
    assert org.read("Account", second)["Name"] == "Second"


def test_a_malformed_answer_is_cut_after_the_effect(org: Any) -> None:
    """The client cannot read the id; the row is there."""
    org.fault(kind="malformed", method="POST", path="sobjects")
    answer = org.http.post("/sobjects/Account", json={"Name": "A"})
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(org.query("SELECT Id FROM Account")) == 1


# ------------------------------------------------------------ webhooks and outbound messages


class Bridge:
    """Takes webhooks and outbound messages."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.envelopes: list[bytes] = []
        self.ack = "true"

    def app(self) -> Starlette:
        async def webhook(request: Request) -> Response:
            body = await request.body()
            Webhook(SECRET).verify(body, dict(request.headers))
            self.messages.append((request.headers["webhook-id"], json.loads(body)))
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

        async def soap(request: Request) -> Response:
            self.envelopes.append(await request.body())
            return Response(
                '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
                "<soapenv:Body><notificationsResponse"
                ' xmlns="http://soap.sforce.com/2005/09/outbound">'
                f"<Ack>{self.ack}</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>",
                media_type="text/xml",
            )

        return Starlette(
            routes=[
                Route("/webhooks/salesforce/{org}", webhook, methods=["POST"]),
                Route("/soap", soap, methods=["POST"]),
            ]
        )


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def wired(serve: Any, serve_org: Any, bridge: Bridge) -> Any:
    """An org that announces to the bridge, signing with two secrets."""
    return serve_org(
        webhook_url=f"{serve(bridge.app())}/webhooks/salesforce/{ORG_ID}",
        webhook_secrets=(OLD_SECRET, SECRET),
        webhook_back_off=(0.02,),
    )


def test_winning_a_deal_sends_one_signed_thin_webhook(
    wired: Any, bridge: Bridge, until: Until
) -> None:
    """Outbox row and webhook carry the same id; no names, no prices; saved again sends nothing."""
    deal = wired.opportunity(wired.create("Account", Name="Secretive"), Amount=5)
    path = f"/sobjects/Opportunity/{deal}"
    wired.http.patch(path, json={"StageName": "Closed Won"})
    outbox = "SELECT Dealthread_Event_Id__c, Dealthread_Delivered__c FROM Dealthread_Outbox__c"
    until(lambda: wired.query(outbox)[0]["Dealthread_Delivered__c"] is True)
    (row,) = wired.query(outbox)
    [(message_id, body)] = bridge.messages
    assert message_id == row["Dealthread_Event_Id__c"]
    assert set(body) == {"object", "recordId", "trigger", "systemModstamp", "sequence"}
    assert (body["object"], body["recordId"], body["trigger"]) == ("Opportunity", deal, "won")
    assert body["sequence"] == 1
    wired.http.patch(path, json={"Description": "still won"})
    wired.http.patch(path, json={"StageName": "Prospecting"})
    assert len(wired.query(outbox)) == 1
    wired.http.patch(path, json={"StageName": "Closed Won"})
    until(lambda: len(bridge.messages) == 2)
    assert bridge.messages[1][1]["sequence"] == 2


def test_a_webhook_not_accepted_is_sent_again_with_the_same_id(
    wired: Any, bridge: Bridge, until: Until
) -> None:
    """At least once."""
    bridge.statuses = [500, 429]
    deal = wired.opportunity(wired.create("Account", Name="A"))
    wired.http.patch(f"/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
    until(lambda: len(bridge.messages) == 3)
    assert len({message_id for message_id, _ in bridge.messages}) == 1


def test_a_deal_created_as_won_is_announced_too(wired: Any, bridge: Bridge, until: Until) -> None:
    """Data loaders do that."""
    wired.opportunity(wired.create("Account", Name="A"), StageName="Closed Won")
    until(lambda: len(bridge.messages) == 1)


def test_an_outbound_message_names_org_and_deals_and_waits_for_the_ack(
    serve: Any, org: Any, bridge: Bridge
) -> None:
    """One envelope for all ids, no session id; Ack false is told."""
    target = serve(bridge.app()) + "/soap"
    account = org.create("Account", Name="A")
    deals = [org.opportunity(account) for _ in range(2)]
    url = "/_sim/outbound-messages"
    first = org.outside.post(url, json={"url": target, "ids": deals}).json()
    assert first["acknowledged"] is True
    space = {
        "n": "http://soap.sforce.com/2005/09/outbound",
        "sf": "urn:sobject.enterprise.soap.sforce.com",
    }
    root = ElementTree.fromstring(bridge.envelopes[0])
    assert root.findtext(".//n:OrganizationId", namespaces=space) == ORG_ID
    assert root.findtext(".//n:SessionId", namespaces=space) == ""
    ids = [one.text for one in root.findall(".//n:Notification/n:Id", space)]
    assert ids == first["notification_ids"]
    assert all(str(one).startswith("04l") for one in ids)
    assert [one.text for one in root.findall(".//n:sObject/sf:Id", space)] == deals
    bridge.ack = "false"
    again = {"url": target, "ids": deals, "notification_ids": ids}
    assert org.outside.post(url, json=again).json()["acknowledged"] is False
    assert bridge.envelopes[1] == bridge.envelopes[0]
    assert org.outside.post(url, json={"url": target, "ids": ["x"]}).status_code == 400


# ------------------------------------------------------------ state and configuration


def test_a_restarted_org_keeps_its_rows_and_sends_what_was_not_delivered(
    tmp_path: Path, serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Rows, exact amounts and id sequences survive; the outbox is drained after the restart."""
    state = tmp_path / "org.sqlite"
    server = BackgroundServer(
        create_app(
            SalesforceConfig(
                org_id=ORG_ID, client_id="client", client_secret="secret", state_file=state
            )
        )
    )
    server.start()
    token = httpx.post(
        f"{server.url}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": "secret",
        },
    ).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    base = f"{server.url}/services/data/v66.0/sobjects"
    deal = {
        "Name": "Deal",
        "StageName": "Closed Won",
        "CloseDate": "2026-01-01",
        "Amount": 123456789012.34,
    }
    first = httpx.post(f"{base}/Opportunity", json=deal, headers=headers).json()["id"]
    server.stop()
    assert state.exists()
    org = serve_org(
        state_file=state,
        webhook_url=f"{serve(bridge.app())}/webhooks/salesforce/{ORG_ID}",
        webhook_secrets=(SECRET,),
    )
    until(lambda: len(bridge.messages) == 1)
    assert bridge.messages[0][1]["recordId"] == first
    assert org.read("Opportunity", first)["Amount"] == 123456789012.34
    account = org.create("Account", Name="A")
    assert org.opportunity(account) not in (first, account)


def test_reset_gives_a_new_org(org: Any) -> None:
    """Only the org itself, its user and the standard price book are left."""
    org.create("Account", Name="A")
    assert org.outside.post("/_sim/reset").status_code == 204
    org.http.headers["authorization"] = f"Bearer {org.fetch_token()}"
    assert org.query("SELECT Id FROM Account") == []
    assert org.query("SELECT Name FROM Pricebook2") != []
    (itself,) = org.query("SELECT Id FROM Organization")
    assert itself["Id"] == ORG_ID


@pytest.mark.parametrize(
    "change",
    [
        {"org_id": "00D5i0000000001"},
        {"org_id": "0015500001QdZPKAA3"},
        {"org_id": "00D5i0000000001EAB"},
        {"webhook_url": "http://127.0.0.1/x"},
        {"webhook_secrets": ("plain text",)},
        {"default_currency": "XXX"},
    ],
)
def test_a_configuration_no_org_could_have_is_refused(change: dict[str, Any]) -> None:
    """At the start, not at the first webhook."""
    good = {"org_id": ORG_ID, "client_id": "c", "client_secret": "s"}
    with pytest.raises(ValueError, match=r"."):
        SalesforceConfig(**{**good, **change})
