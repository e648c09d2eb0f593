"""Sales data becomes customers and deals by the conventions of the load (SN-2)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dealthread.sandbox.dataset import (
    Account,
    by_level,
    customer_of,
    into_year,
    read_dataset,
    sale_of,
    select,
)
from dealthread.sandbox.errors import SandboxError

CRM_FOLDER = Path(__file__).resolve().parents[1] / "data" / "crm"
TODAY = date(2026, 3, 15)
DATASET = read_dataset(CRM_FOLDER)
ROWS = {row.number: row for row in DATASET.pipeline}
SOMEBODY = customer_of(DATASET.accounts["Cedar Loom"], 1)


def test_a_won_row_is_a_year_from_its_close_in_the_current_fiscal_year() -> None:
    """One unit at the close value, 12 months, yearly in advance, bank transfer, 30 days."""
    sale = sale_of(ROWS["DT000001"], SOMEBODY, DATASET, TODAY)
    assert (sale.closed_on, sale.start, sale.last_day, sale.term_months) == (
        date(2026, 1, 7),
        date(2026, 1, 7),
        date(2027, 1, 6),
        12,
    )
    assert [(line.product, line.quantity, line.unit_price) for line in sale.lines] == [
        ("GTX Basic", Decimal(1), Decimal(498))
    ]
    assert (sale.seller, sale.frequency, sale.collection, sale.payment_terms) == (
        "US01",
        "yearly",
        "bank_transfer",
        "NET30",
    )
    assert sale.waived_rules == "V21"


def test_a_leap_day_becomes_the_28th_where_there_is_none() -> None:
    assert into_year(date(2020, 2, 29), 2026) == date(2026, 2, 28)
    assert into_year(date(2020, 2, 29), 2028) == date(2028, 2, 29)
    assert sale_of(ROWS["DT000027"], SOMEBODY, DATASET, TODAY).start == date(2026, 2, 28)


def test_a_row_without_close_date_takes_its_engage_date_else_the_business_day() -> None:
    assert sale_of(ROWS["DT000006"], SOMEBODY, DATASET, TODAY).start == date(2026, 1, 3)
    assert sale_of(ROWS["DT000008"], SOMEBODY, DATASET, TODAY).start == TODAY


def test_a_row_without_value_takes_the_list_price_and_0_where_no_list_names_the_product() -> None:
    priced = sale_of(ROWS["DT000006"], SOMEBODY, DATASET, TODAY).lines[0]
    assert (priced.product, priced.unit_price) == ("GTX Pro", Decimal(4700))
    assert sale_of(ROWS["DT000020"], SOMEBODY, DATASET, TODAY).lines[0].unit_price == 0


def test_only_open_rows_without_account_are_forced() -> None:
    """Never a lost row, never an open row that names its account."""
    forced = [row for row in select(DATASET, 200) if row.is_forced]
    assert [row.number for row in forced] == ["DT000006", "DT000008", "DT000020", "DT000029"]
    assert not any(row.account for row in forced)


def test_parents_come_before_their_children_and_an_unlisted_one_is_left_out() -> None:
    levels = by_level(DATASET.accounts, {"Cedar Loom", "Sable-Wright", "Quillmark"})
    assert [[account.name for account in level] for level in levels] == [
        ["Brass Harbor Group", "Pinnace Foods", "Sable-Wright"],
        ["Quillmark", "Tallow & Finch"],
        ["Cedar Loom"],
    ]


def test_a_circle_of_parents_is_entered_once_each() -> None:
    ring = {name: Account(name, "", "", parent) for name, parent in (("A", "B"), ("B", "A"))}
    levels = by_level(ring, {"A", "B"})
    assert sorted(account.name for level in levels for account in level) == ["A", "B"]


def test_a_customer_sits_where_the_seller_has_no_nexus_and_has_an_address_for_invoices() -> None:
    customer = customer_of(DATASET.accounts["O'Dunmore Supply"], 4)
    assert (customer.place.state, customer.place.country, customer.currency) == ("OR", "US", "USD")
    assert customer.payable_email == "ap@o-dunmore-supply.example"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sales_pipeline.csv", "1/7/2019", "7th of January", "DT000001: '7th of January' is not"),
        ("products.csv", "520", "five", "'five' is not an amount"),
        ("accounts.csv", "subsidiary_of", "parent", "accounts.csv has no column subsidiary_of"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "crm"
    shutil.copytree(CRM_FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SandboxError, match=said.replace("(", r"\(")):
        read_dataset(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"accounts\.csv"):
        read_dataset(tmp_path)


def test_an_opportunity_is_found_again_by_number_and_product() -> None:
    assert ROWS["DT000011"].name == "DT000011 GTK 500"
    assert replace(ROWS["DT000011"], is_forced=True).name == "DT000011 GTK 500"
