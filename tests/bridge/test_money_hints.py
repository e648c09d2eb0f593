"""Which payout or dispute an event of the biller is about (PF-08)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dealthread.bridge.money_hints import dispute_told_of, payout_told_of
from dealthread.errors import BadInput
from dealthread.store.inbox import InboxRow


def _row(kind: str, told: Any) -> InboxRow:
    body = json.dumps({"id": "evt_1", "type": kind, "data": {"object": told}}).encode()
    return InboxRow(1, "stripe", "acct_alder_us", "evt_1", body, 1)


@pytest.mark.parametrize(
    "kind",
    ["payout.paid", "payout.failed", "payout.canceled", "payout.reconciliation_completed"],
)
def test_an_event_of_a_payout_names_it(kind: str) -> None:
    assert payout_told_of(_row(kind, {"id": "po_1"})) == "po_1"


@pytest.mark.parametrize("kind", ["payout.created", "invoice.paid"])
def test_other_news_is_about_no_payout_that_moves_money(kind: str) -> None:
    assert payout_told_of(_row(kind, {"id": "po_1"})) is None


@pytest.mark.parametrize("told", [{}, {"id": None}, {"id": "in_1"}, {"id": 7}, [], None])
def test_what_names_no_payout_is_refused_by_its_field(told: Any) -> None:
    with pytest.raises(BadInput) as refused:
        payout_told_of(_row("payout.paid", told))
    assert refused.value.field == "data.object"


@pytest.mark.parametrize("kind", ["created", "updated", "closed", "funds_withdrawn"])
def test_an_event_of_a_dispute_names_it(kind: str) -> None:
    assert dispute_told_of(_row(f"charge.dispute.{kind}", {"id": "du_1"})) == "du_1"


def test_other_news_is_about_no_dispute() -> None:
    assert dispute_told_of(_row("charge.refunded", {"id": "ch_1"})) is None
    assert payout_told_of(_row("charge.dispute.created", {"id": "du_1"})) is None


@pytest.mark.parametrize("told", [{}, {"id": None}, {"id": "ch_1"}, {"id": 7}, [], None])
def test_what_names_no_dispute_is_refused_by_its_field(told: Any) -> None:
    with pytest.raises(BadInput) as refused:
        dispute_told_of(_row("charge.dispute.closed", told))
    assert refused.value.field == "data.object"
