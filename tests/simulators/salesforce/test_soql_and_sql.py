"""Salesforce simulator: the same question in SOQL and in SQL, over the same rows.

SQLite is the judge of what a query means. Where the languages differ, the SQL says what SOQL's
reference says: text ignores case, `!=` and NOT IN find empty fields, other comparisons do not.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote_plus

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.rest.request import RestRequest, split_target

quick = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
ACCOUNTS = (("Alpha", None, "DE"), ("beta", 0, None), ("Gamma 100%", 1, "us"))
"""Name, index of the parent, country."""
DEALS = tuple(
    (f"Deal {number:02d}", account, amount, day, kind)
    for number, (account, amount, day, kind) in enumerate(
        [
            (0, "10", "2026-01-31", "New Business"),
            (0, None, "2026-02-28", "new business"),
            (1, "0", "2025-12-31", None),
            (1, "10.5", "2026-01-31", "Existing Business"),
            (2, "1000000", "2027-01-01", "under_score"),
            (2, "-3", "2026-02-28", "underXscore"),
            (None, "10", "2026-03-01", "100%"),
            (None, None, "2024-02-29", "100 per cent"),
            (0, "99.99", "2026-01-01", None),
        ]
    )
)
"""Name, index of the account, amount, day of closing, type."""


@cache
def org() -> Org:
    """The rows in the simulator."""
    made = Org(SalesforceConfig("00D5i0000000001EAA", "client", "secret"))
    schema, ids = made.store.schema, []
    for name, parent, country in ACCOUNTS:
        body = {"Name": name, "BillingCountry": country}
        body["ParentId"] = None if parent is None else ids[parent]
        ids.append(made.dml.insert(schema.objects["account"], body))
    for name, account, amount, day, kind in DEALS:
        made.dml.insert(
            schema.objects["opportunity"],
            {
                "Name": name,
                "AccountId": None if account is None else ids[account],
                "Amount": None if amount is None else Decimal(amount),
                "CloseDate": day,
                "Type": kind,
                "StageName": "Prospecting",
            },
        )
    return made


@cache
def sql() -> sqlite3.Connection:
    """The rows in SQLite."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE account (id, name, parent, country)")
    database.execute("CREATE TABLE deal (id, name, account, amount REAL, day, kind)")
    rows = [(number, *one) for number, one in enumerate(ACCOUNTS)]
    database.executemany("INSERT INTO account VALUES (?, ?, ?, ?)", rows)
    deals = [(number, *one) for number, one in enumerate(DEALS)]
    database.executemany("INSERT INTO deal VALUES (?, ?, ?, ?, ?, ?)", deals)
    return database


def by_soql(text: str) -> list[tuple[Any, ...]]:
    """The values of each record."""
    base, segments, query = split_target(f"/services/data/v66.0/query?q={quote_plus(text)}")
    answer = org().api.handle(RestRequest("GET", base, segments, query, {}))
    records = json.loads(dumps(answer.body))["records"]
    return [tuple(value for name, value in one.items() if name != "attributes") for one in records]


def by_sql(text: str) -> list[tuple[Any, ...]]:
    return sql().execute(text).fetchall()


TABLES = (
    "FROM deal d LEFT JOIN account a ON a.id = d.account LEFT JOIN account p ON p.id = a.parent"
)


@dataclass(frozen=True)
class Both:
    """One condition in both languages."""

    soql: str
    sql: str


TEXTS = {
    "Name": "d.name",
    "Type": "d.kind",
    "Account.Name": "a.name",
    "Account.BillingCountry": "a.country",
}
TEXTS["Account.Parent.Name"] = "p.name"
NUMBERS = {"Amount": "d.amount"}
DAYS = {"CloseDate": "d.day"}
WORDS = ("New Business", "ALPHA", "beta", "100%", "under_score", "Deal 03", "de", "none", "")
PATTERNS = (
    "%",
    "a%",
    "%a%",
    "under_score",
    "under\\_score",
    "100\\%",
    "100%",
    "deal 0_",
    "%BUSINESS",
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text(field: str, operator: str, word: str) -> Both:
    column = TEXTS[field]
    if word == "":  # an empty text is no value
        return Both(f"{field} {operator} null", f"{column} IS {'NOT ' * (operator == '!=')}NULL")
    same = f"lower({column}) = lower({_quoted(word)})"
    meaning = {
        "=": same,
        "!=": f"({column} IS NULL OR NOT {same})",
    }.get(operator, f"lower({column}) {operator} lower({_quoted(word)})")
    return Both(f"{field} {operator} '{word}'", meaning)


def _like(field: str, pattern: str) -> Both:
    escaped = f"{TEXTS[field]} LIKE {_quoted(pattern)} ESCAPE '\\'"
    return Both(f"{field} LIKE '{pattern}'", f"({TEXTS[field]} IS NOT NULL AND {escaped})")


def _ordered(columns: dict[str, str], field: str, operator: str, value: str) -> Both:
    column = columns[field]
    shown = value if columns is NUMBERS else _quoted(value)
    meaning = f"{column} {operator} {shown}"
    if operator == "!=":
        meaning = f"({column} IS NULL OR {meaning})"
    return Both(f"{field} {operator} {value}", f"coalesce({meaning}, 0)")


def _listed(field: str, words: list[str], is_negated: bool) -> Both:
    inside = ", ".join(f"'{word}'" for word in words)
    folded = ", ".join(f"lower({_quoted(word)})" for word in words)
    column = TEXTS[field]
    meaning = f"coalesce(lower({column}) IN ({folded}), 0)"
    word = "NOT IN" if is_negated else "IN"
    return Both(f"{field} {word} ({inside})", f"{'NOT ' * is_negated}{meaning}")


def _joined(word: str, parts: list[Both]) -> Both:
    return Both(
        "(" + f" {word} ".join(one.soql for one in parts) + ")",
        "(" + f" {word} ".join(one.sql for one in parts) + ")",
    )


EQUALITIES = st.sampled_from(["=", "!="])
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
texts = st.sampled_from(sorted(TEXTS))
leaves = st.one_of(
    st.builds(_text, texts, EQUALITIES, st.sampled_from(WORDS)),
    st.builds(_text, texts, OPERATORS, st.sampled_from([one for one in WORDS if one])),
    st.builds(_like, texts, st.sampled_from(PATTERNS)),
    st.builds(
        _ordered,
        st.just(NUMBERS),
        st.just("Amount"),
        OPERATORS,
        st.sampled_from(["0", "10", "10.50", "-3", "99.99"]),
    ),
    st.builds(
        _ordered,
        st.just(DAYS),
        st.just("CloseDate"),
        OPERATORS,
        st.sampled_from(["2026-01-31", "2024-02-29", "2026-03-01", "2030-01-01"]),
    ),
    st.builds(
        _listed,
        texts,
        st.lists(st.sampled_from([one for one in WORDS if one]), min_size=1, max_size=3),
        st.booleans(),
    ),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(
        _joined, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=6,
)
orders = st.lists(
    st.tuples(
        st.sampled_from(["Amount", "CloseDate", "Account.Name", "Account.Parent.Name"]),
        st.sampled_from(["ASC", "DESC"]),
        st.sampled_from(["FIRST", "LAST"]),
    ),
    max_size=3,
)


@quick
@given(conditions, orders, st.integers(0, 10), st.integers(0, 5))
def test_the_same_rows_come_in_the_same_order(
    where: Both, order: list[tuple[str, str, str]], limit: int, offset: int
) -> None:
    """WHERE over three objects, ORDER BY with empty fields first or last, LIMIT and OFFSET."""
    columns = {**TEXTS, **NUMBERS, **DAYS}
    soql_terms = [f"{field} {way} NULLS {nulls}" for field, way, nulls in order]
    sql_terms = [
        f"{f'lower({columns[field]})' if field in TEXTS else columns[field]} {way} NULLS {nulls}"
        for field, way, nulls in order
    ]
    soql_order, sql_order = ", ".join([*soql_terms, "Name"]), ", ".join([*sql_terms, "d.name"])
    cut = f"LIMIT {limit} OFFSET {offset}"
    found = by_soql(f"SELECT Name FROM Opportunity WHERE {where.soql} ORDER BY {soql_order} {cut}")  # noqa: S608
    assert found == by_sql(f"SELECT d.name {TABLES} WHERE {where.sql} ORDER BY {sql_order} {cut}")


@quick
@given(
    conditions,
    st.sampled_from(["Account.Name", "CloseDate", "Account.Parent.Name"]),
    st.sampled_from(["COUNT(Id) > 1", "SUM(Amount) > 10", "MIN(CloseDate) < 2026-01-31"]),
)
def test_the_same_groups_come_with_the_same_sums(where: Both, key: str, having: str) -> None:
    """GROUP BY, the five aggregates that have one meaning, and HAVING."""
    column = {**TEXTS, **DAYS}[key]
    found = by_soql(
        f"SELECT {key} k, COUNT(Id) n, COUNT(Amount) f, COUNT_DISTINCT(Amount) c, SUM(Amount) s,"  # noqa: S608
        f" MIN(Amount) l, MAX(CloseDate) m FROM Opportunity WHERE {where.soql}"
        f" GROUP BY {key} HAVING {having}"
    )
    meaning = having.replace("Id", "d.id").replace("Amount", "d.amount")
    meaning = meaning.replace("CloseDate", "d.day").replace("2026-01-31", "'2026-01-31'")
    wanted = by_sql(
        f"SELECT {column}, COUNT(d.id), COUNT(d.amount), COUNT(DISTINCT d.amount), SUM(d.amount),"
        f" MIN(d.amount), MAX(d.day) {TABLES} WHERE {where.sql} GROUP BY {column} HAVING {meaning}"
    )
    assert sorted(map(_rounded, found)) == sorted(map(_rounded, wanted))


def _rounded(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Sums of SQLite are doubles; those of the simulator are exact."""
    return tuple(f"{one:.6f}" if isinstance(one, int | float) else str(one) for one in row)


@quick
@given(conditions, st.booleans())
def test_joins_find_the_same_accounts(where: Both, is_anti: bool) -> None:
    """IN and NOT IN of a subquery with any condition."""
    word = "NOT IN" if is_anti else "IN"
    found = by_soql(
        f"SELECT Name FROM Account WHERE Id {word}"  # noqa: S608
        f" (SELECT AccountId FROM Opportunity WHERE {where.soql})"
    )
    wanted = by_sql(
        f"SELECT name FROM account x WHERE x.id {word}"  # noqa: S608
        f" (SELECT d.account {TABLES} WHERE {where.sql} AND d.account IS NOT NULL)"
    )
    assert sorted(found) == sorted(wanted)
