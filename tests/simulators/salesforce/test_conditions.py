"""Salesforce simulator: conditional requests.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest_conditional_requests.htm
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

import pytest

from dealthread.simulators.salesforce.values import parse_instant

NOBODYS = '"Jbjuzw7dbhaEG3fd90kJbx6A0ow="'
LONG_AGO = "Wed, 03 Jul 2013 19:43:31 GMT"
FAR_AWAY = "Fri, 03 Jul 2099 19:43:31 GMT"


def patch(org: Any, sobject: str, row: str, body: Any, **headers: str) -> Any:
    return org.http.patch(f"/sobjects/{sobject}/{row}", json=body, headers=_http(headers))


def get(org: Any, path: str, **headers: str) -> Any:
    return org.http.get(path, headers=_http(headers))


def _http(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def test_if_match_lets_only_the_first_of_two_writers_through(org: Any) -> None:
    """412 for the second, whose ETag is that of the row before."""
    account = org.create("Account", Name="A")
    tag = get(org, f"/sobjects/Account/{account}").headers["etag"]
    first = patch(org, "Account", account, {"Name": "First"}, if_match=f"{NOBODYS}, {tag}")
    second = patch(org, "Account", account, {"Name": "Second"}, if_match=tag)
    assert (first.status_code, second.status_code) == (204, 412)
    assert first.headers["etag"] == get(org, f"/sobjects/Account/{account}").headers["etag"] != tag
    assert org.read("Account", account)["Name"] == "First"


def test_if_none_match_spares_the_answer_of_an_unchanged_account(org: Any) -> None:
    """304 without a body on a read; 412 on a change."""
    account = org.create("Account", Name="A")
    path = f"/sobjects/Account/{account}"
    tag = get(org, path).headers["etag"]
    unchanged = get(org, path, if_none_match=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert get(org, path, if_none_match=NOBODYS).status_code == 200
    assert patch(org, "Account", account, {"Name": "B"}, if_none_match=tag).status_code == 412


def test_if_match_has_no_effect_on_other_objects(org: Any) -> None:
    """As documented of sObject Rows: a lost update is possible there."""
    deal = org.opportunity(org.create("Account", Name="A"))
    assert "etag" not in get(org, f"/sobjects/Opportunity/{deal}").headers
    assert patch(org, "Opportunity", deal, {"Name": "B"}, if_match=NOBODYS).status_code == 204


def test_a_row_older_than_the_date_is_not_sent_again(org: Any) -> None:
    """If-Modified-Since: 304 for the row's own time and later."""
    contact = org.create("Contact", LastName="A")
    path = f"/sobjects/Contact/{contact}"
    changed = parse_instant(org.read("Contact", contact)["LastModifiedDate"])
    own = format_datetime(changed, usegmt=True)
    assert get(org, path, if_modified_since=own).status_code == 304
    assert get(org, path, if_modified_since=LONG_AGO).status_code == 200


def test_a_row_newer_than_the_date_is_not_changed(org: Any) -> None:
    """If-Unmodified-Since: 412."""
    contact = org.create("Contact", LastName="A")
    late = patch(org, "Contact", contact, {"LastName": "B"}, if_unmodified_since=LONG_AGO)
    early = patch(org, "Contact", contact, {"LastName": "C"}, if_unmodified_since=FAR_AWAY)
    assert (late.status_code, early.status_code) == (412, 204)
    assert org.read("Contact", contact)["LastName"] == "C"


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Account/describe"])
def test_descriptions_know_dates_and_no_etags(org: Any, path: str) -> None:
    """304 when nothing changed since; ETags there are not documented."""
    unchanged = get(org, path, if_modified_since=FAR_AWAY)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert get(org, path, if_modified_since=LONG_AGO).status_code == 200
    assert get(org, path, if_none_match=NOBODYS).status_code == 501


def test_an_invalid_condition_on_a_change_is_a_bad_request(org: Any) -> None:
    """400 for If-Match and If-Unmodified-Since; nothing happens."""
    account = org.create("Account", Name="A")
    for headers in ({"if_match": "no-quotes"}, {"if_unmodified_since": "yesterday"}):
        assert patch(org, "Account", account, {"Name": "B"}, **headers).status_code == 400
    assert org.read("Account", account)["Name"] == "A"


def test_conditions_are_refused_where_they_are_not_documented(org: Any) -> None:
    """Deletion, creation, queries, external ids: 501 instead of ignoring them."""
    account = org.create("Account", Name="A")
    for method, path in (
        ("DELETE", f"/sobjects/Account/{account}"),
        ("POST", "/sobjects/Account"),
        ("GET", "/query?q=SELECT+Id+FROM+Account"),
        ("PATCH", "/sobjects/Account/Dealthread_Customer_Key__c/x"),
    ):
        body = None if method in ("GET", "DELETE") else {"Name": "x"}
        headers = {"if-match": NOBODYS}
        assert org.http.request(method, path, json=body, headers=headers).status_code == 501
    assert len(org.query("SELECT Id FROM Account")) == 1


def test_a_part_of_a_composite_has_conditions_of_its_own(org: Any) -> None:
    """A 412 in one part takes the others back when all or none is asked."""
    account = org.create("Account", Name="A")
    url = f"/services/data/v66.0/sobjects/Account/{account}"

    def part(reference: str, name: str, tag: str) -> dict[str, Any]:
        body, headers = {"Name": name}, {"If-Match": tag}
        return {
            "method": "PATCH",
            "url": url,
            "referenceId": reference,
            "body": body,
            "httpHeaders": headers,
        }

    body = {"allOrNone": True, "compositeRequest": [part("a", "B", "*"), part("b", "C", NOBODYS)]}
    shown = org.http.post("/composite", json=body).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in shown] == [400, 412]
    assert org.read("Account", account)["Name"] == "A"
