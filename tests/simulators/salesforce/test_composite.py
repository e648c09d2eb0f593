"""Salesforce simulator: composite requests and collections."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/services/data/v66.0"
KEY = "Dealthread_Contract_Key__c"


def part(method: str, path: str, reference_id: str, body: Any = None) -> dict[str, Any]:
    """One subrequest."""
    shape = {"method": method, "url": BASE + path, "referenceId": reference_id}
    return shape if body is None else {**shape, "body": body}


def composite(org: Any, *parts: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    """The subrequests' answers, asked for through simple-salesforce."""
    body = {"allOrNone": all_or_none, "compositeRequest": list(parts)}
    answer = org.simple_salesforce().restful("composite", method="POST", json=body)
    answers: list[dict[str, Any]] = answer["compositeResponse"]
    return answers


def test_a_deal_is_read_in_one_call_by_references(org: Any) -> None:
    """A later query uses ids that earlier answers gave, through records[0] and relationships."""
    root = org.create("Account", Name="Root")
    account = org.create("Account", Name="Leaf", ParentId=root)
    org.create("Contact", AccountId=account, LastName="Kim")
    deal = org.opportunity(account)
    answers = composite(
        org,
        part("GET", f"/query?q=SELECT Id, AccountId FROM Opportunity WHERE Id = '{deal}'", "q1"),  # noqa: S608
        part("GET", "/sobjects/Account/@{q1.records[0].AccountId}?fields=Name,ParentId", "account"),
        part("GET", "/sobjects/Account/@{account.ParentId}", "root"),
        part(
            "GET",
            "/query?q=SELECT+LastName+FROM+Contact+WHERE+AccountId='@{q1.records[0].AccountId}'",
            "contacts",
        ),
    )
    assert [one["httpStatusCode"] for one in answers] == [200] * 4
    assert [one["referenceId"] for one in answers] == ["q1", "account", "root", "contacts"]
    assert answers[2]["body"]["Name"] == "Root"
    assert answers[3]["body"]["records"][0]["LastName"] == "Kim"


def test_all_or_none_takes_back_what_was_done(org: Any) -> None:
    """The failing part keeps its error, the others say PROCESSING_HALTED, no row is left."""
    account = org.create("Account", Name="A")
    deal = org.opportunity(account)
    before = org.read("Opportunity", deal)
    answers = composite(
        org,
        part("PATCH", f"/sobjects/Contract/{KEY}/K-1", "contract", {"AccountId": account}),
        part("PATCH", f"/sobjects/Opportunity/{deal}", "won", {"StageName": "Closed Won"}),
        part("PATCH", f"/sobjects/Opportunity/{deal}", "bad", {"StageName": "Nonsense"}),
        part("GET", f"/sobjects/Opportunity/{deal}", "after"),
        all_or_none=True,
    )
    assert [one["httpStatusCode"] for one in answers] == [400] * 4
    codes = [one["body"][0]["errorCode"] for one in answers]
    assert codes == [
        "PROCESSING_HALTED",
        "PROCESSING_HALTED",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "PROCESSING_HALTED",
    ]
    assert org.read("Opportunity", deal) == before
    assert org.query("SELECT Id FROM Contract") == []
    assert org.query("SELECT Id FROM Dealthread_Outbox__c") == []
    assert [one["kind"] for one in org.effects()] == ["Account.created", "Opportunity.created"]


def test_without_all_or_none_every_part_stands_alone(org: Any) -> None:
    """A part that refers to a failed one fails too; the others stay."""
    answers = composite(
        org,
        part("POST", "/sobjects/Account", "good", {"Name": "Good"}),
        part("POST", "/sobjects/Account", "bad", {}),
        part("PATCH", "/sobjects/Account/@{bad.id}", "next", {"Name": "x"}),
        part("POST", "/sobjects/Contact", "child", {"LastName": "K", "AccountId": "@{good.id}"}),
    )
    assert [one["httpStatusCode"] for one in answers] == [201, 400, 400, 201]
    assert answers[0]["httpHeaders"]["Location"].endswith(answers[0]["body"]["id"])
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    (contact,) = org.query("SELECT Account.Name FROM Contact")
    assert contact["Account"]["Name"] == "Good"


def test_a_composite_write_back_is_one_call_and_one_transaction(org: Any) -> None:
    """Upsert the contract and set the deal's status; it counts as one API call."""
    account = org.create("Account", Name="A")
    deal = org.opportunity(account)
    used = org.http.get("/limits")
    remaining = used.json()["DailyApiRequests"]["Remaining"]
    contract = {"AccountId": account, "Dealthread_TCV__c": 1200.10, "Dealthread_Sync_Seq__c": 1}
    answers = composite(
        org,
        part("PATCH", f"/sobjects/Contract/{KEY}/K-1", "contract", contract),
        part(
            "PATCH", f"/sobjects/Opportunity/{deal}", "status", {"Dealthread_Status__c": "active"}
        ),
        all_or_none=True,
    )
    assert [one["httpStatusCode"] for one in answers] == [201, 204]
    assert answers[1]["body"] is None
    assert org.read("Contract", answers[0]["body"]["id"])["Dealthread_TCV__c"] == 1200.1
    # The composite call, the read of the contract, and this look at the limits.
    assert org.http.get("/limits").json()["DailyApiRequests"]["Remaining"] == remaining - 3


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part("GET", "/limits", f"r{n}") for n in range(26)], "LIMIT_EXCEEDED"),
        (
            [part("GET", "/query?q=SELECT Id FROM Account", f"r{n}") for n in range(6)],
            "LIMIT_EXCEEDED",
        ),
        ([part("GET", "/limits", "same"), part("GET", "/limits", "same")], "INVALID_INPUT"),
        ([part("PUT", "/limits", "a")], "INVALID_INPUT"),
        ([part("GET", "/limits", "not allowed")], "INVALID_INPUT"),
        ([], "JSON_PARSER_ERROR"),
        ([{**part("GET", "/limits", "a"), "extra": 1}], "JSON_PARSER_ERROR"),
    ],
)
def test_a_composite_request_outside_the_limits_is_refused_as_a_whole(
    org: Any, parts: list[dict[str, Any]], code: str
) -> None:
    """25 parts, 5 queries, distinct names, known methods."""
    answer = org.http.post("/composite", json={"compositeRequest": parts})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_fault_can_strike_one_part(org: Any) -> None:
    """A row lock inside a composite: the part fails with UNABLE_TO_LOCK_ROW, all is undone."""
    org.fault(
        kind="reject",
        target="subrequest",
        path="Contract",
        code="UNABLE_TO_LOCK_ROW",
        message="unable to obtain exclusive access to this record",
    )
    parts = [
        part("POST", "/sobjects/Account", "account", {"Name": "A"}),
        part("POST", "/sobjects/Contract", "contract", {"AccountId": "@{account.id}"}),
    ]
    answers = composite(org, *parts, all_or_none=True)
    assert answers[1]["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert org.query("SELECT Id FROM Account") == []
    answers = composite(org, *parts, all_or_none=True)
    assert [one["httpStatusCode"] for one in answers] == [201, 201]


def test_collections_answer_for_each_row(org: Any) -> None:
    """Partial success, or all rolled back with allOrNone; the error key is statusCode there."""
    records = [
        {"attributes": {"type": "Account"}, "Name": "A", "Dealthread_Customer_Key__c": "1"},
        {"attributes": {"type": "Account"}},
    ]
    body = {"records": records, "allOrNone": True}
    strict = org.http.post("/composite/sobjects", json=body).json()
    assert [one["errors"][0]["statusCode"] for one in strict] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert org.query("SELECT Id FROM Account") == []
    partial = org.http.post("/composite/sobjects", json={"records": records}).json()
    assert [one["success"] for one in partial] == [True, False]
    upserted = org.http.patch(
        "/composite/sobjects/Account/Dealthread_Customer_Key__c",
        json={
            "records": [
                {"attributes": {"type": "Account"}, "Name": name, "Dealthread_Customer_Key__c": key}
                for name, key in (("A2", "1"), ("B", "2"))
            ]
        },
    ).json()
    assert [one["created"] for one in upserted] == [False, True]
    assert upserted[0]["id"] == partial[0]["id"]
    ids = ",".join(one["id"] for one in upserted)
    gone = org.http.delete(f"/composite/sobjects?ids={ids}&allOrNone=true").json()
    assert [one["success"] for one in gone] == [True, True]
