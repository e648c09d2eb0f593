"""How little a contract is while it rests, with all that it may remember."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from dealthread.domain.contract import ContractState, RenewalKind, RenewalTerms
from dealthread.domain.transaction import ChangeKind, ChangeRequest, Environment, RiskLevel
from dealthread.naming import (
    WORKFLOW_QUEUE,
    amendment_id,
    contract_key,
    contract_workflow_id,
)
from tests.plugins.temporal_servers import converter
from workers.sandboxed import sandbox
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.contract_memory import KEEP_APPLIED, ContractMemory, HeldChange

MOST_BYTES = 4096
MOST_EVENTS = 10
ORG = "00D000000000001EAA"


def _native_id(kind: str, number: int) -> str:
    """Shaped as the CRM's, and as little compressible."""
    return kind + hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:15].upper()


def full_memory() -> ContractMemory:
    """20 changes applied, 3 held, renewal terms; every field given, ids as long as they get."""
    deal_id = _native_id("006", 0)
    key = contract_key(ORG, deal_id)
    end = datetime(2099, 1, 1, tzinfo=UTC)
    held = tuple(
        HeldChange(
            request=ChangeRequest(
                change_id=amendment_id(key, _native_id("a0B", number)),
                kind=ChangeKind.AMENDMENT,
                generation=2,
                org=ORG,
                deal_id=_native_id("006", number),
                requested_by=f"webhook:{ORG}",
            ),
            due_at=end - timedelta(days=30 * number),
        )
        for number in range(1, 4)
    )
    return ContractMemory(
        contract_key=key,
        org=ORG,
        deal_id=deal_id,
        state=ContractState.ACTIVE,
        environment=Environment(tenant="default", business_offset_seconds=86_400),
        start_at=end - timedelta(days=365),
        end_at=end,
        auto_renew=True,
        applied=tuple(
            f"{amendment_id(key, _native_id('a0B', 100 + number))}#1"
            for number in range(KEEP_APPLIED)
        ),
        renewal=RenewalTerms(
            kind=RenewalKind.AUTO,
            term_months=12,
            notice_days=90,
            lead_days=45,
            grace_days=14,
            uplift_percent=Decimal("3.50"),
            legal_notice=True,
        ),
        term_no=12,
        announced=True,
        answered=True,
        held=held,
        risk=RiskLevel.HIGH,
    )


async def test_a_full_memory_encodes_to_at_most_four_kilobytes() -> None:
    """Encrypted as it crosses Temporal; and it comes back as it went."""
    (payload,) = await converter().encode([full_memory()])
    assert payload.ByteSize() <= MOST_BYTES
    assert await converter().decode([payload], [ContractMemory]) == [full_memory()]


async def test_a_full_memory_is_small_before_it_is_compressed_too() -> None:
    """What compression gains is a reserve for ids of other shapes."""
    (payload,) = converter().payload_converter.to_payloads([full_memory()])
    assert payload.ByteSize() <= MOST_BYTES


@pytest.mark.temporal
async def test_a_run_at_rest_with_a_full_memory_is_short_and_small(dev_server: Client) -> None:
    """At most 10 events and 4 kB, its timer for the next day included."""
    memory = full_memory()
    workers = Worker(
        dev_server,
        task_queue=f"{WORKFLOW_QUEUE}-at-rest",
        workflows=[ContractLifecycleWorkflow],
        workflow_runner=sandbox(),
    )
    async with workers:
        handle = await dev_server.start_workflow(
            ContractLifecycleWorkflow.run,
            memory,
            id=contract_workflow_id(memory.contract_key),
            task_queue=workers.task_queue,
        )
        try:
            view = await handle.query(ContractLifecycleWorkflow.status)
            history = await handle.fetch_history()
            for _ in range(100):
                if history.events[-1].event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                    break
                await asyncio.sleep(0.05)
                history = await handle.fetch_history()
        finally:
            await handle.terminate()
    assert (view.running, len(view.held), len(view.applied)) == ("", 3, KEEP_APPLIED)
    assert history.events[-1].event_type == EventType.EVENT_TYPE_TIMER_STARTED
    assert len(history.events) <= MOST_EVENTS
    assert sum(event.ByteSize() for event in history.events) <= MOST_BYTES
