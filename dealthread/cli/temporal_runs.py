"""Runs on the Temporal server as the command line finds them: by any id, and what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCError, RPCStatusCode

from dealthread.cli import output
from dealthread.cli.context import Surroundings
from dealthread.cli.failures import Refused
from dealthread.cli.process_api import NoAnswer, NotThere, at, connect
from dealthread.domain.transaction import SagaStatus
from dealthread.naming import contract_workflow_id
from dealthread.settings import Settings
from dealthread.temporal import RPC_TIMEOUT
from dealthread.temporal import connect as connect_temporal

T = TypeVar("T")
Handle = WorkflowHandle[Any, Any]

CONTRACT = contract_workflow_id("")
ACTIVATION = "activation:"
_OWN_IDS = (
    CONTRACT,
    ACTIVATION,
    "quote-to-cash:",
    "amendment:",
    "renewal:",
    "renewal-notice:",
    "cancellation:",
    "withdrawal:",
)


@dataclass(frozen=True)
class Run:
    """Which workflow an id stands for, and the transaction's ids where the store knows it."""

    workflow_id: str
    contract_key: str = ""
    case_id: str = ""


def resolve(any_id: str) -> Run:
    """The run of a business key, contract key or native id; an unknown id is taken literally."""
    literal = any_id.startswith(_OWN_IDS)
    try:
        with connect() as api:
            found = api.get(at("transactions", any_id)).json()["transaction"]
    except Refused as error:
        if not literal:
            if not isinstance(error, NotThere | NoAnswer):
                raise
            output.note(f"{error}; taking {any_id} for a workflow id")
        return Run(any_id)
    return Run(
        workflow_id=any_id if literal else found["business_key"],
        contract_key=found["contract_key"],
        case_id=found["case_id"],
    )


def with_client(work: Callable[[Client, Settings], Awaitable[T]]) -> T:
    """Run some work on a Temporal client of these surroundings."""
    settings = Surroundings.here().settings()

    async def connected() -> T:
        return await work(await connect_temporal(settings), settings)

    return asyncio.run(connected())


async def is_running(handle: Handle) -> tuple[bool, str]:
    """Whether the latest run is open, and its status in words."""
    found = (await handle.describe(rpc_timeout=RPC_TIMEOUT)).status
    word = found.name.lower().replace("_", " ") if found else "in an unknown state"
    return found is WorkflowExecutionStatus.RUNNING, word


async def pivot_crossed(handle: Handle) -> bool | None:
    """Whether the run only goes forward by now; None when nobody can tell."""
    if handle.id.startswith(ACTIVATION):
        return True  # the start date itself was the pivot
    try:
        status: SagaStatus = await handle.query(
            "status", result_type=SagaStatus, rpc_timeout=RPC_TIMEOUT
        )
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise
        return None  # no worker is there to answer
    return status.pivot_crossed
