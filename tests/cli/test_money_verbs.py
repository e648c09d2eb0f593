"""`dealthread money`: figures for people and programs; bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

FORMS = Path(__file__).resolve().parents[2] / "docs" / "money"
D1, D2 = str(FORMS / "d1.json"), str(FORMS / "d2.json")
PAST = FORMS / "past.json"


def test_preview_shows_the_documents_of_the_first_worked_deal(run: Run) -> None:
    said = run("money", "preview", D1)
    assert said.code == 0
    for amount in ("15,891.00", "-6,805.48", "9,527.67", "2,901.86", "18,792.86 USD"):
        assert amount in said.out


def test_schedule_shows_months_treatment_and_deferred_revenue(run: Run) -> None:
    out = run("money", "schedule", D2).out
    for words in ("1,265.10", "6,021.37", "prospective", "M4", "recognised 15,558.25 EUR"):
        assert words in out


def test_explain_shows_formula_and_inputs(run: Run) -> None:
    out = run("money", "explain", D1).out
    assert "quantity 50, price 270 USD, part 2026-07-01" in out
    assert "share 184/365" in out
    assert "row M2 of the table of modifications" in out


@pytest.mark.parametrize(
    ("verb", "field"), [("preview", "documents"), ("schedule", "journals"), ("explain", "workings")]
)
def test_json_holds_amounts_as_text(run: Run, verb: str, field: str) -> None:
    found: dict[str, Any] = json.loads(run("money", verb, D1, "--json").out, parse_float=_refused)
    assert found["contract"] == "D1"
    assert found[field]


def _refused(text: str) -> float:
    raise AssertionError(f"a binary float in the output: {text}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, column 1: not JSON"),
        ("[1", "line 1, column 3: not JSON"),
        ("[]", "Input should be a valid dictionary"),
        ("{}", "contract: Field required (and 5 more)"),
        ('{"a": 1, "a": 2}', "a: stands twice"),
        ("[" * 100_000, "nested too deep"),
        ("9" * 5000, "a number of 5,000 digits: at most 100"),
    ],
)
def test_a_file_that_is_no_form_is_one_line(run: Run, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "form.json"
    file.write_text(text)
    refused = run("money", "preview", str(file))
    assert refused.code == 1
    assert refused.error.startswith(f"{file}: ")
    assert said in refused.error
    assert len(refused.err.strip().splitlines()) == 1


def test_a_file_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    assert "No such file" in run("money", "preview", str(tmp_path / "none.json")).error
    assert "directory" in run("money", "explain", str(tmp_path)).error
    file = tmp_path / "latin.json"
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in run("money", "schedule", str(file)).error


def test_a_field_that_contradicts_is_named_with_the_file(run: Run, tmp_path: Path) -> None:
    form = json.loads((FORMS / "d1.json").read_text())
    form["changes"][0]["quantity"] = "20"
    file = tmp_path / "d1.json"
    file.write_text(json.dumps(form))
    assert run("money", "preview", str(file)).error == (
        f"{file}: changes.0.quantity: adding leaves more than 50"
    )


def test_another_convention_is_asked_for_by_name(run: Run) -> None:
    file = str(FORMS / "conventions.json")
    assert "-756.52" in run("money", "preview", file, "--convention", "lago").out
    assert (
        "convention: 'mine' is none of house, stripe"
        in run("money", "preview", file, "--convention", "mine").error
    )


def test_past_invoices_tell_their_convention_and_what_stays_open(run: Run) -> None:
    said = run("money", "infer-convention", str(PAST))
    assert said.code == 0
    assert "2 lines reproduced by: kill_bill\n" in said.out
    assert "leading stub    whole period" in said.out
    assert "down, half even, half up" in said.out
    assert "-483.83  -479.96" in said.out


def test_invoices_that_no_convention_makes_are_a_problem_found(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(PAST.read_text(encoding="utf-8").replace('"733.33"', '"1000.01"'))
    said = run("money", "infer-convention", str(file))
    assert said.code == 1
    assert "2 lines reproduced by: no known system" in said.out
    assert "no set of choices reproduces every line" in said.out
    found: dict[str, Any] = json.loads(run("money", "infer-convention", str(file), "--json").out)
    assert (found["sets"], found["presets"]) == (0, [])


def test_lines_that_settle_all_systems_alike_miss_none(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    form = json.loads(PAST.read_text(encoding="utf-8"))
    (line,) = form["lines"][:1]
    line |= {"cycle_day": 31, "amount": "1000.00"}
    file.write_text(json.dumps({**form, "lines": [line]}))
    said = run("money", "infer-convention", str(file))
    assert "1 line reproduced by: stripe, " in said.out
    assert "does not reproduce" not in said.out


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("amount", "733.333", "lines.0: USD has 2 decimals"),
        ("amount", 733.33, "lines.0.amount: write the number as text"),
        ("amount", "-1.00", "lines.0: amount: that of a charge is not below nought"),
        ("unit_price", "-1", "lines.0.unit_price: "),
        ("at", "2011-01-31T10:00:00", "lines.0.at: an instant without a zone is refused"),
        ("at", "1011-01-31", "lines.0.at: a year from 1970"),
        ("at", 20110131, "lines.0.at: a day or an instant is text"),
        ("at", "soon", "lines.0.at: a year from 1970"),
        ("kind", "gift", "lines.0.kind: "),
        ("cycle_day", 32, "lines.0.cycle_day: "),
        ("billing_days", 7, "lines.0: billing_months: exactly one of"),
    ],
)
def test_a_past_line_that_cannot_be_is_refused_by_field(
    run: Run, tmp_path: Path, field: str, value: object, said: str
) -> None:
    form = json.loads(PAST.read_text(encoding="utf-8"))
    form["lines"][0][field] = value
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(form))
    refused = run("money", "infer-convention", str(file))
    assert refused.code == 1
    assert refused.error.startswith(f"{file}: {said}")


def test_a_past_form_is_of_a_known_zone_and_of_lengths_that_have_a_cycle_day(
    run: Run, tmp_path: Path
) -> None:
    form = json.loads(PAST.read_text(encoding="utf-8"))
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({**form, "time_zone": "Mars/Olympus"}))
    assert "time_zone: " in run("money", "infer-convention", str(file)).error
    form["lines"][0] |= {"billing_months": None, "billing_days": 7}
    file.write_text(json.dumps(form))
    assert "cycle_day: only periods of months" in run("money", "infer-convention", str(file)).error


def test_periods_of_days_are_given_by_their_days(run: Run, tmp_path: Path) -> None:
    week = {
        "kind": "credit", "service_start": "2026-06-01", "billing_days": 7, "unit_price": "70.00",
        "at": "2026-06-03", "amount": "-50.00",
    }  # fmt: skip
    file = tmp_path / "week.json"
    file.write_text(json.dumps({"currency": "USD", "lines": [week]}))
    assert "1 line reproduced by: stripe, " in run("money", "infer-convention", str(file)).out
