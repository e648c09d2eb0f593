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


PROBLEMS: list[tuple[str, str, str, str, str, str]] = [
    # file, old text, new text, path of the problem, value, a word of what to do
    ("tax.yaml", "seller: US01", "seller: [US01", "line 17, column", "", "not valid YAML"),
    ("tax.yaml", '"6.6"', "6.6", "tax_codes[0].applied_rate", "6.6", 'in quotes: "6.6"'),
    ("tax.yaml", '"80"', "80", "tax_codes[0].taxable_share", "80", 'in quotes: "80"'),
    ("tax.yaml", '"80"', '"90"', "tax_codes[0].applied_rate", "6.6", "is 7.425 %"),
    ("tax.yaml", '"6.6"', '"six"', "tax_codes[0].applied_rate", "'six'", "not a decimal"),
    ("tax.yaml", "seller: US01", "vendor: US01", "tax_codes[0].seller", "", "add this field"),
    ("tax.yaml", "seller: US01", "seller: XX01", "tax_codes[0].seller", "'XX01'", "not found in"),
    ("tax.yaml", "code: DE-19}", "code: DE-20}", "tax_rules[6].code", "'DE-20'", "tax_codes"),
    ("tax.yaml", "code: DE-19}", "code: GB-20}", "tax_rules[6].code", "'GB-20'", "of UK01"),
    ("tax.yaml", "region: [TX]", "region: [Texas]", "tax_rules[1].region", "'Texas'", "state"),
    (
        "tax.yaml",
        "buyer_type: business",
        "buyer_type: firm",
        "tax_rules[5].buyer_type",
        "'firm'",
        "",
    ),
    ("tax.yaml", "tax_rules:", "rules:", "rules", "", "not a part of this file"),
    (
        "products.yaml",
        'amount: "300.00", currency: USD',
        "amount: 300.00, currency: USD",
        "products[0].list_prices[0].amount",
        "300.0",
        "in quotes",
    ),
    (
        "products.yaml",
        'amount: "300.00", currency: USD',
        'amount: "300.00", currency: US$',
        "products[0].list_prices[0].currency",
        "'US$'",
        "unknown currency",
    ),
    (
        "products.yaml",
        "kind: recurring",
        "kind: yearly",
        "products[0].kind",
        "'yearly'",
        "use one of",
    ),
    (
        "products.yaml",
        'revenue_account: "4000"',
        'revenue_account: "2300"',
        "products[0].revenue_account",
        "'2300'",
        "income account",
    ),
    (
        "products.yaml",
        'revenue_account: "4000"',
        'revenue_account: "4999"',
        "products[0].revenue_account",
        "'4999'",
        "accounts.yaml",
    ),
    (
        "products.yaml",
        "code: SEAT-PRO",
        "code: SEAT-STD",
        "products[1].valid_from",
        "2020-01-01",
        "overlaps",
    ),
    (
        "products.yaml",
        "tax_category: saas",
        "tax_category: hardware",
        "products[0].tax_category",
        "'hardware'",
        "",
    ),
    (
        "products.yaml",
        "frequencies: [yearly, term]",
        "frequencies: [monthly]",
        "products[0].frequencies",
        "monthly",
        "12 months",
    ),
    ("products.yaml", "sellers: [US01]", "sellers: [US02]", "products[7].sellers", "'US02'", ""),
    (
        "products.yaml",
        "period_months: 0",
        "period_months: 1",
        "products[5].period_months",
        "1",
        "0 for",
    ),
    (
        "legal_entities.yaml",
        "revenue_engine: [own_schedule]",
        "revenue_engine: [own_schedule, erp]",
        "legal_entities[0].revenue_engine",
        "own_schedule, erp",
        "exactly one",
    ),
    (
        "legal_entities.yaml",
        "invoice_issuer: [billing]",
        "invoice_issuer: [billing, erp]",
        "legal_entities[0].invoice_issuer",
        "billing, erp",
        "exactly one",
    ),
    (
        "legal_entities.yaml",
        "retry_engine: [billing]",
        "retry_engine: [billing, collections]",
        "legal_entities[0].retry_engine",
        "billing, collections",
        "exactly one",
    ),
    (
        "legal_entities.yaml",
        "tax_engine: [rule_table]",
        "tax_engine: []",
        "legal_entities[0].tax_engine",
        "none",
        "exactly one",
    ),
    (
        "legal_entities.yaml",
        "booking_policy: memo_order",
        "booking_policy: revenue_contract",
        "legal_entities[0].booking_policy",
        "revenue_contract",
        "revenue plan",
    ),
    (
        "legal_entities.yaml",
        'country: "US"',
        "country: NO",
        "legal_entities[0].country",
        "False",
        "quotes",
    ),
    (
        "legal_entities.yaml",
        'country: "US"',
        "country: UK",
        "legal_entities[0].country",
        "'UK'",
        "ISO",
    ),
    (
        "legal_entities.yaml",
        '"MX"]',
        '"DE"]',
        "legal_entities[1].sells_to",
        "'DE'",
        "served by US01",
    ),
    (
        "legal_entities.yaml",
        "Europe/Berlin",
        "Europe/Bonn",
        "legal_entities[1].time_zone",
        "'Europe/Bonn'",
        "",
    ),
    (
        "legal_entities.yaml",
        "default_payment_terms: DUE",
        "default_payment_terms: LATER",
        "legal_entities[0].default_payment_terms",
        "'LATER'",
        "payment_terms.yaml",
    ),
    (
        "legal_entities.yaml",
        "  US01: 2026",
        "  US02: 2026",
        "closed_until.US02",
        "'US02'",
        "not found",
    ),
    (
        "legal_entities.yaml",
        "    region: US\n",
        "    region: US\n    region: EU\n",
        "line",
        "",
        "twice",
    ),
    (
        "legal_entities.yaml",
        'output_tax_account: "2110"',
        'output_tax_account: "2119"',
        "legal_entities[0].output_tax_account",
        "'2119'",
        "accounts.yaml",
    ),
    (
        "legal_entities.yaml",
        'output_tax_account: "2110"',
        'output_tax_account: "4000"',
        "legal_entities[0].output_tax_account",
        "'4000'",
        "liability",
    ),
    (
        "billing_accounts.yaml",
        "key: acct_alder_de",
        "key: acct_alder_us",
        "billing_accounts[1].seller",
        "'DE01'",
        "exactly one seller",
    ),
    (
        "billing_accounts.yaml",
        "seller: DE01",
        "seller: UK01",
        "legal_entities[1].code",
        "'DE01'",
        "billing_accounts.yaml",
    ),
    (
        "billing_accounts.yaml",
        "currencies: [GBP, EUR]",
        "currencies: [GBP, EURO]",
        "billing_accounts[2].currencies[1]",
        "'EURO'",
        "unknown currency",
    ),
    ("accounts.yaml", 'code: "1050"', 'code: "1000"', "accounts[1].code", "'1000'", "twice"),
    ("accounts.yaml", 'code: "1050"', "code: 1050", "accounts[1].code", "1050", "quotes"),
    (
        "accounts.yaml",
        "kind: equity",
        "kind: capital",
        "accounts[20].kind",
        "'capital'",
        "use one of",
    ),
    ("payment_terms.yaml", "code: NET14", "code: DUE", "payment_terms[1].code", "'DUE'", "twice"),
    ("policy.yaml", '"20"', "20.5", "policy.max_unapproved_discount_percent", "20.5", "in quotes"),
    (
        "policy.yaml",
        'USD: "500000.00"',
        "USD: 500000",
        "policy.approval_amount.USD",
        "500000",
        "quotes",
    ),
    (
        "policy.yaml",
        'USD: "500000.00"',
        'USX: "500000.00"',
        "policy.approval_amount.USX",
        "'USX'",
        "ISO",
    ),
    (
        "policy.yaml",
        "max_backdate_days: 30",
        "max_backdate_days: soon",
        "policy.max_backdate_days",
        "'soon'",
        "",
    ),
    (
        "policy.yaml",
        "max_backdate_days",
        "max_backdated_days",
        "policy.max_backdated_days",
        "30",
        "no such",
    ),
]


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
