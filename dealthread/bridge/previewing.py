"""What a change of a contract would do: amounts, documents, approvals; nothing is written."""

from __future__ import annotations

import asyncio
from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError
from temporalio.service import RPCError

from activities.change_inputs import AssessedChange, ChangedAmount
from activities.inputs import Finding
from dealthread.bridge.checking import BUDGET_SECONDS
from dealthread.bridge.contracts_api import Changer, Held
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.order_form import (
    AmendmentBody,
    CancellationBody,
    OrderBody,
    RenewalBody,
)
from dealthread.bridge.ordering import business_day, contract_of, reasons_against, refusal_problem
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditMemo
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, Environment
from dealthread.failure import problem_of
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.settings import Principal
from dealthread.temporal import RPC_TIMEOUT
from workflows.change_preview import ChangePreviewInput, ChangePreviewWorkflow

router = APIRouter(prefix="/v1/contracts", tags=["contracts"], route_class=LimitedRoute)


class Previewed(BaseModel):
    """What a change would do. `amounts` are ours, `invoice` and `credit_memos` the biller's."""

    accepted: bool
    reasons: list[Finding]
    approvals: list[str]
    effective_from: date | None
    held_until: date | None
    amounts: list[ChangedAmount]
    invoice: BillingInvoice | None
    credit_memos: list[CreditMemo]
    tcv_before: Money | None
    tcv_after: Money | None
    end_date_after: date | None
    renewal_price: Money | None


@router.post("/{contract_key}/amendments/preview", response_model=Previewed)
async def preview_amendment(
    contract_key: str, body: AmendmentBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the amendment would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


@router.post("/{contract_key}/renewals/preview", response_model=Previewed)
async def preview_renewal(
    contract_key: str, body: RenewalBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the renewal would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


@router.post("/{contract_key}/cancellations/preview", response_model=Previewed)
async def preview_cancellation(
    contract_key: str, body: CancellationBody, held: Held, who: Changer
) -> Previewed | JSONResponse:
    """What the cancellation would do, within a time budget."""
    return await _preview(held, contract_key, body, who)


async def _preview(
    held: Resources, contract_key: str, body: OrderBody, who: Principal
) -> Previewed | JSONResponse:
    contract, state = await contract_of(held, contract_key)
    order = body.order(contract, business_day(held))
    refused = refusal_problem(reasons_against(held, contract, state, order))
    if refused is not None:
        return refused
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            client = await held.temporal()
            found = await _ask(client, held, contract, order, who)
    except TimeoutError:
        return problem(504, "preview_timed_out", action="a system is slow: ask again later")
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    except WorkflowFailureError as failure:
        return not_previewed(failure)
    return _answer(found)


async def _ask(
    client: Client, held: Resources, contract: Contract, order: ChangeOrder, who: Principal
) -> AssessedChange:
    handle = await client.start_workflow(
        ChangePreviewWorkflow.run,
        ChangePreviewInput(
            order=order.model_dump_json(),
            kind=ChangeKind(order.kind),
            contract_key=contract.key,
            org=contract.org,
            deal_id=contract.deal_id,
            change_id=order.change_id,
            requested_by=who.actor,
            environment=Environment(
                tenant=held.settings.tenant,
                business_offset_seconds=held.settings.business_offset_seconds,
            ),
        ),
        id=f"change-preview:{order.change_id}",
        task_queue=WORKFLOW_QUEUE,
        # A preview under way is shared only by who asks the same; a new question ends it.
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Preview of {order.change_id}",
        rpc_timeout=RPC_TIMEOUT,
    )
    return await handle.result()


def not_previewed(failure: WorkflowFailureError) -> JSONResponse:
    """Why there is no preview: a system is away, or a fault of ours."""
    cause = failure.cause
    if not isinstance(cause, ActivityError):
        return problem(504, "preview_timed_out", action="ask again later")
    found = problem_of(cause)
    if found.is_unavailable or found.is_uncertain:
        return problem(504, "preview_timed_out", action="a system does not answer: ask again later")
    return problem(502, found.details.code, action="see the bridge's and the worker's logs")


def _answer(found: AssessedChange) -> Previewed:
    billed = found.preview
    return Previewed(
        accepted=not found.stopping,
        reasons=list(found.stopping),
        approvals=[f"{reason.rule}: {reason.detail}" for reason in found.approvals],
        effective_from=found.effective_from,
        held_until=found.hold_until,
        amounts=list(found.amounts),
        invoice=billed.invoice if billed else None,
        credit_memos=list(billed.credit_memos) if billed else [],
        tcv_before=found.before.tcv() if found.before else None,
        tcv_after=found.contract.tcv() if found.contract else None,
        end_date_after=found.contract.end_date if found.contract else None,
        renewal_price=found.renewal_price,
    )
