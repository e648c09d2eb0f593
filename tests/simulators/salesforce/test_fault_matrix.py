"""Each fault on each class of endpoint, as simple-salesforce meets it.

What the client must see is Salesforce's (its status and error codes) or the network's; whether the
effect happened is read from the org afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
)

from dealthread.simulators.kit.faults import FaultKind

KEY = "Dealthread_Customer_Key__c"
PATIENCE = 0.15
"""Seconds after which the client of a late effect gives up."""
Until = Callable[[Callable[[], bool]], None]
Call = Callable[[Salesforce, str], Any]


@dataclass(frozen=True)
class Endpoint:
    """A class of endpoint: which request, and whether it changes the account it is given."""

    method: str
    path: str
    call: Call
    is_write: bool = False


def _composite(sf: Salesforce, account: str) -> Any:
    part = {
        "method": "PATCH",
        "url": f"/services/data/v66.0/sobjects/Account/{account}",
        "referenceId": "one",
        "body": {"Name": "New"},
    }
    return sf.restful("composite", method="POST", json={"compositeRequest": [part]})


def _collection(sf: Salesforce, account: str) -> Any:
    row = {"attributes": {"type": "Account"}, "Id": account, "Name": "New"}
    return sf.restful("composite/sobjects", method="PATCH", json={"records": [row]})


def _tree(sf: Salesforce, account: str) -> Any:
    row = {"attributes": {"type": "Account", "referenceId": "one"}, "Name": "New"}
    return sf.restful("composite/tree/Account", method="POST", json={"records": [row]})


def _graph(sf: Salesforce, account: str) -> Any:
    part = {
        "method": "PATCH",
        "url": f"/services/data/v66.0/sobjects/Account/{account}",
        "referenceId": "one",
        "body": {"Name": "New"},
    }
    graphs = {"graphs": [{"graphId": "1", "compositeRequest": [part]}]}
    return sf.restful("composite/graph", method="POST", json=graphs)


def _batch(sf: Salesforce, account: str) -> Any:
    call = {
        "method": "PATCH",
        "url": f"v66.0/sobjects/Account/{account}",
        "richInput": {"Name": "New"},
    }
    return sf.restful("composite/batch", method="POST", json={"batchRequests": [call]})


def _changed(sf: Salesforce, account: str) -> Any:
    now = datetime.now(UTC)
    return sf.Account.updated(now - timedelta(days=1), now)


def _rows_by_id(sf: Salesforce, account: str) -> Any:
    return sf.restful("composite/sobjects/Account", params={"ids": account, "fields": "Name"})


def _composite_read(sf: Salesforce, account: str) -> Any:
    part = {
        "method": "GET",
        "url": f"/services/data/v66.0/sobjects/Account/{account}",
        "referenceId": "one",
    }
    return sf.restful("composite", method="POST", json={"compositeRequest": [part]})


ENDPOINTS = {
    "global describe": Endpoint("GET", r"/sobjects/?$", lambda sf, a: sf.describe()),
    "describe": Endpoint("GET", "/Account/describe$", lambda sf, a: sf.Account.describe()),
    "limits": Endpoint("GET", "/limits", lambda sf, a: sf.restful("limits")),
    "query": Endpoint("GET", r"/query/?\?", lambda sf, a: sf.query("SELECT Name FROM Account")),
    "query with deleted rows": Endpoint(
        "GET",
        r"/queryAll/?\?",
        lambda sf, a: sf.query("SELECT Name FROM Account", include_deleted=True),
    ),
    "changed rows": Endpoint("GET", "/Account/updated", _changed),
    "read a row": Endpoint("GET", "/sobjects/Account/001", lambda sf, a: sf.Account.get(a)),
    "read a row by key": Endpoint(
        "GET", f"/{KEY}/", lambda sf, a: sf.Account.get_by_custom_id(KEY, "C-0")
    ),
    "read rows": Endpoint("GET", "/composite/sobjects/Account", _rows_by_id),
    "read by composite": Endpoint("POST", "/composite$", _composite_read),
    "create": Endpoint(
        "POST", "/sobjects/Account/?$", lambda sf, a: sf.Account.create({"Name": "New"}), True
    ),
    "update": Endpoint(
        "PATCH", "/sobjects/Account/001", lambda sf, a: sf.Account.update(a, {"Name": "New"}), True
    ),
    "upsert": Endpoint(
        "PATCH", f"/{KEY}/", lambda sf, a: sf.Account.upsert(f"{KEY}/C-1", {"Name": "New"}), True
    ),
    "delete": Endpoint("DELETE", "/sobjects/Account/001", lambda sf, a: sf.Account.delete(a), True),
    "composite": Endpoint("POST", "/composite$", _composite, True),
    "collection": Endpoint("PATCH", "/composite/sobjects$", _collection, True),
    "tree": Endpoint("POST", "/composite/tree/Account$", _tree, True),
    "graph": Endpoint("POST", "/composite/graph$", _graph, True),
    "batch": Endpoint("POST", "/composite/batch$", _batch, True),
}
GIVES_A_STATUS_ONLY = {"update", "upsert", "delete"}
"""simple-salesforce reads no body there: half an answer with status 200 looks like success."""


@dataclass(frozen=True)
class Outcome:
    """What the client sees, and whether the effect happened."""

    error: type[Exception]
    status: int | None
    code: str | None
    happens: bool


OUTCOMES: dict[str, tuple[dict[str, Any], Outcome]] = {
    "refuse": ({}, Outcome(requests.ConnectionError, None, None, False)),
    "lose_answer": ({}, Outcome(requests.ConnectionError, None, None, True)),
    "concurrent limit": (
        {"kind": "rate_limit"},
        Outcome(SalesforceRefusedRequest, 403, "REQUEST_LIMIT_EXCEEDED", False),
    ),
    "daily limit": (
        {"kind": "rate_limit", "message": "TotalRequests Limit exceeded."},
        Outcome(SalesforceRefusedRequest, 403, "REQUEST_LIMIT_EXCEEDED", False),
    ),
    "server_error": ({}, Outcome(SalesforceGeneralError, 503, "SERVER_UNAVAILABLE", False)),
    "server_error_after": ({}, Outcome(SalesforceGeneralError, 500, "UNKNOWN_EXCEPTION", True)),
    "row lock": (
        {"kind": "reject", "code": "UNABLE_TO_LOCK_ROW"},
        Outcome(SalesforceMalformedRequest, 400, "UNABLE_TO_LOCK_ROW", False),
    ),
    "reject": (
        {},
        Outcome(SalesforceMalformedRequest, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", False),
    ),
    "auth": ({}, Outcome(SalesforceExpiredSession, 401, "INVALID_SESSION_ID", False)),
    "html": ({}, Outcome(SalesforceGeneralError, 502, None, False)),
}


@pytest.mark.parametrize("fault", list(OUTCOMES))
@pytest.mark.parametrize("name", list(ENDPOINTS))
def test_a_fault_at_an_endpoint(org: Any, name: str, fault: str) -> None:
    """The client's error with its status and code; the effect exactly as the fault says."""
    endpoint = ENDPOINTS[name]
    spec, expected = OUTCOMES[fault]
    account, sf = _account(org), org.simple_salesforce()
    org.fault(**{"kind": fault, **spec}, method=endpoint.method, path=endpoint.path)
    with pytest.raises(expected.error) as failure:
        endpoint.call(sf, account)
    problem = failure.value
    if isinstance(problem, SalesforceError):
        assert problem.status == expected.status
        if expected.code is not None:
            (told,) = problem.content
            assert told["errorCode"] == expected.code
    assert _hits(org) == 1
    assert _has_happened(org) == (expected.happens and endpoint.is_write)


@pytest.mark.parametrize("name", list(ENDPOINTS))
def test_half_an_answer_at_an_endpoint(org: Any, name: str) -> None:
    """The effect is there, the client cannot know."""
    endpoint = ENDPOINTS[name]
    account, sf = _account(org), org.simple_salesforce()
    org.fault(kind="malformed", method=endpoint.method, path=endpoint.path)
    if name in GIVES_A_STATUS_ONLY:
        assert endpoint.call(sf, account) == 200
    else:
        with pytest.raises(json.JSONDecodeError):
            endpoint.call(sf, account)
    assert _hits(org) == 1
    assert _has_happened(org) == endpoint.is_write


@pytest.mark.parametrize("name", list(ENDPOINTS))
def test_a_slow_answer_at_an_endpoint_is_an_answer(org: Any, name: str) -> None:
    """Inside the client's patience nothing is wrong."""
    endpoint = ENDPOINTS[name]
    account, sf = _account(org), org.simple_salesforce()
    org.fault(kind="slow", method=endpoint.method, path=endpoint.path, delay=0.05)
    endpoint.call(sf, account)
    assert _hits(org) == 1
    assert _has_happened(org) == endpoint.is_write


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if ENDPOINTS[name].is_write])
def test_a_late_effect_at_an_endpoint_is_a_time_out_first(
    org: Any, until: Until, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has given up; the effect comes all the same."""
    endpoint = ENDPOINTS[name]
    account, sf = _account(org), org.simple_salesforce()
    send = requests.Session.send

    def impatient(*args: Any, **kwargs: Any) -> Any:
        return send(*args, **{**kwargs, "timeout": PATIENCE})

    org.fault(kind="late_effect", method=endpoint.method, path=endpoint.path, delay=2 * PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "send", impatient)
        with pytest.raises(requests.ReadTimeout):
            endpoint.call(sf, account)
    assert not _has_happened(org)
    until(lambda: _has_happened(org))


# What an endpoint that reads rows tells of the account's name.
NAMES: dict[str, Callable[[Any], str]] = {
    "query": lambda told: told["records"][0]["Name"],
    "query with deleted rows": lambda told: told["records"][0]["Name"],
    "read a row": lambda told: told["Name"],
    "read a row by key": lambda told: told["Name"],
    "read rows": lambda told: told[0]["Name"],
    "read by composite": lambda told: told["compositeResponse"][0]["body"]["Name"],
}


@pytest.mark.parametrize("name", list(NAMES))
def test_a_stale_read_at_an_endpoint_misses_the_last_write(org: Any, name: str) -> None:
    """Once; what is asked again has arrived."""
    endpoint = ENDPOINTS[name]
    account, sf = _account(org), org.simple_salesforce()
    sf.Account.update(account, {"Name": "New"})
    org.fault(kind="stale_read", method=endpoint.method, path=endpoint.path)
    assert NAMES[name](endpoint.call(sf, account)) == "Old"
    assert NAMES[name](endpoint.call(sf, account)) == "New"


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if ENDPOINTS[name].is_write])
def test_a_stale_read_leaves_writes_alone(org: Any, name: str) -> None:
    """Only what is read lags behind."""
    endpoint = ENDPOINTS[name]
    account, sf = _account(org), org.simple_salesforce()
    org.fault(kind="stale_read", method=endpoint.method, path=endpoint.path)
    endpoint.call(sf, account)
    assert _has_happened(org)


def test_every_kind_of_fault_stands_in_the_matrix() -> None:
    """A kind that is added to the switch must be told here."""
    apart = {"malformed", "slow", "late_effect", "stale_read"}
    told = {spec.get("kind", name) for name, (spec, _) in OUTCOMES.items()}
    assert told | apart == set(FaultKind)


def _account(org: Any) -> str:
    account: str = org.create("Account", Name="Old", **{KEY: "C-0"})
    return account


def _has_happened(org: Any) -> bool:
    """Whether the account was renamed, deleted, or another was made."""
    return [row["Name"] for row in org.query("SELECT Name FROM Account")] != ["Old"]


def _hits(org: Any) -> int:
    (armed,) = org.outside.get("/_sim/faults").json()["faults"]
    hits: int = armed["hits"]
    return hits
