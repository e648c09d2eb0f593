"""DM-08, DM-09: each enforced rule stops (or holds) exactly the deal that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from dealthread.config import load_config
from dealthread.domain.case import KINDS
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.deal import (
    BillingTiming,
    CollectionMethod,
    Deal,
)
from dealthread.domain.money import Money
from dealthread.domain.validation import (
    NOT_DECIDABLE,
    RULES,
    ActiveContract,
    ExternalFacts,
    Severity,
    approval_reasons,
    assess,
    assess_static,
    blocking,
    undecided,
    warnings,
)
from tests.support import deal_builder as build
from tests.unit.validation.billing_faults import BILLING_FAULTS
from tests.unit.validation.deal_faults import DEAL_FAULTS
from tests.unit.validation.party_faults import PARTY_FAULTS
from tests.unit.validation.spoilt import TODAY, Spoilt, facts, good_facts, policy, preview_line
from tests.unit.validation.term_faults import TERM_FAULTS

CASES = [*DEAL_FAULTS, *TERM_FAULTS, *PARTY_FAULTS, *BILLING_FAULTS]


@pytest.fixture(scope="module")
def config() -> ConfigSet:
    return load_config(build.CONFIG_DIR)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.field}")
def test_each_rule_names_field_value_and_owner_and_nothing_else(
    config: ConfigSet, case: Spoilt
) -> None:
    gathered = case.answer(good_facts(config))
    if case.without_preview:
        gathered = gathered.model_copy(update={"preview": None})
    found = assess(case.change(build.good_deal()), case.configure(config), TODAY, gathered)
    assert [(row.rule, row.field, row.value, row.owner, row.severity) for row in found] == [
        (case.rule, case.field, case.value, case.owner, case.severity)
    ]
    assert found[0].message
    assert found[0].case_kind


def test_every_rule_opens_a_kind_of_case_that_somebody_owns() -> None:
    assert {rule.case_kind for rule in RULES} <= set(KINDS)


def test_every_enforced_rule_has_a_failing_fixture() -> None:
    assert {case.rule for case in CASES} == {rule.id for rule in RULES}


def test_every_rule_of_the_sheet_is_enforced_or_listed_with_its_reason() -> None:
    enforced = {rule.id for rule in RULES}
    whole = {name for name in NOT_DECIDABLE if " " not in name}
    assert enforced - {"P01"} | whole == {f"V{number:02}" for number in range(1, 39)}
    assert not enforced & whole


def test_preconditions_run_before_and_stop_the_deal_by_themselves() -> None:
    """A rule is skipped only when the deal is stopped already: no hole opens by skipping."""
    earlier: dict[str, Severity] = {}
    for rule in RULES:
        assert all(earlier[name] is Severity.STOP for name in rule.after)
        earlier[rule.id] = rule.severity


def test_the_good_deal_has_no_violation(config: ConfigSet) -> None:
    assert assess(build.good_deal(), config, TODAY, good_facts(config)) == []
    assert undecided(good_facts(config)) == ()


def test_facts_that_were_not_gathered_are_named(config: ConfigSet) -> None:
    assert assess_static(build.good_deal(), config, TODAY) == []
    assert undecided(ExternalFacts()) == (
        "V02",
        "V07",
        "V14",
        "V24",
        "V22",
        "V38",
        "V11",
        "V33",
        "V25",
    )


@pytest.mark.parametrize(
    ("make", "today", "reasons"),
    [
        (build.d1, build.D1_TODAY, []),
        (build.d2, build.D2_TODAY, []),
        (build.d3, build.D3_TODAY, []),
        (build.d4, build.D4_TODAY, []),
        (build.d5, build.D5_TODAY, ["V18"]),
    ],
    ids=["D1", "D2", "D3", "D4", "D5"],
)
def test_the_worked_deals_pass_and_the_prepaid_bundle_asks_revenue(
    config: ConfigSet, make: Callable[[], Deal], today: date, reasons: list[str]
) -> None:
    found = assess_static(make(), config, today)
    assert not blocking(found)
    assert not warnings(found)
    assert [row.rule for row in approval_reasons(found)] == reasons


def test_a_waiver_drops_an_approval_and_never_a_stop(config: ConfigSet) -> None:
    old = build.good_deal().model_copy(
        update={
            "start_date": date(2025, 1, 1),
            "end_date": date(2026, 1, 1),
            "waived_rules": ("V21", "V20"),
            "billing_timing": BillingTiming.ARREARS,
        }
    )
    assert [row.rule for row in assess_static(old, config, TODAY)] == ["V20"]


def test_a_recorded_approval_raises_the_discount_that_is_allowed(config: ConfigSet) -> None:
    """24 % needs no further approval where the CRM records 24 %."""
    lines = (build.line(1, "SEAT-STD", "50", "228.00", "USD", list_price="300.00"),)
    approved = build.good_deal().model_copy(
        update={"lines": lines, "approved_discount_percent": Decimal("24.00")}
    )
    assert assess_static(approved, config, TODAY) == []


def test_a_product_without_list_price_is_sold_at_any_price(config: ConfigSet) -> None:
    free = build.good_deal().model_copy(
        update={"lines": (build.line(1, "GTX Pro", "1", "55.00", "USD", list_price="4821.00"),)}
    )
    assert assess_static(free, config, TODAY) == []


def test_a_tolerance_of_policy_lets_a_cent_pass(config: ConfigSet) -> None:
    gathered = preview_line(net=Money.of("13500.01", "USD"))(good_facts(config))
    lenient = policy(price_tolerance_minor_units=1)(config)
    assert assess(build.good_deal(), lenient, TODAY, gathered) == []


def test_one_cause_is_said_once(config: ConfigSet) -> None:
    """A deal without account does not also lack seller, tax code and contact."""
    found = assess_static(build.good_deal().model_copy(update={"account": None}), config, TODAY)
    assert [row.rule for row in found] == ["V27"]


def test_a_card_is_not_asked_of_a_customer_who_pays_by_transfer(config: ConfigSet) -> None:
    transfer = build.good_deal().model_copy(
        update={"collection_method": CollectionMethod.BANK_TRANSFER, "payment_terms": "NET30"}
    )
    gathered = facts(payment_method_on_file=False)(good_facts(config))
    assert assess(transfer, config, TODAY, gathered) == []


def test_no_pair_of_faults_makes_the_rules_fail_themselves(config: ConfigSet) -> None:
    """Two things wrong at once are still an answer, and stop whenever one alone stops."""
    gathered = good_facts(config)
    for first in CASES:
        for second in CASES:
            try:
                spoilt = second.change(first.change(build.good_deal()))
            except (AssertionError, ValueError):
                continue  # the second change needs what the first removed
            answered = second.answer(first.answer(gathered))
            settings = second.configure(first.configure(config))
            assert assess(spoilt, settings, TODAY, answered), (first, second)


def test_a_device_may_be_bought_again_while_an_earlier_contract_runs(config: ConfigSet) -> None:
    again = build.good_deal().model_copy(
        update={"lines": (build.line(1, "GTX Pro", "1", "55.00", "USD"),)}
    )
    running = ActiveContract(
        contract_key="C-OLD", product_code="GTX Pro", start_date=date(2025, 6, 1)
    )
    assert assess(again, config, TODAY, ExternalFacts(active_contracts=(running,))) == []
