"""The process API of usage that was taken in: shown by contract, traced from a bill, sent now."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from activities.usage_inputs import UsageSent
from dealthread.bridge.access import METER, READ, requires
from dealthread.bridge.free_text import Code
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import contract_of
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.bridge.starting import start_usage
from dealthread.domain.bill import Bill
from dealthread.domain.money import ExactDecimal, Money
from dealthread.errors import BadInput, NotFound
from dealthread.settings import Principal
from dealthread.store.usage_tracing import UsageTracing
from workflows.usage_sending import UsageSendingWorkflow

router = APIRouter(prefix="/v1/usage", tags=["usage"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Metering = Annotated[Principal, Depends(requires(METER))]
Limit = Annotated[int, Query(ge=0, le=1000)]
BUDGET_SECONDS = 20.0


class PeriodView(BaseModel):
    """A contract line in a billing period."""

    line_key: str
    meter: str
    unit: str
    period_start: date
    period_end: date
    quantity: ExactDecimal
    events: int
    included: ExactDecimal
    rated: Money
    batches: int
    sent: ExactDecimal
    billed: ExactDecimal | None = None
    """What bills have of it; none: no bill has the period."""
    refusal: str


class UsageOfContract(BaseModel):
    """What a contract used, by billing period."""

    contract_key: str
    billing_account: str
    periods: list[PeriodView]


class EventView(BaseModel):
    """One event behind a line of a bill."""

    source: str
    id: str
    occurred_at: datetime
    received_at: datetime
    quantity: ExactDecimal


class TracedLine(BaseModel):
    """A line of usage on a bill, and what is behind it. One period of a contract line may stand on
    a bill in several lines, one for each tier; here they are one."""

    line_key: str
    period_start: date
    period_end: date | None
    bill_lines: int
    net: Money
    events: int
    quantity: ExactDecimal
    is_rated_so: bool
    """Whether our rating of the events is the bill's net."""
    shown: list[EventView]
    next_after: str = ""


class TracedBill(BaseModel):
    """A bill with its lines of usage."""

    invoice: str
    number: str
    contract_key: str
    lines: list[TracedLine]


class SendBody(BaseModel):
    """Which billing account gets what is due."""

    model_config = ConfigDict(extra="forbid")

    billing_account: Code


class Sending(UsageSent):
    """How it went, or that it still runs."""

    outcome: str
    workflow_id: str


@router.get("/contracts/{contract_key}")
async def of_contract(contract_key: str, held: Held, _: Reader) -> UsageOfContract:
    """Quantities, what they are worth by the contract's tiers, and how much the biller has."""
    contract, _state = await contract_of(held, contract_key)
    found = await UsageTracing(held.engine).of_contract(contract.key)
    return UsageOfContract(
        contract_key=contract.key,
        billing_account=contract.billing_account,
        periods=[PeriodView(**vars(one)) for one in found],
    )


@router.get("/invoices/{invoice}")
async def traced(
    invoice: str,
    held: Held,
    _: Reader,
    line: Annotated[str, Query(max_length=60)] = "",
    limit: Limit = 20,
    after: Annotated[str, Query(max_length=420)] = "",
) -> TracedBill:
    """From a bill's lines of usage down to the events. `after`: the `next_after` of the answer
    before, for one line."""
    bill = await held.bills.named(invoice)
    if bill is None:
        raise NotFound("invoice_not_found", id=invoice)
    contract, _state = await contract_of(held, bill.contract_key)
    usage = {one.line_key for one in contract.lines if one.kind == "usage"}
    if line and line not in usage:
        known = ", ".join(sorted(usage)) or "none"
        raise BadInput("not_a_line_of_usage", field="line", action=f"lines of usage: {known}")
    worth = {
        (one.line_key, one.period_start): one.rated
        for one in await UsageTracing(held.engine).of_contract(contract.key)
    }
    wanted = sorted(
        {
            (one.line_key, one.period_start)
            for one in bill.lines
            if one.line_key in usage and line in ("", one.line_key) and one.period_start
        }
    )
    lines = [
        await _traced(held, bill, key, start, worth.get((key, start)), limit, after)
        for key, start in wanted
    ]
    return TracedBill(
        invoice=bill.ref.native_id, number=bill.number, contract_key=contract.key, lines=lines
    )


async def _traced(
    held: Resources,
    bill: Bill,
    line_key: str,
    start: date,
    rated: Money | None,
    limit: int,
    after: str,
) -> TracedLine:
    tracing = UsageTracing(held.engine)
    parts = [one for one in bill.lines if one.line_key == line_key and one.period_start == start]
    net = Money.total((one.net for one in parts), bill.currency)
    events, quantity = await tracing.sums(bill.contract_key, line_key, start)
    source, _, event_id = after.partition("\n")
    shown = await tracing.events(
        bill.contract_key, line_key, start, (source, event_id) if after else None, limit
    )
    return TracedLine(
        line_key=line_key,
        period_start=start,
        period_end=parts[0].period_end,
        bill_lines=len(parts),
        net=net,
        events=events,
        quantity=quantity,
        is_rated_so=rated == net,
        shown=[EventView(**vars(one)) for one in shown],
        next_after=f"{shown[-1].source}\n{shown[-1].id}" if shown and len(shown) == limit else "",
    )


@router.post("/sendings", response_model=Sending)
async def send(body: SendBody, held: Held, _: Metering) -> Sending | JSONResponse:
    """Send what is due to a billing account now, without waiting for the interval."""
    accounts = [one.key for one in held.config().billing_accounts]
    if body.billing_account not in accounts:
        raise BadInput(
            "billing_account_unknown",
            field="billing_account",
            action=f"name one of {', '.join(accounts)}",
        )
    try:
        client = await held.temporal()
        workflow_id = await start_usage(client, body.billing_account, at_once=True)
        handle = client.get_workflow_handle_for(UsageSendingWorkflow.run, workflow_id)
        async with asyncio.timeout(BUDGET_SECONDS):
            sent = await handle.result()
    except TimeoutError:
        return Sending(outcome="running", workflow_id=workflow_id, is_over=False)
    except RPCError:
        return problem(503, "temporal_unavailable", action="ask again later", retry_after_seconds=5)
    except WorkflowFailureError:
        return problem(502, "sending_failed", action="see the worker's log; nothing is lost")
    return Sending(outcome="completed", workflow_id=workflow_id, **sent.model_dump())
