"""The five worked deals from their forms in docs/money: documents, tax, revenue, ledger, ties.

Figures: the fact sheet, §9.6–9.9 of `facts/domain.md`. Receipts, fees, write-offs and exchange
differences are not of the contract; `tests/unit/revenue/test_d1_…` to `test_d5_…` have them.
"""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.money import Money
from dealthread.domain.revenue.journal import Side
from dealthread.domain.statement.documents import Document
from dealthread.domain.statement.statement import Statement
from tests.unit.statement.forms import deal


def told(document: Document) -> str:
    return " ".join(
        [
            document.kind.value,
            str(document.issue_date),
            *(f"{amount.amount:,}" for amount in (document.net, document.tax, document.gross)),
        ]
    )


DOCUMENTS = {
    "d1": [
        "invoice 2026-01-01 15,000.00 891.00 15,891.00",
        "invoice 2026-07-01 2,722.19 179.67 2,901.86",
    ],
    "d2": [
        "invoice 2026-03-15 17,760.00 3,374.40 21,134.40",
        "credit_note 2026-09-15 -2,201.75 -418.33 -2,620.08",
    ],
    "d3": [
        "invoice 2026-04-01 400.00 80.00 480.00",
        "invoice 2026-05-01 2,337.04 467.41 2,804.45",
    ],
    "d4": [
        "invoice 2026-02-01 43,200.00 3,834.00 47,034.00",
        "invoice 2027-02-01 64,800.00 5,751.00 70,551.00",
        "invoice 2028-02-01 86,400.00 7,668.00 94,068.00",
    ],
    "d5": ["invoice 2026-06-01 12,000.00 0.00 12,000.00"],
}
MONTHS = {
    "d1": {
        "seats": "1,061.64 958.90 1,061.64 1,027.40 1,061.64 1,027.40 "
        "1,061.64 1,061.64 1,027.40 1,061.64 1,027.40 1,061.66",
        "onboarding": "2,500.00",
        "seats/A1": "458.63 458.63 443.84 458.63 443.84 458.62",
    },
    "d2": {
        "seats": "827.18 1,459.73 1,508.38 1,459.73 1,508.38 1,508.38 1,265.10 1,131.29 "
        "1,094.79 1,131.29 1,131.29 1,021.81 510.90"
    },
    "d3": {"platform": "400.00 400.00", "calls": "1,937.04"},
    "d4": {
        "year 1": "3,313.97 3,669.04 3,550.68 3,669.04 3,550.68 3,669.04 3,669.04 3,550.68 "
        "3,669.04 3,550.68 3,669.04 3,669.07",
        "year 2": "4,970.96 5,503.56 5,326.03 5,503.56 5,326.03 5,503.56 5,503.56 5,326.03 "
        "5,503.56 5,326.03 5,503.56 5,503.56",
        "year 3": "6,845.90 7,318.03 7,081.97 7,318.03 7,081.97 7,318.03 7,318.03 7,081.97 "
        "7,318.03 7,081.97 7,318.03 7,318.04",
    },
    "d5": {
        "seats": "393.98 407.11 407.11 393.98 407.11 393.98 407.11 407.11 367.72 407.11 393.98 "
        "407.11 393.98 407.11 407.11 393.98 407.11 393.98 407.11 407.11 380.85 407.11 393.98 "
        "407.16",
        "onboarding": "2,400.00",
    },
}
# Recognised in 2026 and deferred on 2026-12-31, once what is billed later is left out.
POSITIONS = {
    "d1": ("17,722.19", "0.00"),
    "d2": ("12,894.25", "2,664.00"),
    "d3": ("2,737.04", "0.00"),
    "d4": ("39,530.93", "3,669.07"),
    "d5": ("5,210.38", "6,789.62"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_and_their_estimated_tax(name: str) -> None:
    assert [told(document) for document in deal(name).documents] == DOCUMENTS[name]


@pytest.mark.parametrize("name", MONTHS)
def test_revenue_by_month(name: str) -> None:
    found: dict[str, list[str]] = {}
    for row in deal(name).revenue:
        found.setdefault(row.obligation, []).append(f"{row.amount.amount:,}")
    assert found == {key: amounts.split() for key, amounts in MONTHS[name].items()}


@pytest.mark.parametrize("name", POSITIONS)
def test_position_at_the_end_of_2026(name: str) -> None:
    found = deal(name)
    of_2026 = [row for row in found.deferred if row.month < date(2027, 1, 1)]
    recognised = Money.total((row.recognised for row in of_2026), found.currency)
    told = (f"{recognised.amount:,}", f"{of_2026[-1].deferred.amount:,}")
    assert told == POSITIONS[name]


@pytest.mark.parametrize("name", POSITIONS)
def test_what_is_billed_is_recognised_in_the_end_and_ties_to_the_ledger(name: str) -> None:
    """T3 and T11: deferred revenue less the unbilled asset is the balance of its accounts."""
    found = deal(name)
    assert found.recognised == found.net
    assert not found.deferred[-1].closing
    assert balance(found, "2300") == balance(found, "1150") == Money.zero(found.currency)
    tax = {"d1": "2110-TX", "d4": "2110-NY"}.get(name, "2120")
    assert balance(found, tax) == -found.tax


def balance(found: Statement, account: str) -> Money:
    lines = (line for journal in found.journals for line in journal.lines)
    return Money.total((line.signed for line in lines if line.account == account), found.currency)


def booked(found: Statement, day: date) -> dict[str, str]:
    """Signed amounts by account of the entries of one day; credits below zero."""
    sums: dict[str, Money] = {}
    for journal in found.journals:
        for line in journal.lines if journal.posting_date == day else ():
            sums[line.account] = sums.get(line.account, found.net - found.net) + line.signed
    return {account: f"{amount.amount:,}" for account, amount in sums.items()}


@pytest.mark.parametrize(
    ("name", "day", "amounts"),
    [
        ("d1", date(2026, 1, 1), {"1100": "15,891.00", "2300": "-15,000.00", "2110-TX": "-891.00"}),
        ("d1", date(2026, 1, 31), {"2300": "1,061.64", "4000": "-1,061.64"}),
        ("d1", date(2026, 2, 13), {"2300": "2,500.00", "4200": "-2,500.00"}),
        ("d1", date(2026, 7, 1), {"1100": "2,901.86", "2300": "-2,722.19", "2110-TX": "-179.67"}),
        ("d2", date(2026, 3, 15), {"1100": "21,134.40", "2300": "-17,760.00", "2120": "-3,374.40"}),
        ("d2", date(2026, 9, 15), {"2210": "-2,620.08", "2300": "2,201.75", "2120": "418.33"}),
        ("d3", date(2026, 4, 1), {"1100": "480.00", "2300": "-400.00", "2120": "-80.00"}),
        (
            "d3",
            date(2026, 4, 30),
            {"1150": "1,937.04", "2300": "400.00", "4100": "-1,937.04", "4000": "-400.00"},
        ),
        (
            "d3",
            date(2026, 5, 1),
            {"1100": "2,804.45", "1150": "-1,937.04", "2300": "-400.00", "2120": "-467.41"},
        ),
        ("d3", date(2026, 5, 31), {"2300": "400.00", "4000": "-400.00"}),
        (
            "d4",
            date(2026, 2, 1),
            {"1100": "47,034.00", "2300": "-43,200.00", "2110-NY": "-3,834.00"},
        ),
    ],
)  # fmt: skip
def test_journals_that_must_appear(name: str, day: date, amounts: dict[str, str]) -> None:
    assert booked(deal(name), day) == amounts


def test_treatments() -> None:
    assert [decision.row for decision in deal("d1").decisions] == ["M2"]
    assert [decision.row for decision in deal("d2").decisions] == ["M4"]


def test_a_credit_names_the_document_that_it_corrects() -> None:
    (credit, charge) = deal("d2").documents[1].lines
    assert (credit.corrects, charge.corrects) == (1, None)
    assert credit.net == Money.of("-8807.01", "EUR")
    assert charge.net == Money.of("6605.26", "EUR")


@pytest.mark.parametrize("name", POSITIONS)
def test_a_statement_comes_back_from_json_as_it_was(name: str) -> None:
    found = deal(name)
    assert Statement.model_validate_json(found.model_dump_json()) == found


def test_sides_are_never_below_zero() -> None:
    for name in POSITIONS:
        for journal in deal(name).journals:
            assert all(line.amount.amount > 0 for line in journal.lines)
            assert {line.side for line in journal.lines} == {Side.DEBIT, Side.CREDIT}
