"""Runs of recognised revenue in the laboratory of sagas."""

from __future__ import annotations

from datetime import date

from temporalio.client import WorkflowHandle

from activities.recognition_inputs import RecognitionInput, RecognitionResult
from dealthread.naming import WORKFLOW_QUEUE, recognition_id
from tests.support.saga_lab import Lab
from tests.support.worked_year import DE, UK, US
from workflows.recognition_run import RecognitionRunWorkflow

COMPANIES = {US: "1", DE: "2", UK: "3"}


async def begun(
    it: Lab, seller: str, period: date, **more: object
) -> WorkflowHandle[RecognitionRunWorkflow, RecognitionResult]:
    """A run of a company's month, as the bridge starts it."""
    order = RecognitionInput(
        seller=seller,
        period=period,
        erp="tryton",
        company=COMPANIES.get(seller, "1"),
        requested_by="anna",
        business_offset_seconds=it.offset_seconds(),
        **more,  # type: ignore[arg-type]
    )
    return await it.client.start_workflow(
        RecognitionRunWorkflow.run,
        order,
        id=recognition_id(seller, period),
        task_queue=WORKFLOW_QUEUE,
    )
