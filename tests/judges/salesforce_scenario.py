"""The common scenario as a user of simple-salesforce writes it; its twin drives jsforce."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from simple_salesforce.exceptions import SalesforceError, SalesforceMoreThanOneRecord

KEY = "Dealthread_Customer_Key__c"
NO_ROW = "0015i00000ZZZZZAA5"
Seen = dict[str, Any]
# A `Salesforce`; its attributes are made from the names of objects, which no type can tell.
Client = Any


def refusal(call: Callable[[], Any]) -> Any:
    """Code and body of the refusal."""
    try:
        return {"unexpected": call()}
    except SalesforceMoreThanOneRecord as exc:
        return {"code": "300", "data": exc.content}
    except SalesforceError as exc:
        body: Any = exc.content
        return {"code": body[0]["errorCode"], "data": body}


def observe(sf: Client, small: Client, stranger: Client) -> Seen:
    """What each step answered."""
    seen: Seen = {}
    _rows(sf, seen)
    _refusals(sf, stranger, seen)
    _several(sf, seen)
    _composite(sf, seen)
    _queries(sf, seen)
    _conflicts(sf, seen)
    _trees(sf, seen)
    _groups(sf, seen)
    _platform(sf, small, seen)
    shown: Seen = json.loads(json.dumps(seen))
    return shown


def _rows(sf: Client, seen: Seen) -> None:
    accounts = sf.Account
    seen["created"] = accounts.create({"Name": "Harborline", "BillingCountry": "US", KEY: "K-1"})
    record_id = seen["created"]["id"]
    seen["read"] = accounts.get(record_id)
    accounts.update(record_id, {"Name": "Harborline LLC", "Phone": None})
    seen["renamed"] = accounts.get(record_id)
    for step, body in (
        ("upsertedNew", {"Name": "Brookfield GmbH"}),
        ("upsertedOld", {"BillingCountry": "DE"}),
    ):
        seen[step] = accounts.upsert(f"{KEY}/K-2", body, raw_response=True).json()
    seen["upserted"] = accounts.get(seen["upsertedNew"]["id"])
    gone = accounts.create({"Name": "Gone"})["id"]
    accounts.delete(gone)
    seen["deleted"] = refusal(lambda: accounts.get(gone))


def _refusals(sf: Client, stranger: Client, seen: Seen) -> None:
    for step, body in (
        ("conflict", {"Name": "Other", KEY: "K-1"}),
        ("missing", {"Phone": "1"}),
        ("unknownField", {"Name": "x", "Nothing__c": 1}),
        ("tooLong", {"Name": "x" * 256}),
        ("picklist", {"Name": "x", "Dealthread_Tax_Scheme__c": "none"}),
        ("wrongType", {"Name": 5}),
        ("readOnly", {"Name": "x", "IsDeleted": True}),
    ):
        seen[step] = refusal(partial(sf.Account.create, body))
    seen["noSuchRow"] = refusal(lambda: sf.Account.get(NO_ROW))
    seen["noSuchObject"] = refusal(lambda: sf.Nothing__c.create({"Name": "x"}))
    seen["badId"] = refusal(lambda: sf.Account.update("nonsense", {"Name": "x"}))
    seen["noParent"] = refusal(lambda: sf.Contact.create({"LastName": "x", "AccountId": NO_ROW}))
    for name in ("One", "Two"):
        sf.Contact.create({"LastName": name, "Email": "same@harborline.example"})
    seen["several"] = refusal(
        lambda: sf.Contact.upsert("Email/same@harborline.example", {"LastName": "x"})
    )
    seen["badSession"] = refusal(lambda: stranger.Account.get("x"))


def _several(sf: Client, seen: Seen) -> None:
    def send(method: str, path: str, records: list[dict[str, Any]], **more: Any) -> Any:
        typed = [{"attributes": {"type": "Account"}, **one} for one in records]
        body = json.dumps({"records": typed, **more})
        return sf.restful(f"composite/sobjects{path}", method=method, data=body)

    mixed = [{"Name": "Several 1"}, {KEY: "K-1", "Name": "Twin"}, {"Name": "Several 2"}]
    seen["someCreated"] = send("POST", "", mixed)
    seen["noneCreated"] = send("POST", "", mixed, allOrNone=True)
    seen["someUpserted"] = send(
        "PATCH",
        f"/Account/{KEY}",
        [{KEY: "K-2", "Phone": "2"}, {KEY: "K-3", "Name": "Several 3"}, {KEY: "K-4"}],
    )
    first, last = seen["someCreated"][0]["id"], seen["someCreated"][2]["id"]
    changes = [{"Id": first, "Phone": "1"}, {"Id": NO_ROW, "Phone": "1"}]
    seen["someUpdated"] = send("PATCH", "", changes)
    seen["someDeleted"] = sf.restful(
        "composite/sobjects", params={"ids": f"{last},{NO_ROW}"}, method="DELETE"
    )


def _composite(sf: Client, seen: Seen) -> None:
    base = "/services/data/v66.0"

    def send(stage: str) -> Any:
        customer = {
            "method": "PATCH",
            "url": f"{base}/sobjects/Account/{KEY}/K-9",
            "referenceId": "customer",
            "body": {"Name": "Composite Ltd"},
        }
        fields: Seen = {
            "Name": "Deal",
            "StageName": stage,
            "CloseDate": "2026-06-30",
            "Amount": 120.5,
        }
        deal = {
            "method": "POST",
            "url": f"{base}/sobjects/Opportunity",
            "referenceId": "deal",
            "body": {"AccountId": "@{customer.id}", **fields},
        }
        read = {
            "method": "GET",
            "url": f"{base}/sobjects/Opportunity/@{{deal.id}}?fields=Name,Amount",
            "referenceId": "read",
        }
        body = {"allOrNone": True, "compositeRequest": [customer, deal, read]}
        return sf.restful("composite", method="POST", data=json.dumps(body))

    seen["compositeRefused"] = send("No such stage")
    seen["compositeDone"] = send("Prospecting")
    account = seen["compositeDone"]["compositeResponse"][0]["body"]["id"]
    deals: list[Seen] = [
        {"Name": "Small", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": 10},
        {"Name": "Won", "StageName": "Closed Won", "CloseDate": "2026-05-01", "Amount": 99.99},
        {"Name": "No amount", "StageName": "Prospecting", "CloseDate": "2027-01-31"},
    ]
    records = [
        {"attributes": {"type": "Opportunity"}, "AccountId": account, **one} for one in deals
    ]
    sf.restful("composite/sobjects", method="POST", data=json.dumps({"records": records}))


def _queries(sf: Client, seen: Seen) -> None:
    seen["relationships"] = sf.query(
        "SELECT Name, Parent.Name, (SELECT Name, Amount, Account.Name FROM Opportunities"  # noqa: S608
        " ORDER BY Amount DESC NULLS LAST), (SELECT Id FROM Contacts)"
        f" FROM Account WHERE {KEY} = 'K-9'"
    )
    seen["groups"] = sf.query(
        "SELECT StageName, COUNT(Id) number, SUM(Amount) FROM Opportunity GROUP BY StageName"
    )
    seen["count"] = sf.query("SELECT COUNT() FROM Account")
    seen["nothing"] = sf.query("SELECT Id FROM Account WHERE Name = 'O\\'Hara'")
    seen["firstPage"] = sf.query("SELECT Name FROM Account ORDER BY Name")
    following = seen["firstPage"]["nextRecordsUrl"]
    seen["secondPage"] = sf.query_more(following, identifier_is_url=True)
    everything = sf.query_all("SELECT Name FROM Account ORDER BY Name")
    seen["allPages"] = [one["Name"] for one in everything["records"]]
    deleted = sf.query("SELECT Name FROM Account WHERE IsDeleted = true", include_deleted=True)
    seen["withDeleted"] = [one["Name"] for one in deleted["records"]]
    seen["malformed"] = refusal(lambda: sf.query("SELECT Id FROM Account WHERE"))
    seen["noColumn"] = refusal(lambda: sf.query("SELECT Nothing__c FROM Account"))
    seen["noObject"] = refusal(lambda: sf.query("SELECT Id FROM Nothing__c"))
    seen["badLocator"] = refusal(lambda: sf.query_more("01g000000000000AAA-3"))


def _conflicts(sf: Client, seen: Seen) -> None:
    """Another's change in between, and a row that is there already."""
    account = sf.Account.create({"Name": "Contested", "Website": "https://contested.example"})["id"]
    path = f"sobjects/Account/{account}"

    def change(headers: dict[str, str]) -> Any:
        body = json.dumps({"Phone": "1"})
        return sf.restful(path, method="PATCH", data=body, headers=headers)

    seen["stale"] = refusal(lambda: change({"If-Match": '"not the tag of the row"'}))
    change({"If-Match": "*"})
    twin = {"Name": "Twin", "Website": "https://contested.example"}
    seen["duplicate"] = refusal(lambda: sf.Account.create(twin))
    seen["insisted"] = sf.Account.create(
        twin, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    )
    lower = {"Dealthread_Sync_Seq__c": 5}
    deal = {"Name": "Late", "StageName": "Prospecting", "CloseDate": "2026-06-30", **lower}
    late = sf.Opportunity.create(deal)["id"]
    seen["late"] = refusal(lambda: sf.Opportunity.update(late, {"Dealthread_Sync_Seq__c": 4}))


def _trees(sf: Client, seen: Seen) -> None:
    """Several rows that hang together: tree, graph, batch, and what changed."""

    def node(sobject: str, reference: str, **fields: Any) -> Seen:
        return {"attributes": {"type": sobject, "referenceId": reference}, **fields}

    def tree(email: str) -> Any:
        children = {"records": [node("Contact", "child", LastName="Leaf", Email=email)]}
        body = {"records": [node("Account", "root", Name="Tree", Contacts=children)]}
        return sf.restful("composite/tree/Account", method="POST", data=json.dumps(body))

    seen["tree"] = tree("leaf@tree.example")
    try:
        seen["treeRefused"] = {"unexpected": tree("no address")}
    except SalesforceError as exc:
        seen["treeRefused"] = exc.content
    base = "/services/data/v66.0/sobjects/Account"

    def account(reference: str, **fields: Any) -> Seen:
        return {"method": "POST", "url": base, "referenceId": reference, "body": fields}

    graphs = [
        {"graphId": "good", "compositeRequest": [account("a", Name="Graph")]},
        {"graphId": "bad", "compositeRequest": [account("a", Name="x"), account("b", Phone="1")]},
    ]
    seen["graphs"] = sf.restful(
        "composite/graph", method="POST", data=json.dumps({"graphs": graphs})
    )
    calls = [
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Batch"}},
        {"method": "GET", "url": "v66.0/sobjects/Account/nonsense"},
    ]
    seen["batch"] = sf.restful(
        "composite/batch", method="POST", data=json.dumps({"batchRequests": calls})
    )
    span = {"start": "2026-03-02T08:00:00+00:00", "end": "2026-03-02T10:00:00+00:00"}
    seen["changed"] = sf.restful("sobjects/Contact/updated", params=span)
    seen["gone"] = sf.restful("sobjects/Account/deleted", params=span)


def _groups(sf: Client, seen: Seen) -> None:
    seen["having"] = sf.query(
        "SELECT StageName stage, AVG(Amount) mean, MAX(CloseDate) FROM Opportunity"
        " GROUP BY StageName HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC"
    )
    seen["everyField"] = sf.query("SELECT FIELDS(ALL) FROM Contact ORDER BY LastName LIMIT 2")
    seen["thisYear"] = sf.query("SELECT COUNT() FROM Opportunity WHERE CloseDate = THIS_YEAR")


def _platform(sf: Client, small: Client, seen: Seen) -> None:
    seen["describe"] = sf.Account.describe()
    seen["describeGlobal"] = sf.describe()
    seen["limits"] = sf.limits()
    usage = sf.api_usage["api-usage"]
    seen["apiUsage"] = {"used": usage.used, "limit": usage.total}
    for _ in range(2):
        small.limits()
    seen["quota"] = refusal(small.limits)
