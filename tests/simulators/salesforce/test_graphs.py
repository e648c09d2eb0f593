"""Salesforce simulator: `/composite/graph` and `/composite/batch`."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/services/data/v66.0"


def account(reference: str, **fields: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"{BASE}/sobjects/Account/",
        "referenceId": reference,
        "body": fields,
    }


def contact(reference: str, parent: str, **fields: Any) -> dict[str, Any]:
    body = {"AccountId": f"@{{{parent}.id}}", **fields}
    url = f"{BASE}/sobjects/Contact/"
    return {"method": "POST", "url": url, "referenceId": reference, "body": body}


def graphs(org: Any, *given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = [
        {"graphId": str(number), "compositeRequest": parts}
        for number, parts in enumerate(given, start=1)
    ]
    answer = org.http.post("/composite/graph", json={"graphs": body})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["graphs"]
    return found


def refusal(org: Any, body: Any) -> tuple[int, str]:
    answer = org.http.post("/composite/graph", json=body)
    return answer.status_code, answer.json()[0]["errorCode"]


def test_a_failed_graph_is_undone_and_another_one_stays(org: Any) -> None:
    """isSuccessful per graph; the failed node keeps its error, its neighbours are halted."""
    good = [account("a", Name="Good"), contact("c", "a", LastName="Cashman")]
    bad = [account("a", Name="Bad"), contact("c", "a", LastName="x", Email="no address")]
    first, second = graphs(org, good, bad)
    assert [first["graphId"], first["isSuccessful"]] == ["1", True]
    assert [second["graphId"], second["isSuccessful"]] == ["2", False]
    done = first["graphResponse"]["compositeResponse"]
    assert [(one["referenceId"], one["httpStatusCode"]) for one in done] == [("a", 201), ("c", 201)]
    assert done[0]["httpHeaders"]["Location"].endswith(done[0]["body"]["id"])
    undone = second["graphResponse"]["compositeResponse"]
    codes = [one["body"][0]["errorCode"] for one in undone]
    assert codes == ["PROCESSING_HALTED", "INVALID_EMAIL_ADDRESS"]
    assert [one["httpStatusCode"] for one in undone] == [400, 400]
    assert [one["Name"] for one in org.query("SELECT Name FROM Account")] == ["Good"]


def test_after_fifteen_failed_graphs_the_rest_is_halted(org: Any) -> None:
    """The limit of 14 failures is exceeded by the fifteenth; the sixteenth is not tried."""
    failing = [[account("a", Phone="1")] for _ in range(15)]
    answers = graphs(org, *failing, [account("a", Name="Good")])
    codes = [
        one["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for one in answers
    ]
    assert codes == ["REQUIRED_FIELD_MISSING"] * 15 + ["PROCESSING_HALTED"]
    assert org.query("SELECT Id FROM Account") == []


def test_fourteen_failed_graphs_do_not_halt_the_rest(org: Any) -> None:
    """14 is allowed."""
    failing = [[account("a", Phone="1")] for _ in range(14)]
    assert graphs(org, *failing, [account("a", Name="Good")])[-1]["isSuccessful"] is True


def test_the_limits_of_graphs_are_kept(org: Any) -> None:
    """75 graphs, 500 nodes, 15 levels of references, rows only."""
    one = [account("a", Name="x")]
    many = [{"graphId": str(number), "compositeRequest": one} for number in range(76)]
    assert refusal(org, {"graphs": many})[0] == 400
    nodes = [account(f"n{number}", Name="x") for number in range(501)]
    assert refusal(org, {"graphs": [{"graphId": "1", "compositeRequest": nodes}]})[0] == 400
    chain = [account("n0", Name="x")]
    for number in range(1, 16):
        chain.append(account(f"n{number}", Name="x", ParentId=f"@{{n{number - 1}.id}}"))
    assert refusal(org, {"graphs": [{"graphId": "1", "compositeRequest": chain}]})[0] == 400
    assert graphs(org, chain[:15])[0]["isSuccessful"] is True
    query = {"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Account", "referenceId": "q"}
    assert refusal(org, {"graphs": [{"graphId": "1", "compositeRequest": [query]}]})[0] == 400


# ------------------------------------------------------------ batch


def batch(org: Any, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = org.http.post("/composite/batch", json={"batchRequests": list(calls), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_batch_changes_and_then_reads(org: Any) -> None:
    """The documented example: PATCH answers 204 with a null, the GET after it shows the change.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/responses_composite_batch.htm
    """
    one = org.create("Account", Name="Old", BillingPostalCode="94105")
    path = f"v66.0/sobjects/account/{one}"
    body = batch(
        org,
        {"method": "PATCH", "url": path, "richInput": {"Name": "NewName"}},
        {"method": "GET", "url": f"{path}?fields=Name,BillingPostalCode"},
    )
    assert body["hasErrors"] is False
    changed, read = body["results"]
    assert changed == {"statusCode": 204, "result": None}
    assert read["statusCode"] == 200
    assert {name: read["result"][name] for name in ("Name", "BillingPostalCode", "Id")} == {
        "Name": "NewName",
        "BillingPostalCode": "94105",
        "Id": one,
    }


@pytest.mark.parametrize(("halt", "last"), [(False, 201), (True, 412)])
def test_a_batch_stops_at_an_error_only_if_told_so(org: Any, halt: bool, last: int) -> None:
    """haltOnError answers 412 BATCH_PROCESSING_HALTED for what follows; nothing is rolled back."""
    create = {"method": "POST", "url": "v66.0/sobjects/Account"}
    body = batch(
        org,
        {**create, "richInput": {"Name": "First"}},
        {**create, "richInput": {"Phone": "1"}},
        {**create, "richInput": {"Name": "Last"}},
        haltOnError=halt,
    )
    assert body["hasErrors"] is True
    assert [one["statusCode"] for one in body["results"]] == [201, 400, last]
    if halt:
        assert body["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    names = [one["Name"] for one in org.query("SELECT Name FROM Account")]
    assert names == (["First"] if halt else ["First", "Last"])


def test_each_subrequest_of_a_batch_counts_and_a_composite_counts_once(org: Any) -> None:
    """Against the daily limit; the batch's own call is one more."""

    def used() -> int:
        limit = org.http.get("/limits").json()["DailyApiRequests"]
        return int(limit["Max"] - limit["Remaining"])

    before = used()
    batch(org, *[{"method": "GET", "url": "v66.0/limits"}] * 3)
    assert used() - before == 1 + 3 + 1
    before = used()
    org.http.post("/composite", json={"compositeRequest": [account("a", Name="x")]})
    assert used() - before == 1 + 1


def test_a_batch_refuses_what_it_does_not_know(org: Any) -> None:
    """26 subrequests, a newer version than its own, a composite inside."""
    call = {"method": "GET", "url": "v66.0/limits"}
    answers = [
        org.http.post("/composite/batch", json={"batchRequests": calls}).status_code
        for calls in (
            [call] * 26,
            [{**call, "url": "v67.0/limits"}],
            [{**call, "url": "v66.0/composite"}],
            [{**call, "url": "limits"}],
        )
    ]
    assert answers == [400, 400, 501, 501]
