"""ContractCheck: what does every system say of these contracts now? Reads only, writes nothing.

All systems are read at once. One that does not answer is unread, and hinders none of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.contract_check import (
    AgreementCheckActivities,
    AgreementsSeen,
    BookingCheckActivities,
    BookingsSeen,
    ContractKeys,
    CrmCheckActivities,
    EntitlementCheckActivities,
    EntitlementsSeen,
    HeldCheckActivities,
    HeldSeen,
    ReadAgreements,
    ReadBookings,
    ReadHeld,
)
from dealthread.domain.base import Carried
from dealthread.domain.comparison.seen import (
    SeenAgreement,
    SeenBooking,
    SeenEntitlement,
    SeenHeld,
    SeenRecords,
    SystemsSay,
)
from dealthread.failure import problem_of
from dealthread.naming import (
    BILLING_QUEUE,
    CRM_QUEUE,
    CUSTOMER_SUCCESS_QUEUE,
    ENTITLEMENT_QUEUE,
    erp_task_queue,
)
from dealthread.policies import Timing

T = TypeVar("T")

# The caller waits: one try each, and no longer than his budget. While a ledger is away nothing of
# its queue is taken up.
_PROMPT = Timing(
    schedule_to_start_timeout=timedelta(seconds=10),
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


class ContractCheckInput(Carried):
    """What is to be read: ids only."""

    records: tuple[str, ...] = ()
    """Keys of contracts, for the CRM."""
    agreements: ReadAgreements = ReadAgreements(agreements=())
    bookings: tuple[ReadBookings, ...] = ()
    entitlements: tuple[str, ...] = ()
    """Keys of contracts, for the entitlement service."""
    held: tuple[ReadHeld, ...] = ()
    """For each customer-success system that can be read."""


@workflow.defn(name="ContractCheck")
class ContractCheckWorkflow:
    """One look at every system that holds something of a contract."""

    @workflow.run
    async def run(self, order: ContractCheckInput) -> SystemsSay:
        crm, agreements, entitlements, bookings, held = await asyncio.gather(
            self._crm(order.records),
            self._agreements(order.agreements),
            self._entitlements(order.entitlements),
            asyncio.gather(*(self._bookings(one) for one in order.bookings)),
            asyncio.gather(*(self._held(one) for one in order.held)),
        )
        return SystemsSay(
            crm=crm,
            agreements=agreements,
            entitlements=entitlements,
            bookings=tuple(one for company in bookings for one in company),
            held=tuple(one for system in held for one in system),
        )

    async def _crm(self, keys: tuple[str, ...]) -> SeenRecords:
        if not keys:
            return SeenRecords()
        answer: Awaitable[SeenRecords] = workflow.execute_activity_method(
            CrmCheckActivities.read,
            ContractKeys(contract_keys=keys),
            task_queue=CRM_QUEUE,
            summary=f"Read {len(keys)} contracts in the CRM",
            **_PROMPT,
        )
        seen, code = await _read(answer)
        return seen or SeenRecords(unread=code)

    async def _agreements(self, asked: ReadAgreements) -> tuple[SeenAgreement, ...]:
        if not asked.agreements:
            return ()
        answer: Awaitable[AgreementsSeen] = workflow.execute_activity_method(
            AgreementCheckActivities.read,
            asked,
            task_queue=BILLING_QUEUE,
            summary=f"Read {len(asked.agreements)} agreements at the biller",
            **_PROMPT,
        )
        seen, code = await _read(answer)
        if seen is not None:
            return seen.agreements
        return tuple(
            SeenAgreement(contract_key=one.contract_key, unread=code) for one in asked.agreements
        )

    async def _bookings(self, asked: ReadBookings) -> tuple[SeenBooking, ...]:
        answer: Awaitable[BookingsSeen] = workflow.execute_activity_method(
            BookingCheckActivities.read,
            asked,
            task_queue=erp_task_queue(asked.erp, asked.company),
            summary=f"Read {len(asked.bookings)} bookings of company {asked.company}",
            **_PROMPT,
        )
        seen, code = await _read(answer)
        if seen is not None:
            return seen.bookings
        return tuple(
            SeenBooking(contract_key=one.contract_key, native_id=one.native_id, unread=code)
            for one in asked.bookings
        )

    async def _entitlements(self, keys: tuple[str, ...]) -> tuple[SeenEntitlement, ...]:
        if not keys:
            return ()
        answer: Awaitable[EntitlementsSeen] = workflow.execute_activity_method(
            EntitlementCheckActivities.read,
            ContractKeys(contract_keys=keys),
            task_queue=ENTITLEMENT_QUEUE,
            summary=f"Read {len(keys)} entitlements",
            **_PROMPT,
        )
        seen, code = await _read(answer)
        if seen is not None:
            return seen.entitlements
        return tuple(SeenEntitlement(contract_key=key, unread=code) for key in keys)

    async def _held(self, asked: ReadHeld) -> tuple[SeenHeld, ...]:
        answer: Awaitable[HeldSeen] = workflow.execute_activity_method(
            HeldCheckActivities.read,
            asked,
            task_queue=CUSTOMER_SUCCESS_QUEUE,
            summary=f"Read {len(asked.contract_keys)} contracts in {asked.subscriber}",
            **_PROMPT,
        )
        seen, code = await _read(answer)
        if seen is not None:
            return seen.held
        return tuple(
            SeenHeld(subscriber=asked.subscriber, contract_key=key, unread=code)
            for key in asked.contract_keys
        )


async def _read(answer: Awaitable[T]) -> tuple[T | None, str]:
    """What was read, or the code of what kept it from being read."""
    try:
        return await answer, ""
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return None, problem_of(error).details.code
