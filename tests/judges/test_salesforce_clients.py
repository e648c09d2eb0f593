"""jsforce and simple-salesforce, both unmodified, see the same Salesforce."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from starlette.types import ASGIApp

from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.rules.org_rules import (
    DuplicateAction,
    DuplicateRule,
    OrgRules,
)
from tests.judges.conftest import NodeRunner
from tests.judges.salesforce_scenario import KEY, observe

pytestmark = pytest.mark.judges

ORG_ID = "00D5i0000000001EAA"
NOW = "2026-03-02T09:00:00+00:00"
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Serve = Callable[[ASGIApp], str]


class _PlainHttp(HTTPAdapter):
    """simple-salesforce addresses https:// only; the simulator here speaks plain HTTP."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        request.url = urlunsplit(urlsplit(str(request.url))._replace(scheme="http"))
        return super().send(request, *args, **kwargs)


class Place:
    """A fresh org whose clock stands still, and a session in it."""

    def __init__(self, serve: Serve, **settings: Any) -> None:
        config = SalesforceConfig(
            org_id=ORG_ID, client_id="client", client_secret="secret", **settings
        )
        self.url = serve(create_app(config))
        with httpx.Client(base_url=self.url, verify=_NO_CERTIFICATES, trust_env=False) as control:
            control.post("/_sim/clock", json={"freeze": NOW}).raise_for_status()
            form = {"grant_type": "client_credentials", "client_id": "client"}
            answer = control.post("/services/oauth2/token", data=form | {"client_secret": "secret"})
            self.token = str(answer.raise_for_status().json()["access_token"])

    @property
    def for_node(self) -> dict[str, str]:
        return {"url": self.url, "token": self.token}

    def simple_salesforce(self, stack: ExitStack, token: str | None = None) -> Salesforce:
        session = stack.enter_context(requests.Session())
        session.mount("https://", _PlainHttp())
        session.trust_env = False
        return Salesforce(
            instance_url=f"https://{urlsplit(self.url).netloc}",
            session_id=token or self.token,
            session=session,
            version="66.0",
        )


@pytest.fixture
def places(serve: Serve) -> Callable[[], tuple[Place, Place]]:
    """`places()` gives an org with short pages and one with two requests a day."""

    def make() -> tuple[Place, Place]:
        warned = DuplicateRule("Websites", "Account", ("Website",), action=DuplicateAction.ALERT)
        org = Place(serve, query_page_size=3, rules=OrgRules(duplicate=(warned,)))
        return org, Place(serve, daily_request_limit=2)

    return make


@pytest.fixture
def by_simple_salesforce(places: Callable[[], tuple[Place, Place]]) -> dict[str, Any]:
    """What simple-salesforce sees."""
    org, small = places()
    with ExitStack() as stack:
        return observe(
            org.simple_salesforce(stack),
            small.simple_salesforce(stack),
            org.simple_salesforce(stack, "00D5i0000000001!wrong"),
        )


def test_both_clients_see_the_same(
    node: NodeRunner,
    places: Callable[[], tuple[Place, Place]],
    by_simple_salesforce: dict[str, Any],
    capsys: Any,
) -> None:
    """Each step of the scenario, whole answers: ids, timestamps, quota used, messages."""
    org, small = places()
    seen = node("salesforce_scenario.cjs", {"org": org.for_node, "small": small.for_node})
    assert list(seen) == list(by_simple_salesforce)
    for step, answer in seen.items():
        assert answer == by_simple_salesforce[step], step
    with capsys.disabled():
        print(f"\njsforce and simple-salesforce agree on {len(seen)} steps")


def test_what_they_see_is_what_salesforce_documents(by_simple_salesforce: dict[str, Any]) -> None:
    """The facts both clients were held to, said by themselves."""
    seen = by_simple_salesforce
    assert seen["created"] == {"id": seen["read"]["Id"], "success": True, "errors": []}
    assert seen["read"]["attributes"]["type"] == "Account"
    assert (seen["renamed"]["Name"], seen["renamed"]["BillingCountry"]) == ("Harborline LLC", "US")
    assert [seen[step]["created"] for step in ("upsertedNew", "upsertedOld")] == [True, False]
    assert seen["upsertedNew"]["id"] == seen["upsertedOld"]["id"]
    assert (seen["upserted"][KEY], seen["upserted"]["BillingCountry"]) == ("K-2", "DE")
    codes = {step: answer["code"] for step, answer in seen.items() if "code" in answer}
    assert codes == {
        "deleted": "ENTITY_IS_DELETED",
        "conflict": "DUPLICATE_VALUE",
        "missing": "REQUIRED_FIELD_MISSING",
        "unknownField": "INVALID_FIELD",
        "tooLong": "STRING_TOO_LONG",
        "picklist": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "wrongType": "JSON_PARSER_ERROR",
        "readOnly": "INVALID_FIELD_FOR_INSERT_UPDATE",
        "noSuchRow": "NOT_FOUND",
        "noSuchObject": "NOT_FOUND",
        "badId": "NOT_FOUND",
        "noParent": "INVALID_CROSS_REFERENCE_KEY",
        "several": "300",
        "badSession": "INVALID_SESSION_ID",
        "malformed": "MALFORMED_QUERY",
        "noColumn": "INVALID_FIELD",
        "noObject": "INVALID_TYPE",
        "badLocator": "INVALID_QUERY_LOCATOR",
        "stale": "PRECONDITION_FAILED",
        "duplicate": "DUPLICATES_DETECTED",
        "late": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "quota": "REQUEST_LIMIT_EXCEEDED",
    }
    assert len(seen["several"]["data"]) == 2


def test_collections_and_composites_answer_each_part(by_simple_salesforce: dict[str, Any]) -> None:
    """One bad row spoils itself alone, or all when all or none is asked for."""
    seen = by_simple_salesforce
    success = {
        step: [one["success"] for one in seen[step]] for step in seen if step.startswith("some")
    }
    assert success == {
        "someCreated": [True, False, True],
        "someUpserted": [True, True, False],
        "someUpdated": [True, False],
        "someDeleted": [True, False],
    }
    statuses = [one["errors"][0]["statusCode"] for one in seen["noneCreated"]]
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert statuses == [rolled_back, "DUPLICATE_VALUE", rolled_back]
    refused, done = (
        [one["httpStatusCode"] for one in seen[step]["compositeResponse"]]
        for step in ("compositeRefused", "compositeDone")
    )
    assert (refused, done) == ([400, 400, 400], [201, 201, 200])
    assert seen["compositeDone"]["compositeResponse"][2]["body"]["Amount"] == 120.5


def test_conflicts_are_told_and_a_client_may_insist(by_simple_salesforce: dict[str, Any]) -> None:
    """The duplicate found is named; allowSave makes the twin."""
    seen = by_simple_salesforce
    (error,) = seen["duplicate"]["data"]
    (match,) = error["duplicateResut"]["matchResults"]
    assert match["matchRecords"][0]["record"]["Id"] != seen["insisted"]["id"]
    assert seen["insisted"]["success"] is True


def test_trees_graphs_and_batches_answer_each_row(by_simple_salesforce: dict[str, Any]) -> None:
    """Created as a whole, refused as a whole, per graph, and each for itself in a batch."""
    seen = by_simple_salesforce
    assert [one["referenceId"] for one in seen["tree"]["results"]] == ["root", "child"]
    (failure,) = seen["treeRefused"]["results"]
    assert (seen["treeRefused"]["hasErrors"], failure["referenceId"]) == (True, "child")
    outcome = {one["graphId"]: one["isSuccessful"] for one in seen["graphs"]["graphs"]}
    assert outcome == {"good": True, "bad": False}
    assert [one["statusCode"] for one in seen["batch"]["results"]] == [201, 404]
    assert seen["tree"]["results"][1]["id"] in seen["changed"]["ids"]
    assert len(seen["gone"]["deletedRecords"]) == 2


def test_groups_are_filtered_and_fields_selected_by_kind(
    by_simple_salesforce: dict[str, Any],
) -> None:
    """The only stage with several deals; every field described; deals that close this year."""
    seen = by_simple_salesforce
    (stage,) = seen["having"]["records"]
    assert (stage["stage"], stage["mean"]) == ("Prospecting", (120.5 + 10) / 2)
    assert stage["expr0"] == "2027-01-31"
    assert len(seen["everyField"]["records"]) == 2
    assert seen["thisYear"]["totalSize"] == 4


def test_queries_nest_group_and_page(by_simple_salesforce: dict[str, Any]) -> None:
    """Parents, children, aggregates, COUNT(), pages of three, deleted rows by queryAll."""
    seen = by_simple_salesforce
    (account,) = seen["relationships"]["records"]
    deals = account["Opportunities"]["records"]
    assert [one["Name"] for one in deals] == ["Deal", "Won", "Small", "No amount"]
    assert deals[0]["Account"]["Name"] == "Composite Ltd"
    assert (account["Parent"], account["Contacts"]) == (None, None)
    groups = {one["StageName"]: one for one in seen["groups"]["records"]}
    assert (groups["Prospecting"]["number"], groups["Prospecting"]["expr0"]) == (3, 130.5)
    names = seen["allPages"]
    assert seen["count"] == {"totalSize": len(names), "done": True, "records": []}
    assert seen["nothing"] == {"totalSize": 0, "done": True, "records": []}
    assert names == sorted(names)
    pages = [one["Name"] for step in ("firstPage", "secondPage") for one in seen[step]["records"]]
    assert (pages, seen["firstPage"]["done"]) == (names[: len(pages)], False)
    assert seen["withDeleted"] == ["Gone", "Several 2"]
    used = (
        seen["limits"]["DailyApiRequests"]["Max"] - seen["limits"]["DailyApiRequests"]["Remaining"]
    )
    assert used == seen["apiUsage"]["used"] > 30


def test_jsforce_opens_and_renews_its_session(node: NodeRunner, serve: Serve) -> None:
    """Client credentials; after INVALID_SESSION_ID a new token and the same request again."""
    place = Place(serve)
    seen = node(
        "salesforce_session.cjs",
        {
            "url": place.url,
            "client": {"id": "client", "secret": "secret"},
            "otherSecret": "not the secret",
        },
    )
    assert seen.pop("user")["organizationId"] == ORG_ID
    assert seen == {
        "instanceUrl": place.url,
        "renewals": 1,
        "name": "Before",
        "refused": "invalid_client",
    }
