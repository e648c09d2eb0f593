"""Closing of months in the laboratory of sagas."""

from __future__ import annotations

from datetime import date

from temporalio.client import WorkflowHandle

from activities.closing_inputs import CloseInput, CloseResult
from dealthread.domain.case import Case, DecisionKind
from dealthread.naming import WORKFLOW_QUEUE, close_id, close_key
from tests.support.recognition_lab import COMPANIES
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
