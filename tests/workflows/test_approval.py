"""PF-23: a deal that is dated back waits, durably, for the approval of a second person."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from dealthread.domain.case import Case, Decision, DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import ChangeOutcome
from dealthread.errors import BadInput
from dealthread.naming import contract_key
from dealthread.store.schema import audit
from tests.support.deal_builder import d2
from tests.support.saga_ends import ACTS, exactly_one, nothing_live
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

TODAY = date(2026, 4, 20)
"""D2 started 36 days ago; policy lets 30 pass."""
SELLER = "DE01"
DECIDES = (DecisionKind.APPROVE, DecisionKind.REJECT)


async def _waiting(it: Lab) -> tuple[Deal, WorkflowHandle[object, object], Case]:
    """A deal dated back, its run, and the case it waits at."""
    deal = fresh(d2())
    handle = await it.start(deal)
    case = await it.case(deal)
    assert (case.kind, case.step, case.allowed) == ("deal.approval", "assess", DECIDES)
    assert "V21" in case.evidence
    return deal, handle, case


async def test_a_deal_dated_back_is_approved_by_a_second_person_and_completes(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Nothing is written while it waits; the worker may go and another may come (on the development
    server: the time-skipping one does not take an update away from a worker that is gone)."""
    async with lab(dev_server, engine, TODAY) as it:
        deal, handle, case = await _waiting(it)
        assert it.world.effects == []
        await it.workers.stop()
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await it.workers.start()

        asked = Decision(
            case_id=case.case_id,
            version=case.version,
            decision=DecisionKind.APPROVE,
            actor=case.requested_by,
            reason="mine",
        )
        with pytest.raises(BadInput, match="same_person"):
            await it.cases.decide(asked)
        assert it.world.effects == []
        await it.decide(case, DecisionKind.APPROVE, actor="anna")
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        assert it.did(deal) == list(ACTS)
        await exactly_one(it, deal, SELLER)

        decided = await it.cases.show(case.case_id)
        assert (decided.decision, decided.decided_by) == (DecisionKind.APPROVE, "anna")
        assert await _decided_by(engine, deal) == ["anna"]


async def test_a_deal_whose_approval_is_rejected_ends_with_nothing(
    client: Client, engine: AsyncEngine
) -> None:
    """Only the CRM hears of it: that it stopped, and where."""
    async with lab(client, engine, TODAY) as it:
        deal, handle, case = await _waiting(it)
        assert it.world.effects == []
        await it.decide(case, DecisionKind.REJECT, actor="anna")
        result = await handle.result()
        assert (result.outcome, result.residue) == (ChangeOutcome.COMPENSATED, ())
        key = contract_key(deal.org, deal.deal_id)
        assert it.world.effects == [("crm.withdraw_contract", key)]
        await nothing_live(it, deal, SELLER, "assess")
        assert await _decided_by(engine, deal) == ["anna"]


async def test_an_approval_is_good_for_the_deal_that_was_shown_and_no_other(
    client: Client, engine: AsyncEngine
) -> None:
    """Changed while it waited: asked again, with nothing written in between."""
    async with lab(client, engine, TODAY) as it:
        deal, handle, case = await _waiting(it)
        line = deal.lines[0].model_copy(update={"quantity": deal.lines[0].quantity + 1})
        it.world.deals[deal.deal_id] = deal.model_copy(update={"lines": (line,)})
        await it.decide(case, DecisionKind.APPROVE, actor="anna")
        again = await it.case(deal, version=case.version + 1)
        assert (again.kind, again.version) == ("deal.approval", case.version + 1)
        assert it.world.effects == []
        await it.decide(again, DecisionKind.APPROVE, actor="ben")
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        await exactly_one(it, deal, SELLER)
        assert await _decided_by(engine, deal) == ["anna", "ben"]


async def _decided_by(engine: AsyncEngine, deal: Deal) -> list[str]:
    """Who decided, by the audit log."""
    query = (
        select(audit.c.actor)
        .where(
            audit.c.stream == contract_key(deal.org, deal.deal_id),
            audit.c.event == "case.decided",
        )
        .order_by(audit.c.seq)
    )
    async with engine.connect() as connection:
        return list((await connection.execute(query)).scalars())
