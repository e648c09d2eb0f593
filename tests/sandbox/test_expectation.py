"""What must come of a load is counted from the files alone (SN-2)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dealthread.sandbox import expectation
from dealthread.sandbox.dataset import read_dataset, select
from dealthread.sandbox.expectation import COMPLETED, UNMAPPED, WITHOUT_ACCOUNT, expected

CRM_FOLDER = Path(__file__).resolve().parents[1] / "data" / "crm"


@pytest.mark.parametrize(
    ("limit", "completed", "unmapped", "without_account", "net"),
    [
        (1, 1, 0, 0, 498),
        (10, 8, 2, 0, 498 + 58 + 3299 + 5211 + 540 + 61 + 25110 + 1080),
        (20, 17, 3, 1, 53015 - 4645),
        (40, 17, 3, 2, 53015 - 4645),
    ],
)
def test_our_own_set_has_the_counts_that_a_person_counted(
    limit: int, completed: int, unmapped: int, without_account: int, net: int
) -> None:
    """Counted by hand in tests/data/crm; a limit above the won rows takes all of them."""
    found = expected(CRM_FOLDER, limit)
    assert found.count(COMPLETED) == completed
    assert found.count(UNMAPPED) == unmapped
    assert found.count(WITHOUT_ACCOUNT) == without_account
    assert found.completed_net == net


def test_a_won_row_without_value_is_expected_at_its_list_price(tmp_path: Path) -> None:
    for name in ("products.csv", "sales_pipeline.csv"):
        text = (CRM_FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("1/7/2019,498", "1/7/2019,"), encoding="utf-8")
    assert expected(tmp_path, 1).completed_net == 520


def test_a_row_without_account_waits_whatever_its_product() -> None:
    """DT000020 names an unknown product and no account: the account is missed first."""
    assert expected(CRM_FOLDER, 60).fate["DT000020"] == WITHOUT_ACCOUNT


@pytest.mark.parametrize("limit", [1, 7, 20, 40, 60])
def test_the_loader_takes_the_rows_that_are_expected(limit: int) -> None:
    """Two readers of the files, written apart, agree on the rows."""
    rows = select(read_dataset(CRM_FOLDER), limit)
    assert [row.number for row in rows] == list(expected(CRM_FOLDER, limit).fate)


def test_the_reader_knows_nothing_of_the_product() -> None:
    """It imports the standard library only, so an error of ours cannot hide in it."""
    tree = ast.parse(Path(expectation.__file__).read_text(encoding="utf-8"))
    modules = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert modules == {"__future__", "csv", "dataclasses", "decimal", "pathlib"}
