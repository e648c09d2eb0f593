"""Salesforce simulator: sessions, quota, faults, configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
)

from dealthread.simulators.salesforce.config import SalesforceConfig

Until = Callable[[Callable[[], bool]], None]

ORG_ID = "00D5i0000000001EAA"
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
        ("POST", "/composite/sobjects/tree", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Lead", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/nonsense", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/0015500001QdZPK", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/Name/x", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/0015500001QdZPK/Contacts", 501, "NOT_SIMULATED"),
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


def test_other_media_types_and_broken_bodies_are_refused(org: Any) -> None:
    """JSON only, and well-formed."""
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
    org.fault(kind="reject", code="UNABLE_TO_LOCK_ROW")
    with pytest.raises(SalesforceMalformedRequest) as locked:
        sf.Account.create({"Name": "A"})
    (error,) = locked.value.content
    assert (error["errorCode"], error["fields"]) == ("UNABLE_TO_LOCK_ROW", [])
    assert error["message"].startswith("unable to obtain exclusive access")
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


def test_a_stale_read_reaches_composite_reads_too(org: Any) -> None:
    """A composite of reads misses the last write; one that writes is not touched."""
    account = org.create("Account", Name="Old")
    url = f"/services/data/v66.0/sobjects/Account/{account}"
    org.http.patch(url.removeprefix("/services/data/v66.0"), json={"Name": "New"})
    read = {"method": "GET", "url": url, "referenceId": "a"}
    write = {"method": "PATCH", "url": url, "referenceId": "b", "body": {"Website": "x.example"}}

    def names(*parts: dict[str, Any]) -> str:
        answer = org.http.post("/composite", json={"compositeRequest": list(parts)}).json()
        return str(answer["compositeResponse"][0]["body"]["Name"])

    org.fault(kind="stale_read", times=2)
    assert names(read) == "Old"
    assert names(read, write) == "New"
    assert org.read("Account", account)["Website"] == "x.example"


def test_a_fault_at_the_token_endpoint_speaks_oauth(org: Any) -> None:
    """`error`, not `errorCode`."""
    org.fault(kind="auth", path="oauth2/token", code="invalid_client")
    answer = org.outside.post("/services/oauth2/token", data={})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_malformed_answer_is_cut_after_the_effect(org: Any) -> None:
    """The client cannot read the id; the row is there."""
    org.fault(kind="malformed", method="POST", path="sobjects")
    answer = org.http.post("/sobjects/Account", json={"Name": "A"})
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(org.query("SELECT Id FROM Account")) == 1


# ------------------------------------------------------------ configuration


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
