"""Salesforce simulator: `/composite/tree`."""

from __future__ import annotations

from typing import Any

# The documented request: an account with two contacts, and another account.
# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/requests_composite_sobject_tree.htm
# Its answer lists ref1, ref4, ref2, ref3: level by level.


def node(sobject: str, reference: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject, "referenceId": reference}, **fields}


def documented(email: str = "sample@example.com") -> list[dict[str, Any]]:
    contacts = [
        node("Contact", "ref2", lastname="Smith", title="President", email=email),
        node("Contact", "ref3", lastname="Evans", title="Vice President"),
    ]
    return [
        node("Account", "ref1", name="SampleAccount", Contacts={"records": contacts}),
        node("Account", "ref4", name="SampleAccount2"),
    ]


def plant(org: Any, records: Any, root: str = "Account") -> tuple[int, Any]:
    answer = org.http.post(f"/composite/tree/{root}", json={"records": records})
    return answer.status_code, answer.json()


def test_a_tree_is_created_level_by_level(org: Any) -> None:
    """201; results in the documented order, each row under its parent."""
    status, body = plant(org, documented())
    assert (status, body["hasErrors"]) == (201, False)
    assert [one["referenceId"] for one in body["results"]] == ["ref1", "ref4", "ref2", "ref3"]
    ids = {one["referenceId"]: one["id"] for one in body["results"]}
    assert org.read("Contact", ids["ref2"])["AccountId"] == ids["ref1"]
    rows = org.query("SELECT LastName FROM Contact WHERE Account.Name = 'SampleAccount'")
    assert [one["LastName"] for one in rows] == ["Smith", "Evans"]


def test_one_bad_row_prevents_all_and_is_told_alone(org: Any) -> None:
    """The documented failure: 400, only ref2, with statusCode, message and fields."""
    status, body = plant(org, documented(email="123"))
    assert (status, body["hasErrors"]) == (400, True)
    (result,) = body["results"]
    assert result["referenceId"] == "ref2"
    (error,) = result["errors"]
    assert (error["statusCode"], error["fields"]) == ("INVALID_EMAIL_ADDRESS", ["Email"])
    assert error["message"] == "Email: invalid email address: 123"
    assert org.query("SELECT Id FROM Account") == []


def test_each_instance_of_a_reference_used_twice_is_told(org: Any) -> None:
    """And nothing is created."""
    records = [node("Account", "a", Name="One"), node("Account", "a", Name="Two")]
    status, body = plant(org, records)
    assert (status, [one["referenceId"] for one in body["results"]]) == (400, ["a", "a"])
    assert org.query("SELECT Id FROM Account") == []


def test_limits_and_types_are_kept(org: Any) -> None:
    """200 rows, five levels, the root's type, a reference id each."""
    many = [node("Account", f"r{number}", Name="x") for number in range(201)]
    assert plant(org, many)[0] == 400
    assert plant(org, many[:200])[0] == 201
    deep = node("Account", "n6", Name="6")
    for level in range(5, 0, -1):
        children = {"ChildAccounts": {"records": [deep]}}
        deep = node("Account", f"n{level}", Name=str(level), **children)
    assert plant(org, [deep])[0] == 400
    assert plant(org, deep["ChildAccounts"]["records"])[0] == 201
    assert plant(org, [node("Contact", "c", LastName="x")])[0] == 400
    nameless = [{"attributes": {"type": "Account"}, "Name": "x"}]
    assert plant(org, nameless)[0] == 400
