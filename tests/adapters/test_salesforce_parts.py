"""The Salesforce adapter's parts without an org: queries, JSON, errors, records."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.salesforce import soql
from adapters.salesforce.errors import (
    DAILY_RETRY,
    VendorError,
    from_exception,
    parse_error,
    read_error,
    write_error,
)
from adapters.salesforce.read_deal import DEAL_FIELDS, LINE_FIELDS, DealRecords, parts
from adapters.salesforce.record import Record, records_of
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
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "crm.rejected"),
    (400, "REQUIRED_FIELD_MISSING", "crm.rejected"),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "crm.rejected"),
    (400, "STRING_TOO_LONG", "crm.rejected"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "crm.rejected"),
    (400, "ENTITY_IS_LOCKED", "crm.rejected"),
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
    (400, "SOMETHING_NEW", "crm.rejected"),
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


def test_a_refusal_of_the_accounts_part_is_a_case_of_customer_data() -> None:
    """Whoever owns the customer's record mends it; the contract's is the integration's."""
    for part, kind in {"account": "customer.sync_failed", "contract": "crm.rejected",
                       "deal": "crm.rejected"}.items():  # fmt: skip
        outcome = write_error(VendorError(400, "REQUIRED_FIELD_MISSING", reference=part))
        assert isinstance(outcome, Rejected)
        assert outcome.case_kind == kind


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


# ---------------------------------------------------------------- records

GOOD: dict[str, Any] = {
    **dict.fromkeys([*DEAL_FIELDS, "Account"]),
    "Id": "006000000000001AAA",
    "IsWon": True,
    "CurrencyIsoCode": "USD",
    "Dealthread_Term_End__c": "2026-12-31",
    "Dealthread_Term_Months__c": Decimal("12.0"),
    "Dealthread_Approved_Discount__c": Decimal("10.00"),
    "SystemModstamp": "2026-03-02T10:11:12.000+0000",
}
LINE: dict[str, Any] = {
    **dict.fromkeys(name for name in LINE_FIELDS if "." not in name),
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
