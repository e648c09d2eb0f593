"""AG-05, AG-06: a case is opened once, decided once, and its decision reaches the saga."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import KINDS, CaseOpening, CaseState, Decision, DecisionKind
from dealthread.domain.money import Money
from dealthread.errors import BadInput, NotFound
from dealthread.store.cases import PostgresCases
from dealthread.store.schema import audit, case_decisions, outbox

pytestmark = pytest.mark.postgres


@pytest.fixture
def cases(store: AsyncEngine) -> PostgresCases:
    return PostgresCases(store)


def opening(occurrence: int = 1, **more: object) -> CaseOpening:
    return CaseOpening.model_validate(
        {
            "case_id": "case-1",
            "occurrence": occurrence,
            "kind": "erp.rejected",
            "business_key": "quote-to-cash:o:d",
            "generation": 1,
            "contract_key": "C-ABCDEFGHIJKLM",
            "workflow_id": "quote-to-cash:o:d",
            "step": "booking",
            "code": "invalid_account",
            "summary": "The ERP refused the booking",
            "allowed": KINDS["erp.rejected"].decisions,
            "money_at_risk": Money.of("12.50", "USD"),
            "requested_by": "asker",
        }
        | more
    )


def decision(version: int = 1, kind: str = "retry", actor: str = "olga") -> Decision:
    return Decision(
        case_id="case-1",
        version=version,
        decision=DecisionKind(kind),
        actor=actor,
        role="operator",
        reason="because",
    )


async def count(store: AsyncEngine, table: object) -> int:
    async with store.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]


async def test_opening_at_once_is_opening_once(cases: PostgresCases, store: AsyncEngine) -> None:
    opened = await asyncio.gather(*(cases.open(opening()) for _ in range(10)))
    assert {case.version for case in opened} == {1}
    assert len(set(map(str, opened))) == 1
    assert (await count(store, outbox), await count(store, audit)) == (1, 1)


async def test_a_case_carries_its_context_and_its_service_level(cases: PostgresCases) -> None:
    case = await cases.open(opening())
    assert (case.queue, case.state) == ("accounting", CaseState.OPEN)
    assert case.money_at_risk == Money.of("12.50", "USD")
    assert case.decide_by - case.opened_at == KINDS["erp.rejected"].first_decision_within
    assert await cases.show("case-1") == case


async def test_a_case_that_comes_again_has_a_higher_version_and_an_old_answer_misses(
    cases: PostgresCases,
) -> None:
    await cases.open(opening())
    await cases.decide(decision())
    assert (await cases.open(opening())).state is CaseState.DECIDED
    again = await cases.open(opening(2, code="period_closed"))
    assert (again.version, again.state, again.code) == (2, CaseState.OPEN, "period_closed")
    assert (await cases.show("case-1")).decision is None
    with pytest.raises(BadInput, match="stale_version"):
        await cases.decide(decision(version=1))
    assert (await cases.open(opening(1))).version == 2
    assert (await cases.decide(decision(version=2, kind="abort"))).decision == "abort"


async def test_of_ten_deciders_at_once_one_wins(cases: PostgresCases, store: AsyncEngine) -> None:
    await cases.open(opening())
    kinds = ["retry", "abort"] * 5
    answers = await asyncio.gather(
        *(cases.decide(decision(kind=kind, actor=f"p{n}")) for n, kind in enumerate(kinds)),
        return_exceptions=True,
    )
    won = [one for one in answers if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert {one.code for one in answers if isinstance(one, BadInput)} == {"case_already_decided"}
    case = await cases.show("case-1")
    assert (case.decision, case.decided_by) == (won[0].decision, won[0].decided_by)
    assert await count(store, case_decisions) == 1


async def test_deciding_and_coming_again_at_once_never_decides_what_nobody_read(
    cases: PostgresCases,
) -> None:
    await cases.open(opening())
    _, outcome = await asyncio.gather(
        cases.open(opening(2)), cases.decide(decision()), return_exceptions=True
    )
    case = await cases.show("case-1")
    assert (case.version, case.state) == (2, CaseState.OPEN)
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, BadInput)
        assert outcome.code == "stale_version"


async def test_what_is_not_offered_not_there_or_ones_own_is_not_decided(
    cases: PostgresCases,
) -> None:
    with pytest.raises(NotFound):
        await cases.decide(decision())
    with pytest.raises(NotFound):
        await cases.show("case-1")
    await cases.open(opening(allowed=(DecisionKind.APPROVE, DecisionKind.REJECT)))
    with pytest.raises(BadInput, match="decision_not_allowed"):
        await cases.decide(decision(kind="skip"))
    for kind in ("approve", "reject"):
        with pytest.raises(BadInput, match="same_person"):
            await cases.decide(decision(kind=kind, actor="asker"))
    assert (await cases.decide(decision(kind="approve"))).decision == "approve"


async def test_a_decision_is_handed_out_until_the_saga_has_it(cases: PostgresCases) -> None:
    await cases.open(opening())
    await cases.decide(decision())
    ((given, workflow_id),) = await cases.undelivered(10)
    assert (given, workflow_id) == (decision(), "quote-to-cash:o:d")
    # Handed out a moment ago: not at once again, whoever asks.
    assert await asyncio.gather(*(cases.undelivered(10) for _ in range(3))) == [[], [], []]
    await cases.mark_delivered(given, "applied")
    assert await cases.undelivered(10) == []


async def test_what_is_asked_once_for_ever_is_not_asked_by_a_later_run(
    cases: PostgresCases, store: AsyncEngine
) -> None:
    """A decision stands; an open case, or one that closed by itself, is the later run's own."""
    first = await cases.open(opening(run="1", once=True))
    second = await cases.open(opening(run="2", once=True))
    assert (first.version, second.version, second.state) == (1, 2, CaseState.OPEN)
    await cases.settle("case-1", 2, "it answered itself")
    assert (await cases.open(opening(run="3", once=True))).version == 3
    await cases.decide(decision(version=3))
    later = await cases.open(opening(run="4", once=True))
    assert (later.version, later.state, later.decision) == (
        3,
        CaseState.DECIDED,
        DecisionKind.RETRY,
    )
    assert later.decided_by == "olga"
    assert await count(store, outbox) == 3
    assert (await cases.open(opening(run="4"))).version == 4
