"""Salesforce simulator: aggregates, groups, HAVING and their order."""

from __future__ import annotations

from typing import Any

import pytest

DEALS = (
    # Name, stage, amount, type
    ("A", "Prospecting", 10, "New Business"),
    ("B", "Prospecting", 20, "New Business"),
    ("C", "Closed Won", 5, "New Business"),
    ("D", "Closed Won", None, "Existing Business"),
    ("E", "Closed Lost", 1, None),
)
STAGES = ("Prospecting", "Closed Won", "Closed Lost")
"""In the order of the picklist, which is not that of the alphabet."""


@pytest.fixture
def deals(org: Any) -> Any:
    """Five deals of one account."""
    account = org.create("Account", Name="A")
    for name, stage, amount, kind in DEALS:
        org.opportunity(account, Name=name, StageName=stage, Amount=amount, Type=kind)
    return org


def ask(org: Any, soql: str) -> list[Any]:
    """The values of each record, in order."""
    return [
        tuple(value for name, value in one.items() if name != "attributes")
        for one in org.query(soql)
    ]


def refusal(org: Any, soql: str) -> str:
    answer = org.http.get("/query", params={"q": soql})
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


def amounts(stage: str) -> list[int]:
    return [amount for _, one, amount, _ in DEALS if one == stage and amount is not None]


def test_each_function_folds_what_is_not_null(deals: Any) -> None:
    """COUNT(field), COUNT_DISTINCT, SUM, AVG, MIN, MAX against the same worked out by Python."""
    found = deals.query(
        "SELECT StageName stage, COUNT(Id) rows, COUNT(Amount) filled, COUNT_DISTINCT(Type) kinds,"
        " SUM(Amount) total, AVG(Amount) mean, MIN(Amount) low, MAX(Amount) high"
        " FROM Opportunity GROUP BY StageName"
    )
    by_stage = {one["stage"]: one for one in found}
    assert set(by_stage) == set(STAGES)
    for stage, one in by_stage.items():
        values = amounts(stage)
        kinds = {kind for _, other, _, kind in DEALS if other == stage and kind is not None}
        assert one["rows"] == sum(other == stage for _, other, _, _ in DEALS)
        assert (one["filled"], one["kinds"]) == (len(values), len(kinds))
        assert (one["total"], one["mean"]) == (sum(values), sum(values) / len(values))
        assert (one["low"], one["high"]) == (min(values), max(values))


def test_an_average_that_does_not_end_has_a_doubles_digits(org: Any) -> None:
    """10/3, whose exact rounding no page tells."""
    account = org.create("Account", Name="A")
    for amount in (3, 3, 4):
        org.opportunity(account, Amount=amount)
    ((mean,),) = ask(org, "SELECT AVG(Amount) FROM Opportunity")
    assert mean == pytest.approx(10 / 3, rel=1e-15)


def test_having_lets_groups_through(deals: Any) -> None:
    """By aggregates and by grouped fields, joined as in WHERE."""
    select = "SELECT StageName FROM Opportunity GROUP BY StageName HAVING"
    for having, stages in (
        ("COUNT(Id) > 1", {"Prospecting", "Closed Won"}),
        ("COUNT(Id) > 1 AND SUM(Amount) >= 30", {"Prospecting"}),
        ("NOT MAX(Amount) > 5", {"Closed Won", "Closed Lost"}),
        ("StageName LIKE 'closed%' AND MIN(Amount) < 5", {"Closed Lost"}),
        ("StageName IN ('Prospecting') OR SUM(Amount) = 1", {"Prospecting", "Closed Lost"}),
        ("MAX(CreatedDate) = TODAY", set(STAGES)),
        ("AVG(Amount) = null", set()),
    ):
        assert {stage for (stage,) in ask(deals, f"{select} {having}")} == stages, having


def test_groups_are_ordered_by_their_aggregates_and_keys(deals: Any) -> None:
    """A picklist by its own order, which MIN and MAX follow too."""
    by = "SELECT StageName FROM Opportunity GROUP BY StageName ORDER BY"
    assert ask(deals, f"{by} SUM(Amount) DESC") == [(one,) for one in STAGES]
    assert ask(deals, f"{by} StageName") == [(one,) for one in STAGES]
    assert ask(deals, f"{by} COUNT(Id), StageName DESC LIMIT 2") == [
        ("Closed Lost",),
        ("Closed Won",),
    ]
    (first_and_last,) = ask(deals, "SELECT MIN(StageName), MAX(StageName) FROM Opportunity")
    assert first_and_last == (STAGES[0], STAGES[-1])


def test_names_of_results(deals: Any) -> None:
    """The documented mixture: explicit names as given, others expr0, expr1 … by their order.

    https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_groupby_alias.htm
    """
    (one, *_) = deals.query(
        "SELECT Name, MAX(Amount), MIN(Amount) min, SUM(Amount) FROM Opportunity GROUP BY Name"
    )
    assert list(one) == ["attributes", "Name", "expr0", "min", "expr1"]
    (one, *_) = deals.query("SELECT Name n, MAX(Amount) max FROM Opportunity GROUP BY Name")
    assert list(one) == ["attributes", "n", "max"]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        # https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_group_by_considerations.htm
        ("SELECT MAX(CreatedDate) FROM Account LIMIT 1", "MALFORMED_QUERY"),
        ("SELECT Amount, COUNT(Id) FROM Opportunity GROUP BY Amount", "INVALID_FIELD"),
        ("SELECT CreatedDate FROM Account GROUP BY CreatedDate", "INVALID_FIELD"),
        # …/sforce_api_calls_soql_select_having.htm: City is not grouped
        (
            "SELECT Industry, COUNT(Name) FROM Account GROUP BY Industry"
            " HAVING COUNT(Name) > 100 AND BillingCity LIKE 'San%'",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT ParentId FROM Account GROUP BY ParentId"
            " HAVING ParentId IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
        ),
        # …/sforce_api_calls_soql_select_agg_functions_field_types.htm
        ("SELECT SUM(Name) FROM Account", "INVALID_FIELD"),
        ("SELECT MAX(IsActive) FROM User", "INVALID_FIELD"),
        ("SELECT COUNT(BillingAddress) FROM Account", "INVALID_FIELD"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("SELECT COUNT(), Name FROM Account GROUP BY Name", "MALFORMED_QUERY"),
        ("SELECT FIELDS(STANDARD), COUNT(Id) FROM Account GROUP BY Name", "MALFORMED_QUERY"),
        ("SELECT Name FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY"),
        ("SELECT Name FROM Account GROUP BY Name ORDER BY Phone", "MALFORMED_QUERY"),
    ],
)
def test_a_bad_group_is_refused(org: Any, soql: str, code: str) -> None:
    """Each beside its page."""
    assert refusal(org, soql) == code


def test_groups_come_in_one_page(serve_org: Any) -> None:
    """Grouped answers have no locator, however short the pages are."""
    org = serve_org(query_page_size=3)
    for number in range(5):
        org.create("Account", Name=f"A{number}")
    answer = org.http.get("/query", params={"q": "SELECT Name FROM Account GROUP BY Name"}).json()
    assert (answer["totalSize"], answer["done"], len(answer["records"])) == (5, True, 5)
