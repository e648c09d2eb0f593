"""Salesforce simulator: the query language."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.soql.parser import parse


def loaded(org: Any) -> dict[str, str]:
    """Two accounts, one above the other, with deals and contacts."""
    root = org.create("Account", Name="Root", BillingCountry="DE")
    leaf = org.create("Account", Name="Leaf", ParentId=root, Website="leaf.example")
    return {
        "root": root,
        "leaf": leaf,
        "small": org.opportunity(leaf, Name="Small", Amount=10.5),
        "large": org.opportunity(
            leaf, Name="Large 100%", Amount=2000, StageName="Closed Won", CloseDate="2026-06-30"
        ),
        "none": org.opportunity(root, Name="None"),
        "contact": org.create("Contact", AccountId=leaf, LastName="O'Hara", FirstName="Kim"),
    }


def names(records: list[dict[str, Any]]) -> list[str]:
    return [one["Name"] for one in records]


def test_parents_children_and_their_parents_come_in_one_answer(org: Any) -> None:
    """Dotted parents nest; a child query nests with its size; missing parents are null."""
    world = loaded(org)
    (leaf,) = org.query(
        "SELECT Id, Name, Parent.Name, Parent.BillingCountry, Parent.Parent.Name,"
        " (SELECT Name, Amount FROM Opportunities ORDER BY Amount DESC),"
        " (SELECT Id FROM Contracts) FROM Account WHERE ParentId != null"
    )
    assert leaf["attributes"]["type"] == "Account"
    assert leaf["Parent"]["attributes"]["url"].endswith(world["root"])
    assert (leaf["Parent"]["Name"], leaf["Parent"]["BillingCountry"]) == ("Root", "DE")
    assert leaf["Parent"]["Parent"] is None
    assert leaf["Opportunities"]["totalSize"] == 2
    assert names(leaf["Opportunities"]["records"]) == ["Large 100%", "Small"]
    assert leaf["Contracts"] is None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'sMALL'", ["Small"]),
        ("Name != 'Small' AND IsClosed = false", ["None"]),
        ("Amount > 10.5", ["Large 100%"]),
        ("Amount >= 10.5", ["Small", "Large 100%"]),
        ("Amount = null", ["None"]),
        ("Amount < 100000", ["Small", "Large 100%"]),
        ("Name LIKE 's%'", ["Small"]),
        ("Name LIKE '%100\\%'", ["Large 100%"]),
        ("Name LIKE '_one'", ["None"]),
        ("NOT Name LIKE '%a%'", ["None"]),
        ("Name IN ('Small', 'none')", ["Small", "None"]),
        ("Name NOT IN ('Small', 'none')", ["Large 100%"]),
        ("IsWon = TRUE OR (Name = 'None' AND Amount = null)", ["Large 100%", "None"]),
        ("CloseDate < 2026-12-31", ["Large 100%"]),
        ("CreatedDate = TODAY", ["Small", "Large 100%", "None"]),
        ("CreatedDate = LAST_N_DAYS:3", ["Small", "Large 100%", "None"]),
        ("CreatedDate > 2100-01-01T00:00:00Z", []),
        ("SystemModstamp <= 2100-01-01T00:00:00+02:00", ["Small", "Large 100%", "None"]),
        ("Account.Parent.Name = 'Root'", ["Small", "Large 100%"]),
        ("Opportunity.Account.Name = 'root'", ["None"]),
        ("AccountId IN (SELECT AccountId FROM Contact)", ["Small", "Large 100%"]),
    ],
)
def test_conditions_select_what_they_say(org: Any, where: str, found: list[str]) -> None:
    """Text ignores case, NULL is compared with = and != only."""
    loaded(org)
    assert names(org.query(f"SELECT Name FROM Opportunity WHERE {where}")) == found  # noqa: S608


def test_ids_are_compared_in_both_lengths(org: Any) -> None:
    """15 and 18 characters are the same id."""
    world = loaded(org)
    for text in (world["leaf"], world["leaf"][:15]):
        assert len(org.query(f"SELECT Id FROM Opportunity WHERE AccountId = '{text}'")) == 2  # noqa: S608
        assert len(org.query(f"SELECT Id FROM Account WHERE Id IN ('{text}')")) == 1  # noqa: S608


def test_quotes_in_text_are_escaped(org: Any) -> None:
    """`\\'` inside quotes."""
    loaded(org)
    assert len(org.query("SELECT Id FROM Contact WHERE LastName = 'O\\'Hara'")) == 1


def test_order_limit_and_offset_cut_the_answer(org: Any) -> None:
    """Nulls come first unless told."""
    loaded(org)
    select = "SELECT Name FROM Opportunity ORDER BY"
    assert names(org.query(f"{select} Amount")) == ["None", "Small", "Large 100%"]
    assert names(org.query(f"{select} Amount DESC NULLS LAST")) == ["Large 100%", "Small", "None"]
    assert names(org.query(f"{select} Account.Name, Name DESC LIMIT 2 OFFSET 1")) == [
        "Large 100%",
        "None",
    ]


def test_counting_and_grouping(org: Any) -> None:
    """COUNT() answers the size alone; aggregates answer AggregateResult."""
    loaded(org)
    sf = org.simple_salesforce()
    assert sf.query("select count() from Opportunity") == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }
    groups = org.query(
        "SELECT Account.Name, COUNT(Id), SUM(Amount) total, MAX(CloseDate) FROM Opportunity"
        " GROUP BY Account.Name"
    )
    assert groups[0] == {
        "attributes": {"type": "AggregateResult"},
        "Name": "Leaf",
        "expr0": 2,
        "total": 2010.5,
        "expr1": "2026-12-31",
    }


def test_long_answers_come_in_pages(serve_org: Any) -> None:
    """simple-salesforce follows nextRecordsUrl; a locator made up is refused."""
    org = serve_org(query_page_size=3)
    for number in range(8):
        org.create("Account", Name=f"A{number}")
    first = org.http.get("/query", params={"q": "SELECT Name FROM Account"}).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (8, False, 3)
    everything = org.simple_salesforce().query_all("SELECT Name FROM Account ORDER BY Name")
    assert names(everything["records"]) == [f"A{number}" for number in range(8)]
    bad = org.http.get("/query/01g000000000000-3")
    assert bad.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DROP", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account HAVING Id = null", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD"),
        ("SELECT Boss.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id, (SELECT Id FROM Boxes) FROM Account", "INVALID_TYPE"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        (
            "SELECT Account.Parent.Parent.Parent.Parent.Parent.Name FROM Opportunity",
            "INVALID_FIELD",
        ),
    ],
)
def test_a_bad_query_is_refused_by_its_code(org: Any, soql: str, code: str) -> None:
    """400, and no guess at what was meant."""
    answer: httpx.Response = org.http.get("/query", params={"q": soql})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@given(
    st.lists(
        st.sampled_from(
            "SELECT Id Name FROM Account WHERE AND OR NOT IN LIKE ( ) , = != 'x' 5 null TODAY"
            " 2026-01-01 ORDER BY LIMIT OFFSET COUNT SUM GROUP DESC NULLS LAST WITH USING SCOPE"
            " UPDATE TRACKING TYPEOF WHEN FORMAT ROLLUP USD5".split()
        ),
        max_size=14,
    )
    | st.text(max_size=40)
)
def test_any_text_parses_or_is_refused(words: list[str] | str) -> None:
    """No query makes the parser fail in another way."""
    text = words if isinstance(words, str) else " ".join(["SELECT Id FROM Account", *words])
    code = ""
    try:
        parse(text)
    except SalesforceError as exc:
        code = exc.code
    assert code in ("", "MALFORMED_QUERY", "NOT_SIMULATED", "NUMBER_OUTSIDE_VALID_RANGE")


def test_deep_nesting_is_refused_before_it_exhausts_the_stack() -> None:
    """A hostile query ends as MALFORMED_QUERY."""
    with pytest.raises(SalesforceError) as caught:
        parse("SELECT Id FROM Account WHERE " + "(" * 500 + "Name = 'x'" + ")" * 500)
    assert caught.value.code == "MALFORMED_QUERY"
