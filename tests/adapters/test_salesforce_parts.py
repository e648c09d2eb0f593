"""The Salesforce adapter's parts without an org: queries, errors, session, token, records."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from adapters.http import NoMeter
from adapters.salesforce import soql
from adapters.salesforce.errors import (
    DAILY_RETRY,
    VendorError,
    connection_failed,
    from_exception,
    parse_error,
    read_error,
    write_error,
)
from adapters.salesforce.read_deal import DealRecords, parts
from adapters.salesforce.record import Record, records_of
from adapters.salesforce.session import GuardedSession, UsageMeter
from adapters.salesforce.settings import SalesforceSettings
from adapters.salesforce.token import TokenSource, mint_token
from adapters.salesforce.translate import to_deal
from adapters.salesforce.wire import encode
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    NotFound,
    RateLimited,
    VendorUnavailable,
)
from dealthread.outcome import Rejected, Unknown

ORG = "00D000000000001EAA"
SEEN = datetime(2026, 3, 15, tzinfo=UTC)


# ---------------------------------------------------------------- SOQL


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_a_literal_is_one_literal_whatever_it_holds(value: str) -> None:
    """T18: quotes, backslashes and newlines cannot end it."""
    text = soql.literal(value)
    body = text[1:-1]
    assert text[0] == text[-1] == "'"
    assert "\n" not in body
    unescaped, at = "", 0
    while at < len(body):
        assert body[at] != "'"
        if body[at] == "\\":
            unescaped += {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}.get(
                body[at + 1], body[at + 1]
            )
            at += 2
        else:
            unescaped += body[at]
            at += 1
    assert unescaped == value


def test_identifiers_and_operators_are_from_an_allow_list() -> None:
    """T18: no free text becomes part of a query."""
    with pytest.raises(ValueError, match="identifier"):
        soql.select(["Id FROM User"], "Account", [])
    with pytest.raises(ValueError, match="operator"):
        soql.select(["Id"], "Account", [("Id", "= '' OR", "''")])
    with pytest.raises(ValueError, match="reference"):
        soql.reference("deal.records[0].Id}' OR Id != '{")


def test_a_deal_costs_three_queries_of_one_request() -> None:
    """At most five queries go into a composite request; parents come by dotted fields."""
    request = parts("006000000000001AAA", "66.0")
    assert [part["referenceId"] for part in request] == ["deal", "lines", "contacts"]
    assert "Account.Parent.Parent.Parent.Parent.Name" in request[0]["url"].replace("%20", " ")
    assert "@{deal.records[0].AccountId}" in request[2]["url"]
    assert max(len(part["url"]) for part in request) < 12_000


# ---------------------------------------------------------------- JSON


def test_numbers_are_written_exactly_and_floats_are_refused() -> None:
    """SN-2: 0.1 arrives as 0.1."""
    body = {"a": Decimal("0.1"), "b": Decimal("1E+3"), "c": [date(2026, 1, 2), None, True, "é"]}
    assert encode(body) == '{"a":0.1,"b":1000,"c":["2026-01-02",null,true,"\\u00e9"]}'
    assert json.loads(encode(body), parse_float=Decimal)["a"] == Decimal("0.1")
    with pytest.raises(TypeError):
        encode({"a": 0.1})
    with pytest.raises(ValueError, match="finite"):
        encode(Decimal("NaN"))


# ---------------------------------------------------------------- errors

Expected = type[DealthreadError] | str

WRITES: list[tuple[int, str, Expected]] = [
    (400, "UNABLE_TO_LOCK_ROW", VendorUnavailable),
    (403, "REQUEST_LIMIT_EXCEEDED", RateLimited),
    (429, "", RateLimited),
    (401, "INVALID_SESSION_ID", AuthRejected),
    (403, "API_DISABLED_FOR_ORG", AuthRejected),
    (412, "", Conflict),
    (300, "", Conflict),
    (400, "DUPLICATE_VALUE", Conflict),
    (400, "DUPLICATES_DETECTED", "customer.duplicate"),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "customer.sync_failed"),
    (400, "REQUIRED_FIELD_MISSING", "customer.sync_failed"),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "customer.sync_failed"),
    (400, "STRING_TOO_LONG", "customer.sync_failed"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "customer.sync_failed"),
    (400, "ENTITY_IS_LOCKED", "customer.sync_failed"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "integration.credentials"),
    (404, "NOT_FOUND", "deal.reopened"),
    (404, "ENTITY_IS_DELETED", "deal.reopened"),
    (500, "UNKNOWN_EXCEPTION", "unknown"),
    (503, "SERVER_UNAVAILABLE", "unknown"),
    (502, "", "unknown"),
    (304, "", "unknown"),
    (400, "MALFORMED_QUERY", InvariantBroken),
    (400, "MALFORMED_ID", InvariantBroken),
    (400, "JSON_PARSER_ERROR", InvariantBroken),
    (400, "INVALID_FIELD", ContractDrift),
    (404, "INVALID_TYPE", ContractDrift),
    (410, "UNSUPPORTED_API_VERSION", ContractDrift),
    (400, "SOMETHING_NEW", "customer.sync_failed"),
]


@pytest.mark.parametrize(("status", "code", "expected"), WRITES)
def test_a_failed_write_is_classified_by_its_error_code(
    status: int, code: str, expected: Expected
) -> None:
    """The table of the port: raised only where the answer excludes an effect."""
    error = VendorError(status, code)
    if not isinstance(expected, str):
        with pytest.raises(expected):
            write_error(error)
        return
    outcome = write_error(error)
    if expected == "unknown":
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.case_kind == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "NOT_FOUND", NotFound),
        (400, "UNABLE_TO_LOCK_ROW", VendorUnavailable),
        (503, "", VendorUnavailable),
        (400, "UNKNOWN_EXCEPTION", VendorUnavailable),
        (400, "INVALID_FIELD", ContractDrift),
        (302, "", ContractDrift),
        (401, "", AuthRejected),
    ],
)
def test_a_failed_read_is_classified_too(
    status: int, code: str, expected: type[DealthreadError]
) -> None:
    """A read has no effect to doubt."""
    assert isinstance(read_error(VendorError(status, code)), expected)


def test_the_daily_limit_waits_for_the_quota_and_the_concurrent_one_does_not() -> None:
    """They share a code and differ in the message only."""
    daily = read_error(VendorError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    concurrent = read_error(
        VendorError(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
    )
    assert daily.retry_after == DAILY_RETRY
    assert concurrent.retry_after == timedelta(seconds=5)


@pytest.mark.parametrize("content", [b"<html>", "text", None, [], {}, [[]], [1], {"a": 1}])
def test_an_error_body_of_any_shape_is_read(content: Any) -> None:
    """Bodies are lists, dicts or text."""
    assert parse_error(503, content) == VendorError(503, "")
    assert parse_error(400, [{"errorCode": "X", "fields": ["A"]}]).fields == ("A",)


def test_the_librarys_exceptions_keep_what_is_needed() -> None:
    """Status, code and Retry-After survive."""
    from_library = type("E", (Exception,), {"status": 503, "content": [{"errorCode": "X"}]})()
    assert from_exception(from_library, "7").retry_after == timedelta(seconds=7)


# ---------------------------------------------------------------- session


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
        response = session.get(url.replace("http://", "https://") + "/services/data")
        assert response.status_code == 302
        assert (usage.used, usage.allowed) == (18, 5000)
        for foreign in ("https://evil.example/", "http://127.0.0.1:1/", "https://127.0.0.1/"):
            with pytest.raises(InvariantBroken):
                session.get(foreign)
        with pytest.raises(InvariantBroken):
            session.get(url, verify=False)


def test_never_sent_and_perhaps_arrived_are_told_apart(
    plain_server: tuple[str, type[_Handler]],
) -> None:
    """K1 against K2."""
    url, handler = plain_server
    handler.answer = lambda h: h.connection.close()
    with GuardedSession(url, UsageMeter()) as session:
        with pytest.raises(requests.RequestException) as cut:
            session.post(url, data=b"x")
        assert connection_failed(cut.value).sent
    nobody = "http://127.0.0.1:1"
    with GuardedSession(nobody, UsageMeter()) as session:
        with pytest.raises(requests.RequestException) as refused:
            session.get(nobody)
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


# ---------------------------------------------------------------- records

GOOD: dict[str, Any] = {
    "Id": "006000000000001AAA",
    "IsWon": True,
    "CurrencyIsoCode": "USD",
    "Dealthread_Term_End__c": "2026-12-31",
    "Dealthread_Term_Months__c": Decimal("12.0"),
    "Dealthread_Approved_Discount__c": Decimal("10.00"),
    "SystemModstamp": "2026-03-02T10:11:12.000+0000",
}
LINE: dict[str, Any] = {
    "Id": "00k000000000001AAA",
    "Quantity": Decimal("50.00"),
    "UnitPrice": Decimal("270.10"),
    "ProductCode": "SEAT-STD",
    "Dealthread_End__c": "2026-12-31",
    "PricebookEntry": {"IsActive": True, "CurrencyIsoCode": "EUR"},
}


def deal_of(changes: dict[str, Any], line: dict[str, Any] | None = None) -> Any:
    """Translate a good deal with changes."""
    lines = (Record({**LINE, **(line or {})}, "OpportunityLineItem"),)
    return to_deal(DealRecords(Record({**GOOD, **changes}, "Opportunity"), lines, ()), ORG, SEEN)


def test_ends_become_exclusive_and_numbers_plain() -> None:
    """Salesforce users enter the last day; 10.00 % and 10 % are one content."""
    deal = deal_of({})
    assert deal.end_date == date(2027, 1, 1)
    assert deal.lines[0].end_date == date(2027, 1, 1)
    assert deal.term_months == 12
    assert str(deal.approved_discount_percent) == "10"
    assert str(deal.lines[0].unit_price.amount) == "270.1"
    assert deal.price_book_currency == "EUR"
    assert deal.modified_at == datetime(2026, 3, 2, 10, 11, 12, tzinfo=UTC)
    assert deal.provenance.seen_at == SEEN


@pytest.mark.parametrize(
    ("changes", "line", "field"),
    [
        ({"Id": None}, {}, "Opportunity.Id"),
        ({"Id": "006000000000001AAB"}, {}, "Opportunity.Id"),
        ({"CurrencyIsoCode": "XXX"}, {}, "Opportunity.CurrencyIsoCode"),
        ({"CurrencyIsoCode": None}, {}, "Opportunity.CurrencyIsoCode"),
        ({"IsWon": "yes"}, {}, "Opportunity.IsWon"),
        ({"Dealthread_Term_End__c": "31.12.2026"}, {}, "Opportunity.Dealthread_Term_End__c"),
        (
            {"Dealthread_Term_Months__c": Decimal("1.5")},
            {},
            "Opportunity.Dealthread_Term_Months__c",
        ),
        ({"Dealthread_Term_Kind__c": "for ever"}, {}, "Opportunity.Dealthread_Term_Kind__c"),
        ({"SystemModstamp": "2026-03-02T10:11:12"}, {}, "Opportunity.SystemModstamp"),
        ({"Account": "001"}, {}, "Opportunity.Account"),
        ({}, {"Quantity": None}, "OpportunityLineItem.Quantity"),
        ({}, {"UnitPrice": 270.1}, "OpportunityLineItem.UnitPrice"),
        ({}, {"UnitPrice": "270.10"}, "OpportunityLineItem.UnitPrice"),
        ({}, {"UnitPrice": Decimal("0.1234567890123")}, "OpportunityLineItem.UnitPrice"),
        ({"Account": {"Id": "x"}}, {}, "Opportunity.Account.Id"),
    ],
)
def test_a_wrong_shape_names_its_field_and_shows_no_value(
    changes: dict[str, Any], line: dict[str, Any], field: str
) -> None:
    """ContractDrift, never a crash; a binary float is a wrong shape."""
    with pytest.raises(ContractDrift) as drift:
        deal_of(changes, line)
    assert drift.value.evidence == {"field": field}


@pytest.mark.parametrize(
    "body", [None, [], {}, {"records": None}, {"records": [1]}, {"records": [], "done": False}]
)
def test_a_query_answer_of_another_shape_is_drift(body: Any) -> None:
    """A second page is refused, too: lines are never dropped silently."""
    with pytest.raises(ContractDrift):
        records_of(body, "Opportunity")
