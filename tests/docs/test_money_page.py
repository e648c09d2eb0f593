"""The figures of docs/money.md are those of the commands that it names."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dealthread.domain.periods.presets import PRESETS
from dealthread.domain.statement.form import (
    AccountsForm,
    ChangeForm,
    ContractForm,
    LineForm,
)
from dealthread.domain.statement.past_form import PastForm, PastLineForm
from tests.cli.conftest import Run, run

__all__ = ["run"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "money.md").read_text(encoding="utf-8")


def rows(name: str) -> dict[str, list[str]]:
    """The rows of a marked table: first cell, then the others."""
    text = PAGE.split(f"<!-- {name}: begin -->")[1].split(f"<!-- {name}: end -->")[0]
    cells = [line.strip("| ").split(" | ") for line in text.strip().splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in cells}


def computed(run: Run, verb: str, file: str, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        run("money", verb, str(DOCS / "money" / file), "--json", *more).out
    )
    return found


def told(amount: dict[str, str]) -> str:
    return f"{Decimal(amount['amount']):,}"


def test_every_convention_stands_in_the_table() -> None:
    assert list(rows("conventions")) == ["house", *PRESETS]


@pytest.mark.parametrize("convention", ["house", *PRESETS])
def test_a_convention_makes_of_the_example_what_the_page_says(run: Run, convention: str) -> None:
    found = computed(run, "preview", "conventions.json", "--convention", convention)
    documents = found["documents"]
    (fewer,) = [one["lines"] for one in documents if one["change"] == "fewer"]
    (end,) = [one["lines"] for one in documents if one["change"] == "end"]
    figures = [documents[0]["net"], fewer[0]["net"], fewer[1]["net"], end[0]["net"]]
    assert rows("conventions")[convention][:4] == [told(figure) for figure in figures]


def test_each_method_makes_of_the_example_what_the_page_says(run: Run) -> None:
    found: dict[str, list[str]] = {}
    for row in computed(run, "schedule", "schedules.json")["revenue"]:
        found.setdefault(row["obligation"], []).append(told(row["amount"]))
    page = {
        key: [cell for cell in cells[:-1] if cell.strip()] for key, cells in rows("methods").items()
    }
    assert page == found


def test_the_published_lines_are_of_the_system_that_the_page_names(run: Run) -> None:
    found = computed(run, "infer-convention", "past.json")
    assert found["presets"] == ["kill_bill"]
    missed = {one["convention"]: one for one in found["misses"]}["kill_bill_fixed_30"]
    assert f"`kill_bill_fixed_30` fails at the\nsecond line with {told(missed['computed'])}" in PAGE
    assert missed["line"] == 2


@pytest.mark.parametrize(
    "form", [ContractForm, LineForm, ChangeForm, AccountsForm, PastForm, PastLineForm]
)
def test_every_field_of_the_form_is_described(form: type[ContractForm]) -> None:
    for name in form.model_fields:
        assert f"`{name}`" in PAGE, f"{form.__name__}.{name}"
