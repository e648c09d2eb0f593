"""SC-06: what stands in our tables in clear text can hold no personal data."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

import activities
from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill, BillPayment, PaidBill
from dealthread.domain.party import BuyerSnapshot, Contact, Party
from dealthread.domain.personal import personal_field
from dealthread.domain.posting_summary import Member


class Nested(Carried):
    """Of itself, and of tuples and mappings."""

    below: tuple[Nested, ...] = ()
    by_purpose: dict[str, list[Contact]] = {}


def results() -> Iterator[tuple[str, type[BaseModel]]]:
    """Types of the results of writes and undos, as the activities name them."""
    for found in pkgutil.iter_modules(activities.__path__):
        module = importlib.import_module(f"activities.{found.name}")
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.keyword) and node.arg == "result_type":
                assert isinstance(node.value, ast.Name), "a result type is named"
                yield f"{found.name}:{node.value.lineno}", getattr(module, node.value.id)


RESULTS = dict(results())


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (Bill, "Bill.buyer"),
        (Member, "Member.invoice.buyer"),
        (Nested, "Nested.by_purpose"),
        (Party, "Party"),
        (BuyerSnapshot, "BuyerSnapshot"),
        (BillPayment, ""),
        (PaidBill, ""),
    ],
)
def test_where_a_model_can_hold_personal_data_is_found(model: type[BaseModel], path: str) -> None:
    assert personal_field(model) == path


@pytest.mark.parametrize("place", sorted(RESULTS))
def test_no_result_of_a_write_can_hold_personal_data(place: str) -> None:
    """The write journal keeps it as it is."""
    assert personal_field(RESULTS[place]) == ""


def test_the_writes_are_found() -> None:
    assert PaidBill in RESULTS.values()
    assert len(RESULTS) > 30
