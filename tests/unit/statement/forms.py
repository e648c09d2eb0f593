"""The worked deals as forms, and small forms for one behaviour each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dealthread.domain.statement.form import ContractForm
from dealthread.domain.statement.statement import Statement, statement_of

FORMS = Path(__file__).resolve().parents[3] / "docs" / "money"


def deal(name: str) -> Statement:
    """The statement of a worked deal of docs/money."""
    return statement_of(ContractForm.model_validate_json((FORMS / f"{name}.json").read_text()))


def fields(**changed: Any) -> dict[str, Any]:
    """Ten seats at 100.00 a year for 2026, with fields replaced."""
    plain: dict[str, Any] = {
        "contract": "C1",
        "legal_entity": "US01",
        "currency": "USD",
        "start": "2026-01-01",
        "end": "2027-01-01",
        "lines": [seats()],
    }
    return plain | changed


def seats(**changed: Any) -> dict[str, Any]:
    """A line of ten seats."""
    return {"key": "seats", "quantity": "10", "unit_price": "365.00"} | changed


def change(kind: str, **changed: Any) -> dict[str, Any]:
    """A change of the seats on 1 July."""
    return {
        "key": "A1",
        "line": "seats",
        "kind": kind,
        "accepted_on": "2026-07-01",
        "effective_on": "2026-07-01",
    } | changed


def form(**changed: Any) -> ContractForm:
    """The form of `fields`, through JSON as a file would be."""
    return ContractForm.model_validate_json(json.dumps(fields(**changed)))
