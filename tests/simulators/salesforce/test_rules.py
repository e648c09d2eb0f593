"""Salesforce simulator: validation rules, duplicate rules and row locks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dealthread.simulators.salesforce.rules.org_rules import (
    SEQUENCE_RULE,
    Check,
    CheckKind,
    DuplicateAction,
    DuplicateRule,
    OrgRules,
    ValidationRule,
    org_rules_of,
)

BLOCKED = DuplicateRule(
    "Accounts", "Account", ("Name", "Dealthread_Tax_Id__c"), matching_rule="Name_And_VAT"
)
ALERTED = DuplicateRule("Contacts", "Contact", ("Email",), action=DuplicateAction.ALERT)
INSIST = {"sforce-duplicate-rule-header": "allowSave=true; includeRecordDetails=true"}
TWIN = {"Name": "ACME", "Dealthread_Tax_Id__c": "de123456789"}


@pytest.fixture
def ruled(serve_org: Callable[..., Any]) -> Any:
    """An org that blocks twin accounts, warns of twin contacts and forbids cheap deals."""
    cheap = ValidationRule(
        "Cheap",
        "Won deals need an amount of 100 or more.",
        (Check("IsWon", CheckKind.EQUALS, True), Check("Amount", CheckKind.BELOW, "100")),
        object="Opportunity",
        field="Amount",
    )
    return serve_org(rules=OrgRules((SEQUENCE_RULE, cheap), (BLOCKED, ALERTED)))


def test_a_blocking_rule_tells_the_rows_it_found_in_the_recorded_shape(ruled: Any) -> None:
    """The keys and the misspelling are those recorded from orgs."""
    first = ruled.create("Account", Name="Acme", Dealthread_Tax_Id__c="DE123456789")
    answer = ruled.http.post("/sobjects/Account", json=TWIN, headers=INSIST)
    assert answer.status_code == 400
    (error,) = answer.json()
    assert set(error) == {"duplicateResut", "message", "errorCode"}
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    result = error["duplicateResut"]
    assert {name: result[name] for name in result if name != "matchResults"} == {
        "allowSave": False,
        "duplicateRule": "Accounts",
        "duplicateRuleEntityType": "Account",
        "errorMessage": "Use one of these records?",
    }
    (match,) = result["matchResults"]
    assert (match["rule"], match["size"], match["success"]) == ("Name_And_VAT", 1, True)
    assert match["matchRecords"][0]["record"]["Id"] == first
    assert match["matchRecords"][0]["record"]["Name"] == "Acme"
    ruled.create("Account", Name="Acme", Dealthread_Tax_Id__c="DE987654321")
    ruled.create("Account", Name="Acme")


def test_an_alerting_rule_gives_way_to_a_client_that_insists(ruled: Any) -> None:
    """allowSave=true saves the duplicate; without it only the found row's id is told."""
    first = ruled.create("Contact", LastName="One", Email="same@acme.example")
    body = {"LastName": "Two", "Email": "SAME@acme.example"}
    refused = ruled.http.post("/sobjects/Contact", json=body)
    (found,) = refused.json()[0]["duplicateResut"]["matchResults"][0]["matchRecords"]
    assert (refused.json()[0]["duplicateResut"]["allowSave"], found["record"]["Id"]) == (
        True,
        first,
    )
    assert set(found["record"]) == {"attributes", "Id"}
    assert ruled.http.post("/sobjects/Contact", json=body, headers=INSIST).status_code == 201
    assert len(ruled.query("SELECT Id FROM Contact")) == 2


def test_rules_apply_to_edits_of_their_fields_to_collections_and_composites(ruled: Any) -> None:
    """An edit that leaves the fields alone passes; a subrequest has a header of its own."""
    ruled.create("Contact", LastName="One", Email="same@acme.example")
    other = ruled.create("Contact", LastName="Two", Email="other@acme.example")
    path = f"/sobjects/Contact/{other}"
    twin = {"Email": "same@acme.example"}
    assert ruled.http.patch(path, json={"LastName": "Three"}).status_code == 204
    assert ruled.http.patch(path, json=twin).status_code == 400
    record = {"attributes": {"type": "Contact"}, "LastName": "Four", **twin}
    (result,) = ruled.http.post("/composite/sobjects", json={"records": [record]}).json()
    assert result["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
    part = {
        "method": "PATCH",
        "url": f"/services/data/v66.0{path}",
        "referenceId": "a",
        "body": twin,
        "httpHeaders": {"Sforce-Duplicate-Rule-Header": "allowSave=true"},
    }
    (shown,) = ruled.http.post("/composite", json={"compositeRequest": [part]}).json()[
        "compositeResponse"
    ]
    assert shown["httpStatusCode"] == 204


def test_an_unknown_header_value_is_refused(ruled: Any) -> None:
    """Not ignored."""
    headers = {"sforce-duplicate-rule-header": "allowSave=maybe"}
    answer = ruled.http.post("/sobjects/Contact", json={"LastName": "x"}, headers=headers)
    assert answer.status_code == 501


def test_a_validation_rule_strikes_when_all_its_checks_hold(ruled: Any) -> None:
    """Its message and field are the org's."""
    deal = ruled.opportunity(ruled.create("Account", Name="A"), Amount=99)
    answer = ruled.http.patch(f"/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
    assert answer.json() == [
        {
            "message": "Won deals need an amount of 100 or more.",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["Amount"],
        }
    ]
    won = {"StageName": "Closed Won", "Amount": 100}
    assert ruled.http.patch(f"/sobjects/Opportunity/{deal}", json=won).status_code == 204


def test_rules_are_read_from_json_beside_the_packages_own() -> None:
    """The form of DEALTHREAD_SIM_SF_RULES; what names nothing known is refused at the start."""
    given = org_rules_of(
        '{"validation": [{"name": "N", "message": "M", "object": "Account",'
        ' "checks": [{"field": "Phone", "kind": "blank"}]}],'
        ' "duplicate": [{"name": "D", "object": "Account", "fields": ["Name"], "action": "alert"}]}'
    )
    assert [one.name for one in given.validation] == ["Dealthread_Sync_Sequence", "N"]
    assert given.duplicate[0].action is DuplicateAction.ALERT
    assert org_rules_of("{}") == OrgRules()
    for wrong in ('{"validation": [{}]}', "[", '{"validation": [{"name": 1}]}'):
        with pytest.raises(ValueError, match=r"rules|Expecting"):
            org_rules_of(wrong)


def test_a_rule_on_a_field_that_does_not_exist_stops_the_org(
    serve_org: Callable[..., Any],
) -> None:
    """An administrator cannot save such a rule either."""
    wrong = DuplicateRule("D", "Account", ("Nothing__c",))
    with pytest.raises(ValueError, match="Nothing__c"):
        serve_org(rules=OrgRules(duplicate=(wrong,)))


def test_a_lock_on_one_row_of_a_collection_spoils_that_row_alone(org: Any) -> None:
    """UNABLE_TO_LOCK_ROW in the collection's shape; the same call succeeds the second time."""
    ids = [org.create("Account", Name=name) for name in ("A", "B")]
    records = [{"attributes": {"type": "Account"}, "Id": one, "Phone": "1"} for one in ids]
    org.fault(kind="reject", code="UNABLE_TO_LOCK_ROW", target="row", body=ids[1])
    first, second = org.http.patch("/composite/sobjects", json={"records": records}).json()
    assert (first["success"], second["success"]) == (True, False)
    assert second["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    again = org.http.patch("/composite/sobjects", json={"records": records}).json()
    assert [one["success"] for one in again] == [True, True]
