"""Salesforce simulator: FIELDS(), locks, offsets, joins and date literals of the query language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dealthread.simulators.salesforce.soql.date_literals import COUNTED, RELATIVE, days_of

DAY = timedelta(days=1)


def refusal(org: Any, soql: str) -> str:
    answer = org.http.get("/query", params={"q": soql})
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


# ------------------------------------------------------------ groups of fields


def test_fields_selects_groups_of_fields(org: Any) -> None:
    """Standard and custom together are all; in a subquery too; the describe says which is which."""
    account = org.create("Account", Name="A", Dealthread_Customer_Key__c="K")
    org.create("Contact", LastName="Kim", AccountId=account)
    described = org.http.get("/sobjects/Account/describe").json()["fields"]
    custom = {one["name"] for one in described if one["custom"]}
    every = {one["name"] for one in described}

    def selected(what: str) -> set[str]:
        (row,) = org.query(f"SELECT {what} FROM Account LIMIT 1")  # noqa: S608
        return set(row) - {"attributes"}

    assert selected("FIELDS(ALL)") == every
    assert selected("FIELDS(CUSTOM)") == custom
    assert selected("FIELDS(STANDARD)") == every - custom
    assert selected("Name, fields(custom)") == {"Name", *custom}
    (row,) = org.query("SELECT Id, (SELECT FIELDS(ALL) FROM Contacts LIMIT 5) FROM Account")
    assert row["Contacts"]["records"][0]["LastName"] == "Kim"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT FIELDS(ALL) FROM Contacts) FROM Account LIMIT 1", "MALFORMED_QUERY"),
        ("SELECT Name, FIELDS(STANDARD) FROM Account", "INVALID_FIELD"),
    ],
)
def test_fields_is_bounded_and_selects_nothing_twice(org: Any, soql: str, code: str) -> None:
    """LIMIT of 200 at most for ALL and CUSTOM, none needed for STANDARD."""
    assert refusal(org, soql) == code


# ------------------------------------------------------------ not carried


@pytest.mark.parametrize(
    ("soql", "part"),
    [
        ("SELECT TYPEOF What WHEN Account THEN Name END FROM Event", "TYPEOF"),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "WITH"),
        ("SELECT Id FROM Account WHERE Name = 'x' WITH USER_MODE LIMIT 1", "WITH"),
        ("SELECT Id FROM Account USING SCOPE mine", "USING SCOPE"),
        ("SELECT COUNT(Id) FROM Account GROUP BY ROLLUP(Name)", "ROLLUP"),
        ("SELECT COUNT(Id) FROM Account GROUP BY CALENDAR_YEAR(CreatedDate)", "CALENDAR_YEAR"),
        ("SELECT toLabel(StageName) FROM Opportunity", "toLabel"),
        ("SELECT Id FROM Opportunity WHERE FISCAL_YEAR(CloseDate) = 2026", "FISCAL_YEAR"),
        ("SELECT Id FROM Account ORDER BY DISTANCE(Place, Here, 'km')", "DISTANCE"),
        ("SELECT Id FROM Opportunity WHERE Amount > USD5000", "an amount with its currency"),
        ("SELECT Id, (SELECT Id FROM Contacts OFFSET 1) FROM Account", "OFFSET in a subquery"),
        ("SELECT Id FROM Account UPDATE TRACKING", "UPDATE TRACKING"),
    ],
)
def test_what_soql_has_and_the_simulator_has_not_is_no_mistake_of_the_query(
    org: Any, soql: str, part: str
) -> None:
    """501 and the part's name: nobody takes it for a rule of Salesforce."""
    answer = org.http.get("/query", params={"q": soql})
    assert answer.status_code == 501
    assert answer.json() == [
        {"message": f"the simulator does not have {part} in SOQL", "errorCode": "NOT_SIMULATED"}
    ]


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT TYPEOF What FROM Event",
        "SELECT WITH FROM Account",
        "SELECT Id FROM Account UPDATE",
        "SELECT NOTHING(Name) FROM Account",
        "SELECT Id FROM Opportunity WHERE Amount > FIVE",
    ],
)
def test_what_nobody_has_stays_a_mistake_of_the_query(org: Any, soql: str) -> None:
    """Words of what is not carried excuse nothing else."""
    assert refusal(org, soql) == "MALFORMED_QUERY"


# ------------------------------------------------------------ currencies


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT SUM(Amount) FROM Opportunity",
        "SELECT Name FROM Opportunity ORDER BY Amount",
        "SELECT Name FROM Opportunity WHERE Amount > 5",
        "SELECT Name FROM Opportunity WHERE Amount IN (5)",
        "SELECT Name FROM Opportunity GROUP BY Name HAVING MAX(Amount) > 5",
    ],
)
def test_amounts_are_not_converted_by_guess(serve_org: Any, soql: str) -> None:
    """With rates other than 1, what would need a conversion is refused; reading is not."""
    org = serve_org(conversion_rates={"USD": Decimal("1.1")})
    answer = org.http.get("/query", params={"q": soql})
    assert answer.json()[0]["errorCode"] == "NOT_SIMULATED"
    assert org.query("SELECT Amount FROM Opportunity WHERE Amount = null") == []


# ------------------------------------------------------------ OFFSET, FOR, subqueries


def test_offset_skips_rows_without_a_limit_too(serve_org: Any) -> None:
    """And what would need a second page after it is refused."""
    org = serve_org()
    for number in range(5):
        org.create("Account", Name=f"A{number}")
    found = org.query("SELECT Name FROM Account ORDER BY Name OFFSET 3")
    assert [one["Name"] for one in found] == ["A3", "A4"]
    assert org.query("SELECT Name FROM Account OFFSET 5") == []


def test_locking_and_viewing_change_no_answer(org: Any) -> None:
    """FOR UPDATE without an order; FOR VIEW and FOR REFERENCE with one."""
    org.create("Account", Name="A")
    for end in ("FOR UPDATE", "LIMIT 1 FOR UPDATE", "ORDER BY Name FOR VIEW", "FOR REFERENCE"):
        assert len(org.query(f"SELECT Id FROM Account {end}")) == 1  # noqa: S608
    assert refusal(org, "SELECT Id FROM Account ORDER BY Name FOR UPDATE") == "MALFORMED_QUERY"


def test_subqueries_nest_to_five_levels(org: Any) -> None:
    """Each with its own order and limit; the sixth level is refused."""
    above = None
    for level in range(1, 6):
        more = {} if above is None else {"ParentId": above}
        for name in ("x", "y"):
            last = org.create("Account", Name=f"{level}{name}", **more)
        above = last
    soql = "SELECT Name FROM ChildAccounts ORDER BY Name DESC LIMIT 1"
    for _ in range(3):
        soql = f"SELECT Name, ({soql}) FROM ChildAccounts ORDER BY Name DESC LIMIT 1"  # noqa: S608
    (row,) = org.query(f"SELECT Name, ({soql}) FROM Account WHERE Name = '1y'")  # noqa: S608
    names = []
    while row:
        names.append(row["Name"])
        children = row.get("ChildAccounts")
        row = children["records"][0] if children else None
    assert names == ["1y", "2y", "3y", "4y", "5y"]
    too_deep = f"SELECT (SELECT ({soql}) FROM ChildAccounts) FROM Account"  # noqa: S608
    assert refusal(org, too_deep) == "MALFORMED_QUERY"


# ------------------------------------------------------------ joins

# https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_comparisonoperators.htm
CONTACTS = "(SELECT AccountId FROM Contact)"
DEALS = "(SELECT AccountId FROM Opportunity)"


def test_two_joins_narrow_together(org: Any) -> None:
    """Semi join and anti join, joined by AND."""
    both, one = org.create("Account", Name="Both"), org.create("Account", Name="One")
    org.create("Account", Name="None")
    for account in (both, one):
        org.create("Contact", LastName="x", AccountId=account)
    org.opportunity(both)
    for where, names in (
        (f"Id IN {CONTACTS} AND Id IN {DEALS}", ["Both"]),
        (f"Id IN {CONTACTS} AND Id NOT IN {DEALS}", ["One"]),
        (f"Id NOT IN {CONTACTS}", ["None"]),
    ):
        found = org.query(f"SELECT Name FROM Account WHERE {where}")  # noqa: S608
        assert [row["Name"] for row in found] == names


@pytest.mark.parametrize(
    "where",
    [
        f"Id IN {CONTACTS} OR Name = 'x'",
        f"Name = 'x' AND (Id IN {CONTACTS} OR Name = 'y')",
        f"NOT Id IN {CONTACTS}",
        f"Id IN {CONTACTS} AND Id IN {DEALS} AND Id NOT IN {CONTACTS}",
        "Id IN (SELECT ParentId FROM Account)",
        "Id IN (SELECT Contact.AccountId FROM Contact)",
        "Id IN (SELECT AccountId FROM Contact LIMIT 1)",
        "Id IN (SELECT AccountId FROM Contact ORDER BY Name)",
        "Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT Id FROM Account))",
        "Id IN (SELECT AccountId, Id FROM Contact)",
        "Id IN (SELECT COUNT() FROM Contact)",
    ],
)
def test_a_join_that_salesforce_does_not_take_is_refused(org: Any, where: str) -> None:
    """With OR, below NOT, a third one, on the same object, over a relationship, cut or nested."""
    assert refusal(org, f"SELECT Id FROM Account WHERE {where}") == "MALFORMED_QUERY"  # noqa: S608


def test_includes_needs_a_multi_select_picklist(org: Any) -> None:
    """Which no object here has."""
    soql = "SELECT Id FROM Account WHERE Type INCLUDES ('Other;Prospect')"
    assert refusal(org, soql) == "INVALID_QUERY_FILTER_OPERATOR"


# ------------------------------------------------------------ date literals

# https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm
# Wednesday 31 December 2025: the first days and the last ones worked out by hand from a calendar.
NEW_YEARS_EVE = date(2025, 12, 31)
BY_HAND = {
    "YESTERDAY": ("2025-12-30", "2025-12-30"),
    "TODAY": ("2025-12-31", "2025-12-31"),
    "TOMORROW": ("2026-01-01", "2026-01-01"),
    "LAST_WEEK": ("2025-12-21", "2025-12-27"),
    "THIS_WEEK": ("2025-12-28", "2026-01-03"),
    "NEXT_WEEK": ("2026-01-04", "2026-01-10"),
    "LAST_MONTH": ("2025-11-01", "2025-11-30"),
    "THIS_MONTH": ("2025-12-01", "2025-12-31"),
    "NEXT_MONTH": ("2026-01-01", "2026-01-31"),
    "LAST_90_DAYS": ("2025-10-02", "2025-12-31"),
    "NEXT_90_DAYS": ("2026-01-01", "2026-03-31"),
    "LAST_N_DAYS:1": ("2025-12-30", "2025-12-31"),
    "NEXT_N_DAYS:2": ("2026-01-01", "2026-01-02"),
    "N_DAYS_AGO:2": ("2025-12-29", "2025-12-29"),
    "LAST_N_WEEKS:2": ("2025-12-14", "2025-12-27"),
    "NEXT_N_WEEKS:2": ("2026-01-04", "2026-01-17"),
    "N_WEEKS_AGO:2": ("2025-12-14", "2025-12-20"),
    "LAST_N_MONTHS:2": ("2025-10-01", "2025-11-30"),
    "NEXT_N_MONTHS:2": ("2026-01-01", "2026-02-28"),
    "N_MONTHS_AGO:2": ("2025-10-01", "2025-10-31"),
    "THIS_QUARTER": ("2025-10-01", "2025-12-31"),
    "LAST_QUARTER": ("2025-07-01", "2025-09-30"),
    "NEXT_QUARTER": ("2026-01-01", "2026-03-31"),
    "LAST_N_QUARTERS:2": ("2025-04-01", "2025-09-30"),
    "NEXT_N_QUARTERS:2": ("2026-01-01", "2026-06-30"),
    "N_QUARTERS_AGO:2": ("2025-04-01", "2025-06-30"),
    "THIS_YEAR": ("2025-01-01", "2025-12-31"),
    "LAST_YEAR": ("2024-01-01", "2024-12-31"),
    "NEXT_YEAR": ("2026-01-01", "2026-12-31"),
    "LAST_N_YEARS:2": ("2023-01-01", "2024-12-31"),
    "NEXT_N_YEARS:2": ("2026-01-01", "2027-12-31"),
    "N_YEARS_AGO:2": ("2023-01-01", "2023-12-31"),
    "THIS_FISCAL_QUARTER": ("2025-10-01", "2025-12-31"),
    "LAST_FISCAL_QUARTER": ("2025-07-01", "2025-09-30"),
    "NEXT_FISCAL_QUARTER": ("2026-01-01", "2026-03-31"),
    "LAST_N_FISCAL_QUARTERS:2": ("2025-04-01", "2025-09-30"),
    "NEXT_N_FISCAL_QUARTERS:2": ("2026-01-01", "2026-06-30"),
    "N_FISCAL_QUARTERS_AGO:2": ("2025-04-01", "2025-06-30"),
    "THIS_FISCAL_YEAR": ("2025-01-01", "2025-12-31"),
    "LAST_FISCAL_YEAR": ("2024-01-01", "2024-12-31"),
    "NEXT_FISCAL_YEAR": ("2026-01-01", "2026-12-31"),
    "LAST_N_FISCAL_YEARS:2": ("2023-01-01", "2024-12-31"),
    "NEXT_N_FISCAL_YEARS:2": ("2026-01-01", "2027-12-31"),
    "N_FISCAL_YEARS_AGO:2": ("2023-01-01", "2023-12-31"),
}


@pytest.mark.parametrize("literal", BY_HAND)
def test_a_date_literal_means_these_days(literal: str) -> None:
    """First and last day of each, on the last day of a year."""
    days = days_of(literal, NEW_YEARS_EVE)
    assert (days.first.isoformat(), (days.end - DAY).isoformat()) == BY_HAND[literal]


def test_every_literal_is_in_that_table() -> None:
    """None is carried that is not shown."""
    assert {one.partition(":")[0] for one in BY_HAND} == RELATIVE | COUNTED


def _days(start: date, count: int) -> Iterator[date]:
    return (start + number * DAY for number in range(count))


def test_neighbouring_spans_touch_on_every_day_of_four_years() -> None:
    """LAST, THIS and NEXT of a unit join without gap or overlap, and THIS holds today."""
    for today in _days(date(2023, 1, 1), 4 * 366):
        for unit in ("WEEK", "MONTH", "QUARTER", "YEAR"):
            last, this, following = (
                days_of(f"{when}_{unit}", today) for when in ("LAST", "THIS", "NEXT")
            )
            assert last.end == this.first <= today < this.end == following.first


def test_date_literals_filter_dates_and_times(org: Any) -> None:
    """By the org's clock."""
    freeze = {"freeze": "2025-12-31T22:00:00+00:00"}
    org.outside.post("/_sim/clock", json=freeze).raise_for_status()
    org.http.headers["authorization"] = f"Bearer {org.fetch_token()}"
    account = org.create("Account", Name="A")
    for name, day in (("old", "2024-12-31"), ("now", "2025-12-01"), ("soon", "2026-01-01")):
        org.opportunity(account, Name=name, CloseDate=day)
    for where, names in (
        ("CloseDate = THIS_YEAR", ["now"]),
        ("CloseDate < THIS_YEAR", ["old"]),
        ("CloseDate >= THIS_MONTH", ["now", "soon"]),
        ("CloseDate IN (LAST_YEAR, NEXT_N_DAYS:1)", ["old", "soon"]),
        ("CloseDate != LAST_N_MONTHS:12", ["now", "soon"]),
        ("CreatedDate = THIS_QUARTER AND CloseDate > TODAY", ["soon"]),
        ("CreatedDate = NEXT_WEEK", []),
    ):
        found = org.query(f"SELECT Name FROM Opportunity WHERE {where}")  # noqa: S608
        assert sorted(one["Name"] for one in found) == sorted(names), where
