"""Salesforce simulator: what describes tell; the numbers are those of recorded answers.

`test_salesforce_recordings.py` compares everything where the recordings are at hand; this stays
where they are not.
"""

from __future__ import annotations

from typing import Any

import pytest

KEYS_OF_A_FIELD = 57
"""Of each field in the recorded describes of API versions 48 and later."""


def describe(org: Any, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    answer = org.http.get(f"/sobjects/{name}/describe").json()
    return answer, {one["name"]: one for one in answer["fields"]}


@pytest.mark.parametrize("name", ["Account", "Opportunity", "Dealthread_Outbox__c"])
def test_every_field_is_told_by_the_recorded_keys(org: Any, name: str) -> None:
    """Clients that read a describe by heart find what they know."""
    _, fields = describe(org, name)
    assert {len(one) for one in fields.values()} == {KEYS_OF_A_FIELD}


@pytest.mark.parametrize(
    ("name", "field", "told"),
    [
        ("Account", "Id", {"label": "Account ID", "byteLength": 18, "nillable": False}),
        ("Account", "Name", {"nameField": True, "extraTypeInfo": "switchablepersonname"}),
        ("Account", "Type", {"type": "picklist", "length": 40, "restrictedPicklist": False}),
        ("Account", "BillingCity", {"compoundFieldName": "BillingAddress", "byteLength": 120}),
        ("Account", "BillingAddress", {"queryByDistance": True, "createable": False}),
        ("Account", "NumberOfEmployees", {"type": "int", "digits": 8, "groupable": True}),
        ("Contact", "LastName", {"label": "Last Name", "permissionable": False}),
        ("Contact", "Email", {"idLookup": True, "length": 80, "unique": False}),
        ("Opportunity", "Amount", {"type": "currency", "precision": 18, "scale": 2}),
        ("Opportunity", "Probability", {"defaultedOnCreate": True, "groupable": False}),
        ("Opportunity", "IsWon", {"aggregatable": False, "updateable": False}),
        ("Opportunity", "Description", {"filterable": False, "sortable": False}),
    ],
)
def test_a_field_is_told_as_recorded(org: Any, name: str, field: str, told: dict[str, Any]) -> None:
    """From the describes of real orgs."""
    _, fields = describe(org, name)
    assert {key: fields[field][key] for key in told} == told


def test_children_say_what_a_deletion_does_to_them(org: Any) -> None:
    """(cascades, restricts) as recorded of Account."""
    account, _ = describe(org, "Account")
    found = {
        one["relationshipName"]: (one["cascadeDelete"], one["restrictedDelete"])
        for one in account["childRelationships"]
    }
    recorded = {
        "ChildAccounts": (False, False),
        "Contacts": (True, False),
        "Opportunities": (True, False),
        "Contracts": (True, True),
        "Orders": (True, True),
    }
    assert {name: found[name] for name in recorded} == recorded


def test_the_object_itself(org: Any) -> None:
    """Its plural, its master record type, and what the list of objects says of it."""
    deal, _ = describe(org, "Opportunity")
    assert (deal["labelPlural"], deal["undeletable"], deal["mergeable"]) == (
        "Opportunities",
        True,
        False,
    )
    assert deal["recordTypeInfos"][0]["recordTypeId"] == "012000000000000AAA"
    listed = {one["name"]: one for one in org.http.get("/sobjects").json()["sobjects"]}
    shared = listed["Opportunity"].keys()
    assert {key: deal[key] for key in shared} == listed["Opportunity"]
