"""DM-12: finance's configuration is refused with file, field, value and what to do."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dealthread.config import (
    ConfigInvalid,
    ConfigProblem,
    ConfigSource,
    check_config,
    load_config,
)
from dealthread.errors import BadInput
from tests.support.deal_builder import CONFIG_DIR
from tests.unit.config_problems.companies import OF_COMPANIES
from tests.unit.config_problems.offers import OF_OFFERS
from tests.unit.config_problems.policies import OF_POLICIES

PROBLEMS = [*OF_OFFERS, *OF_COMPANIES, *OF_POLICIES]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the shipped configuration."""
    shutil.copytree(CONFIG_DIR, tmp_path / "config")
    return tmp_path / "config"


def replace(files: Path, name: str, old: str, new: str) -> None:
    text = (files / name).read_text()
    assert old in text
    (files / name).write_text(text.replace(old, new, 1))


def test_the_shipped_configuration_has_no_problem() -> None:
    assert check_config(CONFIG_DIR) == []


def test_the_version_is_the_hash_of_names_and_contents() -> None:
    digest = hashlib.sha256()
    for path in sorted(CONFIG_DIR.glob("*.yaml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    assert load_config(CONFIG_DIR).version == digest.hexdigest()[:12]


def test_the_three_companies_and_their_accounts_at_the_biller() -> None:
    config = load_config(CONFIG_DIR)
    assert {row.code: row.erp_company for row in config.legal_entities} == {
        "US01": "1",
        "DE01": "2",
        "UK01": "3",
    }
    expected = {
        ("US01", "USD"): "acct_alder_us",
        ("DE01", "EUR"): "acct_alder_de",
        ("UK01", "GBP"): "acct_alder_uk",
        ("UK01", "EUR"): "acct_alder_uk",
    }
    for (seller, currency), key in expected.items():
        account = config.billing_account(seller, currency)
        assert account is not None
        assert account.key == key
    assert config.billing_account("US01", "EUR") is None


def test_what_is_left_unmapped_on_purpose_and_what_the_erp_refuses() -> None:
    config = load_config(CONFIG_DIR)
    today = date(2026, 1, 1)
    assert config.product("SEAT-EDU", today) is None
    assert config.product("GTXPro", today) is None
    assert config.product("GTX Pro", today) is not None
    assert {row.code for row in config.products if not row.erp_salable} == {"SEAT-BLK"}
    free = {row.code for row in config.products if not row.list_prices}
    assert free == {
        "GTX Basic",
        "GTX Pro",
        "GTX Plus Basic",
        "GTX Plus Pro",
        "GTK 500",
        "MG Special",
        "MG Advanced",
    }


def test_amounts_are_exact_decimals() -> None:
    code = load_config(CONFIG_DIR).tax_code("US-NY-SAAS", date(2026, 1, 1))
    assert code is not None
    assert code.applied_rate == Decimal("8.875")
    assert isinstance(code.applied_rate, Decimal)


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "value", "action"),
    PROBLEMS,
    ids=[f"{row[0].removesuffix('.yaml')}-{row[2]}" for row in PROBLEMS],
)
def test_each_problem_names_file_field_value_and_what_to_do(
    files: Path, file: str, old: str, new: str, path: str, value: str, action: str
) -> None:
    replace(files, file, old, new)
    found = check_config(files)
    expected_file = "legal_entities.yaml" if path.startswith("legal_entities") else file
    match = [row for row in found if row.file == expected_file and row.path.startswith(path)]
    assert match, [str(row) for row in found]
    assert match[0].value == value
    assert action in match[0].action
    with pytest.raises(ConfigInvalid):
        load_config(files)


def test_a_missing_file_and_an_unknown_file_are_named(files: Path) -> None:
    (files / "tax.yaml").rename(files / "taxes.yaml")
    found = [(row.file, row.action) for row in check_config(files)]
    assert ("tax.yaml", "the file is missing: restore it") in found
    assert any(file == "taxes.yaml" and "no such file is known" in action for file, action in found)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- a\n",
        "text",
        "\x00",
        "a: *x",
        "a: !!python/none",
        "policy: &a [*a]",
        "? [a]\n: b",
        "policy: 2026-13-01",
        "1: 2",
        "policy:",
        "policy: [1, 2]",
        "policy: {1: 2}",
        "policy: {approval_amount: {1: '2'}}",
        "policy: {approval_amount: [1.5]}",
        "policy: {approval_amount: {USD: NaN}}",
        "policy: {placeholder_po: NO}",
    ],
)
def test_a_file_that_is_no_configuration_is_a_problem_and_not_a_crash(
    files: Path, content: str
) -> None:
    (files / "policy.yaml").write_text(content)
    assert {row.file for row in check_config(files)} == {"policy.yaml"}


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (found,) = check_config(tmp_path / "nowhere")
    assert str(found) == "nowhere: no such folder: name the config folder"


def test_all_problems_are_carried_by_one_input_error(files: Path) -> None:
    replace(files, "tax.yaml", '"80"', '"90"')
    replace(files, "accounts.yaml", "kind: equity", "kind: capital")
    with pytest.raises(BadInput) as caught:
        load_config(files)
    assert isinstance(caught.value, ConfigInvalid)
    assert len(caught.value.problems) == 2
    assert caught.value.field == "accounts.yaml: accounts[20].kind"
    assert caught.value.evidence["problems"].count("\n") == 1


def test_a_new_rate_is_a_new_row_from_the_day_the_old_one_ends(files: Path) -> None:
    """Rows of one code that do not overlap are no duplicates."""
    replace(
        files,
        "tax.yaml",
        "  - code: DE-RC",
        "  - {code: DE-19, seller: DE01, jurisdiction: DE, applied_rate: '16', "
        "statutory_rate: '16', valid_from: 2020-07-01, valid_until: 2021-01-01}\n"
        "  - code: DE-RC",
    )
    config = load_config(files)
    for day, rate in ((date(2020, 12, 31), 16), (date(2021, 1, 1), 19)):
        code = config.tax_code("DE-19", day)
        assert code is not None
        assert code.applied_rate == rate


# ---------------------------------------------------------------- following the files


def touch_later(path: Path) -> None:
    """File systems may be coarse: make the change visible whatever their clock."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


def test_a_changed_file_is_served_without_a_restart(files: Path) -> None:
    source = ConfigSource(files)
    before = source.current()
    assert source.current() is before
    replace(files, "products.yaml", "code: SEAT-BLK", "code: SEAT-EDU")
    touch_later(files / "products.yaml")
    after = source.current()
    assert after.version != before.version
    assert after.product("SEAT-EDU", date(2026, 1, 1)) is not None


def test_the_last_good_set_is_served_while_the_files_are_wrong(files: Path) -> None:
    told: list[tuple[ConfigProblem, ...]] = []
    source = ConfigSource(files, told.append)
    good = source.current()
    replace(files, "tax.yaml", '"80"', '"90"')
    touch_later(files / "tax.yaml")
    assert source.current() is good
    assert source.current() is good
    assert [row.path for row in source.problems] == ["tax_codes[0].applied_rate"]
    assert len(told) == 1
    replace(files, "tax.yaml", '"90"', '"80"')
    touch_later(files / "tax.yaml")
    touch_later(files / "tax.yaml")
    assert source.current().version == good.version
    assert source.problems == ()


def test_a_source_that_never_had_a_valid_set_refuses(files: Path) -> None:
    (files / "tax.yaml").unlink()
    with pytest.raises(ConfigInvalid):
        ConfigSource(files).current()
