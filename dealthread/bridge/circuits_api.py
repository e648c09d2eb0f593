"""Circuits of the ERPs: where each stands, what waits, and a person's hand on the switch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from dealthread.bridge.access import HOLD, READ, requires
from dealthread.bridge.free_text import Said
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.circuit import Circuit, CircuitState, Incident
from dealthread.errors import BadInput, VendorUnavailable
from dealthread.naming import erp_task_queue
from dealthread.settings import Principal
from dealthread.store.circuits import PostgresCircuits
from dealthread.temporal import RPC_TIMEOUT

router = APIRouter(prefix="/v1", tags=["circuits"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Holder = Annotated[Principal, Depends(requires(HOLD))]
_TRIES = 5
"""The breaker may change a circuit between a person's look and his hand."""


class CircuitView(BaseModel):
    """Where one circuit stands."""

    circuit: Circuit
    waiting: int | None
    """Steps in the queues it holds back, about; None where Temporal cannot say."""


class Switch(BaseModel):
    """Which part of a vendor, and why."""

    model_config = ConfigDict(extra="forbid")

    account: str = ""
    reason: Said


@router.get("/circuits")
async def circuits(held: Held, _: Reader) -> list[CircuitView]:
    """Every ERP, and each of its companies that somebody ever opened by itself."""
    known = _known(held)
    found = {(one.vendor, one.account): one for one in await PostgresCircuits(held.engine).all()}
    # What is configured no longer is shown as long as it is held back.
    shown = [one for key, one in found.items() if one.state is not CircuitState.CLOSED]
    shown += [
        found.get((vendor, ""), Circuit(vendor=vendor))
        for vendor in known
        if found.get((vendor, ""), Circuit(vendor=vendor)).state is CircuitState.CLOSED
    ]
    shown.sort(key=lambda one: (one.vendor, one.account))
    waiting = await _waiting(held, known)
    return [CircuitView(circuit=one, waiting=_behind(one, waiting)) for one in shown]


@router.get("/circuits/outages")
async def outages(held: Held, _: Reader) -> list[Incident]:
    """The newest first, a hundred at most; those that are over too."""
    return await PostgresCircuits(held.engine).incidents(closed=True, limit=100)


@router.post("/circuits/{vendor}/openings", status_code=201)
async def open_(vendor: str, body: Switch, held: Held, who: Holder) -> Circuit:
    """Hold back what is meant for a vendor, or a company of it, until a person says otherwise."""
    at = datetime.now(UTC)
    return await _switch(
        held,
        vendor,
        body,
        who.actor,
        lambda one: one.opened(at, body.reason, who.actor, None),
        lambda one: one.state is CircuitState.OPEN and not one.is_probed,
    )


@router.post("/circuits/{vendor}/closings", status_code=201)
async def close(vendor: str, body: Switch, held: Held, who: Holder) -> Circuit:
    """Let work through again, whoever held it back. A vendor that is still away is noticed anew."""
    return await _switch(
        held,
        vendor,
        body,
        who.actor,
        Circuit.closed,
        lambda one: one.state is CircuitState.CLOSED,
    )


async def _switch(
    held: Resources,
    vendor: str,
    body: Switch,
    actor: str,
    after: Callable[[Circuit], Circuit],
    is_so: Callable[[Circuit], bool],
) -> Circuit:
    known = _known(held)
    if vendor not in known:
        raise BadInput("unknown_vendor", field="vendor", action="use one of: " + ", ".join(known))
    if body.account and body.account not in known[vendor]:
        raise BadInput(
            "unknown_account",
            field="account",
            action="use one of: " + ", ".join(known[vendor]) + ", or none for all of them",
        )
    store = PostgresCircuits(held.engine)
    for _ in range(_TRIES):
        before = await store.read(vendor, body.account)
        if is_so(before):
            return before
        wanted = after(before)
        if await store.change(
            before, wanted, at=datetime.now(UTC), actor=actor, reason=body.reason
        ):
            return wanted
    raise HTTPException(409, "changed_meanwhile")


def _known(held: Resources) -> dict[str, list[str]]:
    """Companies by ERP, of the legal entities that are configured."""
    found: dict[str, list[str]] = {}
    for entity in held.config().legal_entities:
        found.setdefault(entity.erp_instance, []).append(entity.erp_company)
    return {vendor: sorted(found[vendor]) for vendor in sorted(found)}


def _behind(circuit: Circuit, waiting: dict[tuple[str, str], int]) -> int | None:
    counts = [
        count
        for (vendor, company), count in waiting.items()
        if vendor == circuit.vendor and circuit.account in ("", company)
    ]
    return sum(counts) if counts else None


async def _waiting(held: Resources, known: dict[str, list[str]]) -> dict[tuple[str, str], int]:
    """Steps in the queue of each company; empty where Temporal does not answer."""
    pairs = [(vendor, company) for vendor, companies in known.items() for company in companies]
    try:
        client = await held.temporal()
        answers = await asyncio.gather(
            *(
                client.workflow_service.describe_task_queue(
                    DescribeTaskQueueRequest(
                        namespace=client.namespace,
                        task_queue=TaskQueue(name=erp_task_queue(*pair)),
                        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                        report_stats=True,
                    ),
                    timeout=RPC_TIMEOUT,
                )
                for pair in pairs
            )
        )
    except (RPCError, VendorUnavailable):
        return {}
    return {
        pair: answer.stats.approximate_backlog_count
        for pair, answer in zip(pairs, answers, strict=True)
    }
