"""The form refuses what it cannot mean, and names the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dealthread.domain.statement.form import ContractForm
from dealthread.domain.statement.statement import statement_of
from tests.unit.statement.forms import change, fields, form, seats

USAGE = {"key": "calls", "charge": "usage", "unit_price": "1"}
EURO = {"amount": "1.00", "currency": "EUR"}
FLAT = {"model": "flat", "amount": {"amount": "100.00", "currency": "USD"}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"currency": "XXX"}, "unknown currency"),
        ({"start": 20260101}, "a day is text"),
        ({"start": "0001-01-01"}, "a year from 1970"),
        ({"start": "soon"}, "Invalid isoformat"),
        ({"end": "2026-01-01"}, "end: not after the start"),
        ({"end": "2077-01-01"}, "end: more than 50 years"),
        ({"convention": "mine"}, "convention: 'mine' is none of house, stripe"),
        ({"time_zone": "Atlantis"}, "time_zone: 'Atlantis' is not a known"),
        ({"time_zone": "America"}, "time_zone: 'America' is not a known"),
        ({"billing_months": True}, "billing_months"),
        ({"cycle_day": 32}, "less than or equal to 31"),
        ({"is_evergreen": "yes"}, "is_evergreen"),
        ({"colour": "red"}, "Extra inputs"),
        ({"lines": []}, "at least 1 item"),
        ({"lines": [seats(), seats()]}, "lines: a key stands twice"),
        ({"lines": [seats(unit_price=365)]}, "write the number as text"),
        ({"lines": [seats(unit_price="-1")]}, "greater than or equal to 0"),
        ({"lines": [seats(key="a/b")]}, "should match pattern"),
        ({"lines": [seats(unit_price="three")]}, "not a decimal number"),
        ({"lines": [seats(quantity="-1")]}, "greater than or equal to 0"),
        ({"lines": [seats(quantity="0.0000000000001")]}, "no more than 12 decimal places"),
        ({"lines": [seats(price=FLAT)]}, "unit_price: give it or a price model"),
        ({"lines": [{"key": "seats"}]}, "unit_price: give it or a price model"),
        ({"lines": [seats(unit_price="0.0000000000001")]}, "no more than 12 decimal places"),
        ({"lines": [seats(tax_percent="101")]}, "less than or equal to 100"),
        ({"lines": [seats(start="2026-02-01", end="2026-02-01")]}, "end: not after the start"),
        ({"lines": [seats(start="2025-01-01")]}, "lines.0.start, end: outside"),
        ({"lines": [seats(revenue="usage")]}, "revenue: usage belongs"),
        ({"lines": [USAGE | {"milestones": [{"reached_on": "2026-05-01"}]}]}, "milestones: "),
        ({"lines": [seats(selling_price={"unit": "0"})]}, "greater than 0"),
        ({"lines": [seats(selling_price={"unit": "5", "high": "4"})]}, "high: below low"),
        ({"lines": [seats(unit_price="1000000000000")]}, "less than 1000000000000"),
        (
            {"lines": [USAGE | {"usage": [{"until": "2027-01-01", "quantity": "1"}]}]},
            "lines.0.usage: outside",
        ),
        (
            {"lines": [USAGE | {"usage": [{"until": "2026-01-01", "quantity": "1"}] * 2}]},
            "usage: its days are not in order",
        ),
        (
            {"periods": [{"start": "2026-01-01", "end": "2026-01-01", "state": "open"}]},
            "end: not after the start",
        ),
        ({"lines": [seats(revenue="milestone")]}, "milestones: belong to revenue by milestone"),
        (
            {"lines": [seats(usage=[{"until": "2026-01-31", "quantity": "1"}])]},
            "usage: belongs to charges of usage",
        ),
        (
            {"lines": [{"key": "a", "price": FLAT | {"amount": EURO}}]},
            "lines.0.price: in EUR, not USD",
        ),
        ({"changes": [change("add", line="desks")]}, "changes.0.line: 'desks' is no line"),
        ({"changes": [change("add"), change("add")]}, "changes: a key stands twice"),
        ({"changes": [change("extend")]}, "changes.0.kind: extend is told as a line of its own"),
        ({"changes": [change("add", effective_on="2027-01-01")]}, "changes.0.effective_on: outs"),
        (
            {"lines": [USAGE], "changes": [change("add", line="calls")]},
            "changes.0.line: 'calls' does not recur",
        ),
    ],
)  # fmt: skip
def test_a_form_that_contradicts_itself_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        form(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"changes": [change("add", quantity="10")]}, r"^changes\.0\.quantity: adding leaves"),
        ({"changes": [change("reduce")]}, r"^changes\.0\.quantity: reducing leaves"),
        ({"changes": [change("price")]}, r"^changes\.0\.unit_price: a change of price"),
        ({"changes": [change("add", quantity="12")]}, r"^changes\.0: ssp_low, ssp_high: needed"),
        ({"changes": [change("reduce", quantity="5", reason="error")]}, "row M1.* is decided with"),
        (
            {
                "changes": [
                    change("reduce", quantity="5", accepted_on="2026-08-01"),
                    change("reduce", key="A2", quantity="4", accepted_on="2026-09-01")
                    | {"effective_on": "2026-06-01"},
                ]
            },
            r"^changes\.1\.effective_on: before that of A1",
        ),
        (
            {"billing_months": 1, "lines": [seats(unit_price="100.00")]},
            r"^lines\.0\.per_months: the price for 12 months is no exact price",
        ),
        ({"convention": "lago"}, "^cycle_day: lago bills on a fixed day"),
        (
            {"lines": [seats(selling_price={"unit": "365.00"}), {"key": "x", "unit_price": "1"},
                       {"key": "y", "unit_price": "1"}]},
            "^ssp: more than one obligation has none",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        statement_of(form(**changed))


def test_a_form_comes_back_from_json_as_it_was() -> None:
    given = form(changes=[change("reduce", quantity="5")])
    assert ContractForm.model_validate_json(given.model_dump_json()) == given
    assert ContractForm.model_validate(given.model_dump()) == given
    assert given.model_dump(mode="json")["lines"][0]["unit_price"] == "365.00"
    assert fields()["contract"] == given.contract
