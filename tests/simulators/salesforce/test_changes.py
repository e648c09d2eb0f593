"""Salesforce simulator: what was updated or deleted in a span, and rows read by their ids."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

NOW = datetime.fromisoformat("2026-03-02T09:00:30+00:00")


@pytest.fixture
def frozen(org: Any) -> Any:
    """The org at a moment that the test moves."""
    set_clock(org, NOW)
    return org


def set_clock(org: Any, at: datetime) -> None:
    org.outside.post("/_sim/clock", json={"freeze": at.isoformat()}).raise_for_status()
    org.http.headers["authorization"] = f"Bearer {org.fetch_token()}"


def span(org: Any, kind: str, start: datetime, end: datetime, sobject: str = "Account") -> Any:
    query = {"start": start.isoformat(), "end": end.isoformat()}
    return org.http.get(f"/sobjects/{sobject}/{kind}/", params=query)


def test_a_span_tells_what_was_changed_and_what_was_deleted_in_it(frozen: Any) -> None:
    """By minutes; a deleted row is no updated one."""
    old = frozen.create("Account", Name="Old")
    set_clock(frozen, NOW + timedelta(minutes=10))
    new, gone = frozen.create("Account", Name="New"), frozen.create("Account", Name="Gone")
    frozen.http.delete(f"/sobjects/Account/{gone}")
    set_clock(frozen, NOW + timedelta(minutes=20))
    start, end = NOW + timedelta(minutes=5), NOW + timedelta(minutes=15)
    updated = span(frozen, "updated", start, end).json()
    assert updated == {"ids": [new], "latestDateCovered": "2026-03-02T09:15:00.000+0000"}
    deleted = span(frozen, "deleted", start, end).json()
    assert deleted["deletedRecords"] == [
        {"id": gone, "deletedDate": "2026-03-02T09:10:30.000+0000"}
    ]
    assert span(frozen, "updated", NOW, NOW + timedelta(minutes=10)).json()["ids"] == [old]


def test_a_span_into_the_future_is_covered_up_to_now(frozen: Any) -> None:
    """latestDateCovered is where the next span may begin."""
    body = span(frozen, "updated", NOW - timedelta(days=1), NOW + timedelta(days=1)).json()
    assert body["latestDateCovered"] == "2026-03-02T09:00:00.000+0000"


@pytest.mark.parametrize(("kind", "days"), [("updated", 30), ("deleted", 15)])
def test_spans_reach_back_so_far_and_no_further(frozen: Any, kind: str, days: int) -> None:
    """30 days of updates, 15 of deletions; INVALID_REPLICATION_DATE beyond and for empty spans."""
    allowed = span(frozen, kind, NOW - timedelta(days=days - 1), NOW)
    assert allowed.status_code == 200
    for start, end in (
        (NOW - timedelta(days=days, minutes=2), NOW),
        (NOW, NOW - timedelta(minutes=5)),
        (NOW, NOW + timedelta(seconds=10)),
    ):
        refused = span(frozen, kind, start, end)
        assert refused.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_rows_are_read_by_their_ids_with_null_for_those_that_are_not_there(org: Any) -> None:
    """As documented: as many answers as ids, in their order, by GET and by POST.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections_retrieve.htm
    """
    first, second = org.create("Account", Name="Acme"), org.create("Account", Name="Global Media")
    gone = org.create("Account", Name="Gone")
    org.http.delete(f"/sobjects/Account/{gone}")
    ids = [first, second, gone, "nonsense"]
    query = {"ids": ",".join(ids), "fields": "id,name"}
    by_get = org.http.get("/composite/sobjects/Account", params=query)
    by_post = org.http.post(
        "/composite/sobjects/Account", json={"ids": ids, "fields": ["id", "name"]}
    )
    assert by_get.json() == by_post.json()
    rows = by_get.json()
    assert [one and (one["Id"], one["Name"]) for one in rows] == [
        (first, "Acme"),
        (second, "Global Media"),
        None,
        None,
    ]
    wrong = org.http.get("/composite/sobjects/Account", params={**query, "fields": "Nothing__c"})
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
