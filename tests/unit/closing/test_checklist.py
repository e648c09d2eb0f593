"""MT-09, SC-04: what of a month stands in the way, what is noted, what nobody can say; the evidence
of the same books is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from activities.closing_books import evidence_of
from activities.closing_inputs import ReadProcessor, RevenueRun
from dealthread.domain.base import Ref, System
from dealthread.domain.closing.checklist import Evidence, ItemState
from dealthread.domain.ledger import LedgerPeriod, LedgerPeriodState, UnpostedDocument
from dealthread.domain.money import Money
from dealthread.domain.recognition.roll_forward import roll_forward
from dealthread.hub_closing import ClosingPosition
from tests.fakes.ledger_by_hand import receipt_by_hand
from tests.support.closing_books import COMPANY, JUNE, US, June, june
from tests.support.summarised_books import PLACE, summarised

DONE = RevenueRun(outcome="completed")
NOTHING = ClosingPosition((), (), (), frozenset(), (), (), (), (), ())
DRAFT = UnpostedDocument(
    ref=Ref(system=System.ERP, account="fake.1", kind="journal", native_id="7"),
    day=date(2026, 6, 15),
    description="by hand",
)


def _evidence(
    it: June,
    position: ClosingPosition = NOTHING,
    drafts: tuple[UnpostedDocument, ...] = (),
    revenue: RevenueRun = DONE,
    before: LedgerPeriod | None = None,
    processor: ReadProcessor | None = None,
) -> Evidence:
    books = it.books()
    document = it.recognised[-1]
    roll = roll_forward(
        US,
        JUNE,
        "USD",
        ("2300", "1150"),
        (books.opening, books.closing),
        books.month,
        {},
        {document.document_key: document.ledger_amount},
    )
    return evidence_of(books, position, drafts, roll, revenue, before, processor)


def _states(evidence: Evidence) -> dict[str, ItemState]:
    return {one.name: one.state for one in evidence.checklist.items}


def test_a_month_that_ties_has_nothing_in_the_way() -> None:
    states = _states(_evidence(june()))
    assert set(states.values()) == {ItemState.DONE, ItemState.NOT_CHECKED}
    unknown = {name for name, state in states.items() if state is ItemState.NOT_CHECKED}
    assert unknown == {"t8", "t9"}, "a run that began earlier has not asked the processor"


def test_the_same_books_have_the_same_fingerprint_and_a_cent_another() -> None:
    """Notes of other work do not count; the ledger's figures do."""
    first = _evidence(june())
    noisy = replace(NOTHING, under_way=("amendment:C-1:x: preview",), other_cases=("CASE-2",))
    assert first.fingerprint == Evidence.model_validate_json(first.model_dump_json()).fingerprint
    it = june()
    same = _evidence(it)
    assert _evidence(it, noisy).fingerprint == same.fingerprint
    rows = same.closing
    cent = Money.of("0.01", "USD")
    moved = rows[0].model_copy(
        update={"debit": rows[0].debit + cent, "balance": rows[0].balance + cent}
    )
    other = same.model_copy(update={"closing": (moved, *rows[1:])})
    assert other.fingerprint != same.fingerprint


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"drafts": (DRAFT,)}, "drafts"),
        ({"position": replace(NOTHING, unsent_writes=("erp.invoice is sent",))}, "writes"),
        ({"position": replace(NOTHING, stuck=("CASE-1 erp.rejected",))}, "cases"),
        ({"revenue": RevenueRun(outcome="refused", refused="period_closed")}, "revenue"),
        ({"revenue": RevenueRun(outcome="stopped")}, "revenue"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named(given: dict[str, object], name: str) -> None:
    (one,) = _evidence(june(), **given).checklist.in_the_way  # type: ignore[arg-type]
    assert (one.name, one.count) == (name, 1)


def test_a_bill_that_the_ledger_does_not_have_stands_in_the_way_with_its_contract() -> None:
    it = june()
    facts = it.facts["d4"]
    it.facts["d4"] = facts.model_copy(update={"postings": ()})
    found = {one.name: one.lines for one in _evidence(it).checklist.in_the_way}
    assert found["documents"][0].startswith("C-D4 US-000002: 47,034.00 USD")
    assert {"t7", "t11"} <= set(found)


def test_a_month_before_that_is_open_is_noted() -> None:
    before = LedgerPeriod(
        ref=DRAFT.ref,
        company=COMPANY,
        start=date(2026, 5, 1),
        end=JUNE,
        state=LedgerPeriodState.OPEN,
    )
    assert _states(_evidence(june(), before=before))["earlier"] is ItemState.NOTED
    closed = before.model_copy(update={"state": LedgerPeriodState.CLOSED})
    assert _states(_evidence(june(), before=closed))["earlier"] is ItemState.DONE


def test_an_entry_by_hand_on_a_summary_names_the_contract_that_alone_is_in_it() -> None:
    it = summarised()
    amount = Money.of("1.00", "USD")
    receipt_by_hand(it.ledger, COMPANY, date(2026, 6, 3), amount, PLACE.customer_key)
    it.ledger.entries[-1] = it.ledger.entries[-1].model_copy(
        update={"settles": (PLACE.document_key,)}
    )
    (shared,) = _evidence(it).manual
    assert "contract" not in shared
    assert f"customer {PLACE.customer_key}" in shared
    del it.facts["d4"]
    (alone,) = _evidence(it).manual
    assert f"contract {it.facts['d1'].contract_key}" in alone
