"""The table of modifications, row by row (the design's M0–M14)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.money import UnitPrice
from dealthread.domain.revenue.modification import (
    Change,
    ChangeKind,
    Decision,
    ScopeReason,
    Treatment,
    decide,
    decide_all,
    override,
)

ACCEPTED = date(2026, 7, 1)


def price(amount: str) -> UnitPrice:
    return UnitPrice.of(amount, "USD")


def change(kind: ChangeKind, unit_price: str | None = None, **more: object) -> Change:
    fields: dict[str, object] = {
        "obligation": "seats",
        "kind": kind,
        "accepted_at": ACCEPTED,
        "ssp_low": price("270"),
        "ssp_high": price("330"),
        "unit_price": None if unit_price is None else price(unit_price),
    }
    return Change.model_validate(fields | more)


ROWS: list[tuple[Change, str, Treatment]] = [
    (change(ChangeKind.ADD, "300", accepted_at=None), "M0", Treatment.NO_MODIFICATION),
    (change(ChangeKind.ADD, "300", is_price_agreed=False), "M0", Treatment.NO_MODIFICATION),
    (change(ChangeKind.PRICE, scope_reason=ScopeReason.ERROR), "M1", Treatment.RESTATE),
    (change(ChangeKind.ADD, "270"), "M2", Treatment.SEPARATE_CONTRACT),
    (change(ChangeKind.ADD, "330"), "M2", Treatment.SEPARATE_CONTRACT),
    (change(ChangeKind.ADD, "269.99"), "M3", Treatment.PROSPECTIVE),
    (change(ChangeKind.ADD, "330.01"), "M3", Treatment.PROSPECTIVE),
    (change(ChangeKind.REDUCE), "M4", Treatment.PROSPECTIVE),
    (change(ChangeKind.PRICE, "250"), "M5", Treatment.PROSPECTIVE),
    (change(ChangeKind.SWAP), "M6", Treatment.PROSPECTIVE),
    (change(ChangeKind.EXTEND, "300"), "M7", Treatment.SEPARATE_CONTRACT),
    (change(ChangeKind.EXTEND, "200"), "M7", Treatment.PROSPECTIVE),
    (change(ChangeKind.EXTEND, "300", is_old_price_changed=True), "M7", Treatment.PROSPECTIVE),
    (change(ChangeKind.PRICE, is_distinct=False), "M8", Treatment.CATCH_UP),
    (change(ChangeKind.VARIABLE_ESTIMATE), "M10", Treatment.TO_ORIGIN),
    (
        change(ChangeKind.PRICE, scope_reason=ScopeReason.CONCESSION, is_past_service=True),
        "M11",
        Treatment.CATCH_UP_AND_PROSPECTIVE,
    ),
    (change(ChangeKind.TERMINATE), "M12", Treatment.DERECOGNISE),
    (change(ChangeKind.RENEW), "M13", Treatment.NEW_CONTRACT),
    (change(ChangeKind.TERMS_ONLY), "M14", Treatment.NO_EFFECT),
]


@pytest.mark.parametrize(("given", "row", "treatment"), ROWS)
def test_each_change_has_its_row(given: Change, row: str, treatment: Treatment) -> None:
    decision = decide(given)
    assert (decision.row, decision.treatment, decision.change) == (row, treatment, given)


def test_a_discount_for_saved_selling_costs_widens_the_range() -> None:
    # 606-10-25-12 b: 95 % of 270.00 is 256.50
    saved = change(ChangeKind.ADD, "256.50", selling_cost_percent=Decimal(5))
    assert decide(saved).row == "M2"


def test_catch_up_and_prospective_in_one_change_each_keep_their_row() -> None:
    decisions = decide_all([change(ChangeKind.REDUCE), change(ChangeKind.PRICE, is_distinct=False)])
    assert [decision.row for decision in decisions] == ["M9/M4", "M9/M8"]
    assert decisions[0].paragraph == "25-13(c), 606-10-25-13(a)"
    alone = decide_all([change(ChangeKind.REDUCE), change(ChangeKind.TERMS_ONLY)])
    assert [decision.row for decision in alone] == ["M4", "M14"]


def test_a_plain_change_of_seats_never_catches_up() -> None:
    """The error that the table warns of: each day of a subscription is distinct."""
    for kind in (ChangeKind.ADD, ChangeKind.REDUCE, ChangeKind.PRICE):
        assert decide(change(kind, "100")).treatment is Treatment.PROSPECTIVE


@pytest.mark.parametrize("missing", ["unit_price", "ssp_low", "ssp_high"])
def test_added_service_needs_price_and_range(missing: str) -> None:
    given = change(ChangeKind.ADD, "300").model_copy(update={missing: None})
    with pytest.raises(ValueError, match=missing):
        decide(given)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit_price", UnitPrice.of("300", "EUR")),
        ("ssp_high", price("200")),
        ("selling_cost_percent", Decimal(100)),
    ],
)
def test_inputs_that_contradict_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        Change.model_validate(change(ChangeKind.ADD, "300").model_dump() | {field: value})


def test_only_the_revenue_role_overrides_and_with_a_reason() -> None:
    computed = decide(change(ChangeKind.REDUCE))
    with pytest.raises(ValueError, match="roles"):
        override(computed, Treatment.CATCH_UP, by="Ann", roles=["billing"], reason="because")
    with pytest.raises(ValueError, match="reason"):
        override(computed, Treatment.CATCH_UP, by="Ann", roles=["revenue"], reason=" ")
    decided = override(
        computed, Treatment.CATCH_UP, by="Ann", roles=["revenue"], reason="fixed scope"
    )
    assert decided.treatment is Treatment.PROSPECTIVE
    assert decided.applied is Treatment.CATCH_UP
    assert "overridden by Ann: fixed scope" in decided.working().result


def test_a_decision_keeps_its_inputs_for_an_auditor() -> None:
    decision = decide(change(ChangeKind.ADD, "300"))
    assert decision.applied is Treatment.SEPARATE_CONTRACT
    assert Decision.model_validate_json(decision.model_dump_json()) == decision
    inputs = dict(decision.working().inputs)
    assert inputs["unit_price"] == "300 USD"
    assert inputs["kind"] == "add"
