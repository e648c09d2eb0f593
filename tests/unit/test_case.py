"""OB-04: each kind of case has an owner, a time and decisions that a person can take."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from dealthread.domain.case import KINDS, CaseOpening, DecisionKind

ROOT = Path(__file__).resolve().parents[2]
QUEUES = {
    "cash-application",
    "treasury",
    "legal",
    "accounting",
    "billing",
    "catalogue",
    "collections",
    "compliance",
    "credit",
    "customer-data",
    "customer-success",
    "deal-desk",
    "integration",
    "revops",
    "support",
    "tax",
}

# A second person's, the controller's, the customer's own people's.
APPROVALS = (
    "deal.approval",
    "revenue.late",
    "entitlement.over_use",
    "close.sign_off",
    "cash.disputed",
    "credit.outside",
)


# Opened by service levels alone: nothing to decide, the fact closes them.
WATCHED = (
    "deal.stuck_before_invoice",
    "erp.posting_late",
    "erp.amendment_unconfirmed",
    "usage.not_counted",
    "usage.billed_otherwise",
    "reconcile.difference",
)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_whole(kind: str) -> None:
    info = KINDS[kind]
    assert info.kind == kind
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind)
    assert info.queue in QUEUES
    assert timedelta(minutes=30) <= info.first_decision_within <= timedelta(days=3)
    assert info.title[0].isupper()
    assert not info.title.endswith(".")
    assert len(set(info.decisions)) == len(info.decisions)
    assert bool(info.decisions) == (kind not in WATCHED)
    # The columns of the store.
    assert len(kind) <= 60
    assert len(info.queue) <= 40


def test_approval_alone_is_approved_or_rejected() -> None:
    approval = {DecisionKind.APPROVE, DecisionKind.REJECT}
    for kind, info in KINDS.items():
        if kind in APPROVALS:
            assert set(info.decisions) == approval
        elif kind in WATCHED:
            assert info.decisions == ()
        else:
            assert not approval & set(info.decisions)
            # At the last stage of a pursuit nothing failed that could be tried again.
            assert (DecisionKind.RETRY in info.decisions) == (kind != "collections.final_stage")


def test_what_was_begun_can_be_given_up_but_an_undo_cannot() -> None:
    for kind, info in KINDS.items():
        if kind == "integration.undo_failed":
            assert info.decisions == (DecisionKind.RETRY,)
        elif kind not in (*APPROVALS, *WATCHED):
            assert DecisionKind.ABORT in info.decisions


def test_every_kind_that_the_code_names_exists() -> None:
    """A case of an unknown kind could not be opened."""
    named = set()
    for folder in ("dealthread", "activities", "adapters", "workflows"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            for words in (r"case_kind\s*[:=]\s*(?:str\s*=\s*)?", r"\bRejected\(\s*"):
                named |= set(re.findall(words + r'"([a-z]+\.[a-z_]+)"', text))
    assert len(named) > 5
    assert named <= set(KINDS), named - set(KINDS)


def test_an_opening_of_a_newer_version_is_read() -> None:
    opening = CaseOpening.model_validate(
        {
            "case_id": "c",
            "occurrence": 1,
            "kind": "erp.rejected",
            "business_key": "b",
            "generation": 1,
            "contract_key": "C-1",
            "workflow_id": "w",
            "step": "s",
            "code": "c",
            "summary": "s",
            "added_later": True,
        }
    )
    assert CaseOpening.model_validate_json(opening.model_dump_json()) == opening
