"""Closing of months in the laboratory of sagas."""

from __future__ import annotations

from collections import Counter
from datetime import date

from temporalio.client import WorkflowHandle

from activities.closing_inputs import CloseInput, CloseResult
from dealthread.domain.case import Case, DecisionKind
from dealthread.domain.recognition.due import last_day
from dealthread.naming import WORKFLOW_QUEUE, close_id, close_key
from dealthread.store.closing import PostgresClosing
from tests.support.change_lab import on
from tests.support.recognition_lab import COMPANIES, begun
from tests.support.saga_lab import Lab
from workflows.period_close import PeriodCloseWorkflow

Handle = WorkflowHandle[PeriodCloseWorkflow, CloseResult]


async def begin_close(it: Lab, seller: str, period: date, number: int = 1) -> Handle:
    """As the bridge starts it for anna."""
    return await it.client.start_workflow(
        PeriodCloseWorkflow.run,
        CloseInput(
            seller=seller,
            period=period,
            erp="tryton",
            company=COMPANIES.get(seller, "1"),
            number=number,
            requested_by="anna",
            business_offset_seconds=it.offset_seconds(),
        ),
        id=close_id(seller, period),
        task_queue=WORKFLOW_QUEUE,
    )


async def waiting(it: Lab, seller: str, period: date, kind: str, version: int = 1) -> Case:
    """What the closing asks of a person."""
    return await it.case_of(close_key(seller, period), kind=kind, version=version)


async def closed(it: Lab, seller: str, period: date, number: int = 1) -> CloseResult:
    """Begun by anna, signed by vera."""
    handle = await begin_close(it, seller, period, number)
    case = await it.case_of(close_key(seller, period))
    assert case.kind == "close.sign_off", case.evidence
    await it.decide(case, DecisionKind.APPROVE, actor="vera")
    return await handle.result()


COMPARED = frozenset(f"T{number}" for number in range(1, 16))


async def every_identity_holds(it: Lab, seller: str, begins: date, period: date) -> None:
    """Nothing differs, each identity says something, and the month closes. What happened began in
    the month `begins`."""
    if begins != period:
        on(it, last_day(begins))
        await (await begun(it, seller, begins)).result()
    on(it, last_day(period))
    handle = await begin_close(it, seller, period)
    case = await it.case_of(close_key(seller, period))
    found = await PostgresClosing(it.engine).evidence(seller, period)
    assert found is not None
    _, evidence, _ = found
    off = [one for answer in evidence.answers for one in answer.differences]
    if case.kind != "close.sign_off":
        # A month that is left open would stand in the way of the next story's.
        await it.decide(case, DecisionKind.ABORT)
        await handle.result()
    assert off == []
    assert {one.name: one.lines for one in evidence.checklist.in_the_way} == {}
    assert case.kind == "close.sign_off", case.evidence
    assert {str(one.identity.value) for one in evidence.answers} == COMPARED
    # Each says something: only taxes may be none of the month's.
    compared = Counter[str]()
    for answer in evidence.answers:
        compared[str(answer.identity.value)] += answer.compared
    assert {name for name in COMPARED if not compared[name]} <= {"T9", "T10", "T12"}
    await it.decide(case, DecisionKind.APPROVE, actor="vera")
    assert (await handle.result()).outcome == "closed"
