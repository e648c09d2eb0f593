"""Changes of running contracts in the laboratory of sagas."""

from __future__ import annotations

from datetime import date

from temporalio.client import WorkflowHandle

from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import (
    ChangeInput,
    ChangeKind,
    ChangeOutcome,
    ChangeRequest,
    Environment,
)
from dealthread.naming import WORKFLOW_QUEUE, contract_key
from tests.support.saga_lab import Lab
from workflows.amendment import AmendmentWorkflow
from workflows.cancellation import CancellationWorkflow
from workflows.renewal import RenewalWorkflow
from workflows.renewal_notice import RenewalNoticeWorkflow
from workflows.tax_rate import TaxRateWorkflow

SAGAS = {
    ChangeKind.AMENDMENT: AmendmentWorkflow.run,
    ChangeKind.CANCELLATION: CancellationWorkflow.run,
    ChangeKind.WITHDRAWAL: CancellationWorkflow.run,
    ChangeKind.RENEWAL: RenewalWorkflow.run,
    ChangeKind.RENEWAL_NOTICE: RenewalNoticeWorkflow.run,
    ChangeKind.TAX_RATE: TaxRateWorkflow.run,
}


async def sold(it: Lab, deal: Deal) -> Contract:
    """The deal's contract, running in every system."""
    result = await (await it.start(deal)).result()
    assert result.outcome is ChangeOutcome.COMPLETED
    found = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert found is not None
    return found


def on(it: Lab, day: date) -> None:
    """From now on it is this day."""
    it.world.today = it.world.today.replace(year=day.year, month=day.month, day=day.day)


async def change(
    it: Lab,
    contract: Contract,
    kind: ChangeKind,
    change_id: str,
    order: ChangeOrder | None = None,
    *,
    deal_id: str = "",
    generation: int = 1,
    is_due: bool = False,
    requested_by: str = "anna",
) -> WorkflowHandle[object, object]:
    """Start the saga of one change directly, without its contract's workflow."""
    if order is not None:
        await it.changes.record_order(order, requested_by)
    request = ChangeRequest(
        change_id=change_id,
        kind=kind,
        generation=generation,
        org=contract.org,
        deal_id=deal_id or contract.deal_id,
        requested_by=requested_by,
    )
    await it.runs.claim(request, contract.key)
    return await it.client.start_workflow(
        SAGAS[kind],
        ChangeInput(
            request=request,
            contract_key=contract.key,
            environment=Environment(business_offset_seconds=it.offset_seconds()),
            is_due=is_due,
        ),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )
