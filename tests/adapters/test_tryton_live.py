"""The prepared Tryton and its posting rules (ER-01, V22, V38)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters.erp.tryton.factory import create
from adapters.erp.tryton.manifest import MANIFEST
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.manifest import Manifest, VendorOperation
from dealthread.config import load_config
from dealthread.domain.party import TaxId
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort, PostingQuestion
from dealthread.stack import tryton
from tests.support import deals
from tests.support.tryton import onboard

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


def question(**change: Any) -> PostingQuestion:
    right: dict[str, Any] = {
        "company": "1",
        "currency": "USD",
        "service_start": date(2026, 1, 1),
        "posting_date": date(2026, 1, 1),
        "items": ("SEAT-STD", "ONB"),
        "tax_codes": ("US-TX-SAAS", "US-TX-SVC0"),
        "accounts": ("1100", "2300", "4000", "4200"),
        "payment_terms": "DUE",
    }
    return PostingQuestion(**{**right, **change})


async def test_right_postings_meet_no_problem(tryton_erp: ErpPort) -> None:
    """V22, V38 for D1."""
    rules = await tryton_erp.check_posting_rules(question())
    assert rules.problems == ()
    assert rules.open_from == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("change", "rule", "field", "value"),
    [
        ({"posting_date": date(2025, 12, 15)}, "V22", "posting_date", "2025-12-15"),
        ({"posting_date": date(2041, 1, 1)}, "V22", "posting_date", "2041-01-01"),
        ({"items": ("SEAT-BLK",)}, "V38", "item", "SEAT-BLK"),
        ({"items": ("NOTHING",)}, "V38", "item", "NOTHING"),
        ({"tax_codes": ("DE-19",)}, "V38", "tax_code", "DE-19"),
        ({"service_start": date(2019, 6, 1)}, "V38", "tax_code", "US-TX-SAAS"),
        ({"accounts": ("4999",)}, "V38", "account", "4999"),
        ({"payment_terms": "NET999"}, "V38", "payment_terms", "NET999"),
        ({"currency": "JPY"}, "V38", "currency", "JPY"),
    ],
)
async def test_what_tryton_would_swallow_is_found(
    tryton_erp: ErpPort, change: dict[str, Any], rule: str, field: str, value: str
) -> None:
    """V22 and V38 by own reads: Tryton itself accepts most of these on an order."""
    rules = await tryton_erp.check_posting_rules(question(**change))
    assert (rule, field, value) in {(item.rule, item.field, item.value) for item in rules.problems}


async def test_a_closed_period_tells_the_first_open_day(tryton_erp: ErpPort) -> None:
    """S4: start in 2025-12 posts on 2026-01-01 when approved."""
    rules = await tryton_erp.check_posting_rules(question(posting_date=date(2025, 12, 15)))
    assert rules.open_from == date(2026, 1, 1)


async def test_a_closed_account_is_a_problem(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """S9: the revenue account is blocked in the ERP, and opened again."""
    settings = tryton_server.settings.model_copy(update={"user": "admin"})
    secret = type(settings.password)(tryton_server.installation.logins()["admin"])
    settings = settings.model_copy(update={"password": secret})
    async with httpx.AsyncClient(trust_env=False) as client:
        closing = VendorOperation("RPC", "model.account.account.write", "of an administrator")
        manifest = Manifest("erp", [*MANIFEST.operations, closing])
        admin = TrytonRpc(settings, client, manifest=manifest)
        rows = await admin.search_read(
            "account.account",
            [["code", "=", "4100"], ["company", "=", 3]],
            ["code"],
            context={"company": 3},
        )
        for closed in (True, False):
            await admin.write(
                "model.account.account.write",
                [rows[0]["id"]],
                {"closed": closed},
                context={"company": 3},
                case_kind="erp.rejected",
            )
            rules = await tryton_erp.check_posting_rules(
                question(company="3", accounts=("4100",), tax_codes=("GB-20",))
            )
            assert bool(rules.problems) is closed


async def test_a_server_that_is_not_there_is_unavailable(tryton_server: RunningTryton) -> None:
    """Nothing was sent, so this is raised and not Unknown."""
    settings = tryton_server.settings.model_copy(update={"url": "http://127.0.0.1:1"})
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(VendorUnavailable):
            await create(settings, client).create_customer(
                onboard(deals.d1(), deals.HARBORLINE), idempotency_key="k"
            )


async def test_each_company_has_what_the_configuration_says(tryton_erp: ErpPort) -> None:
    """Companies, accounts, tax codes, items and terms of `config/`, nothing keyed by hand."""
    config = load_config(Path(__file__).parents[2] / "config")
    blocked = {row.erp_item for row in config.products if not row.erp_salable}
    for entity in config.legal_entities:
        codes = [row for row in config.tax_codes if row.seller == entity.code]
        for terms in config.payment_terms:
            rules = await tryton_erp.check_posting_rules(
                PostingQuestion(
                    company=entity.erp_company,
                    currency=entity.functional_currency,
                    service_start=max(row.valid_from for row in codes),
                    posting_date=config.closed_until[entity.code],
                    items=tuple(row.erp_item for row in config.products),
                    tax_codes=tuple(row.code for row in codes),
                    accounts=tuple(row.code for row in config.accounts),
                    payment_terms=terms.erp_code,
                )
            )
            assert {row.value for row in rules.problems} == blocked


async def test_periods_exist_for_the_years_of_a_long_contract(tryton_erp: ErpPort) -> None:
    """D4 and D5 end in 2029 and 2028: the last day of 2029 can be posted."""
    for company in ("1", "2", "3"):
        rules = await tryton_erp.check_posting_rules(
            question(company=company, posting_date=date(2029, 12, 31))
        )
        assert rules.open_from == date(2029, 12, 31)


def test_a_second_preparation_finds_the_first(tryton_server: RunningTryton) -> None:
    """Prepared once, kept: no step is reported, and an existing working copy is left alone."""
    first = tryton_server.installation
    lines: list[str] = []
    config = load_config(Path(__file__).parents[2] / "config")
    state = first.programs.configuration.parent.parent
    again = tryton.prepare(state, first.programs.postgres, config, lines.append)
    assert again == first
    assert lines == []
    assert not tryton.clone(again, tryton_server.database)
    assert tryton.is_current(again, tryton_server.database)


async def test_a_refused_customer_is_not_quoted_in_the_log(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Tryton prints refused records by itself; the stack's log must hold no customer's data."""
    party = deals.NORDWERK.model_copy(
        update={
            "key": "A-CANARY",
            "legal_name": "Canary Kanarienvogel GmbH",
            "tax_ids": (TaxId(scheme="eu_vat", number="DE000000000"),),
        }
    )
    outcome = await tryton_erp.create_customer(onboard(deals.d2(), party), idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert "DE000000000" in outcome.evidence["message"]
    text = tryton_server.log.read_text(encoding="utf-8")
    assert "DE000000000" not in text
    assert "Kanarienvogel" not in text
