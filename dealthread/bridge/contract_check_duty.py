"""The relay's duty to contracts: each is compared in its turn, and what nothing explains has one
open case while it lasts.

A difference opens a case at the second look that finds it: the first may have met a change between
two of its steps.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from dealthread.bridge.contract_checking import BATCH, BUDGET_SECONDS, Comparison, Looked
from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.domain.comparison.finding import ContractFinding, StateDifference
from dealthread.domain.comparison.reporting import case_of, opening, told_as
from dealthread.domain.comparison.seen import SystemsSay
from dealthread.domain.policy import Policy
from dealthread.errors import VendorUnavailable
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.ports.clock import BusinessClock
from dealthread.settings import OffsetClock, Settings
from dealthread.store.cases import PostgresCases
from dealthread.store.contract_checks import WATCH
from dealthread.temporal import RPC_TIMEOUT
from workflows.contract_check import ContractCheckInput, ContractCheckWorkflow

log = structlog.get_logger()
CONFIRMED_AFTER = timedelta(minutes=2)
"""Longer than any step takes that only has to be repeated."""
UNREAD_AGAIN = timedelta(minutes=30)
_MENDED = "every system says what stands here"


class ContractCheckDuty:
    """Looks, keeps what was found, opens and closes cases."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        engine: AsyncEngine,
        clock: BusinessClock | None = None,
        confirmed_after: timedelta = CONFIRMED_AFTER,
    ) -> None:
        self._client = client
        self._clock = clock or OffsetClock(settings.business_offset_seconds)
        self._comparison = Comparison(settings, engine, self._clock.now)
        self._cases = PostgresCases(engine)
        self._config = ConfigSource(settings.config_dir)
        self._confirmed_after = confirmed_after

    async def look_at_due(self) -> int:
        """How many contracts were looked at."""
        policy = self._policy()
        over_for = timedelta(days=policy.contract_check_ended_days)
        every = timedelta(hours=policy.contract_check_hours)
        keys = await self._comparison.checks.due(every, over_for, BATCH)
        if keys:
            await self.look_at(keys, every)
        return len(keys)

    async def look_at(self, keys: list[str], every: timedelta) -> list[ContractFinding]:
        """Compare some contracts now; each is due again after `every`, or sooner where a
        difference has to be confirmed or a system did not answer."""
        known = await self._comparison.checks.known(keys)

        async def ask(order: ContractCheckInput) -> SystemsSay:
            return await self._ask(keys[0], order)

        found = []
        for looked in await self._comparison.look(keys, ask):
            before = known.get(looked.finding.contract_key)
            then = before.finding.differences if before is not None else ()
            finding = _with_unread(looked.finding, then)
            confirmed = _confirmed(finding, then)
            await self._tell(looked, confirmed, finding)
            await self._comparison.checks.keep(
                finding, self._clock.now(), self._again(finding, confirmed, every)
            )
            found.append(finding)
        return found

    async def _ask(self, first: str, order: ContractCheckInput) -> SystemsSay:
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                return await self._client.execute_workflow(
                    ContractCheckWorkflow.run,
                    order,
                    id=f"contract-check-sweep:{first}",
                    task_queue=WORKFLOW_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    static_summary=f"Compare {len(order.records)} contracts with every system",
                    rpc_timeout=RPC_TIMEOUT,
                )
        except WorkflowFailureError:
            raise VendorUnavailable("contract_check_failed") from None

    async def _tell(
        self, looked: Looked, confirmed: tuple[StateDifference, ...], finding: ContractFinding
    ) -> None:
        case = await self._comparison.checks.case_of(case_of(finding.contract_key))
        is_open = case is not None and case.is_open
        if confirmed:
            # What came to it since is told as a new version of the same case.
            is_told = case is not None and {told_as(one) for one in confirmed} <= case.told
            if is_open and is_told:
                return
            occurrence = (case.occurrence if case is not None else 0) + 1
            await self._cases.open(opening(looked.standing, confirmed, occurrence, WATCH))
            log.info("contract_differs", contract=finding.contract_key, count=len(confirmed))
        elif is_open and case is not None and not finding.unexplained:
            await self._cases.settle(case.case_id, case.version, _MENDED)
            log.info("contract_agrees", contract=finding.contract_key)

    def _again(
        self,
        finding: ContractFinding,
        confirmed: tuple[StateDifference, ...],
        every: timedelta,
    ) -> timedelta:
        if len(finding.unexplained) > len(confirmed):
            return min(self._confirmed_after, every)
        if finding.unread or finding.differences:
            return min(UNREAD_AGAIN, every)
        return every

    def _policy(self) -> Policy:
        try:
            return self._config.current().policy
        except ConfigInvalid:
            raise VendorUnavailable("configuration_invalid") from None


def _confirmed(
    finding: ContractFinding, then: tuple[StateDifference, ...]
) -> tuple[StateDifference, ...]:
    """What nothing explains, and the look before found as well."""
    before = {(one.same, one.found) for one in then}
    return tuple(one for one in finding.unexplained if (one.same, one.found) in before)


def _with_unread(finding: ContractFinding, then: tuple[StateDifference, ...]) -> ContractFinding:
    """What a system said last is not gone because it does not answer now."""
    silent = {one.system for one in finding.unread}
    kept = tuple(one for one in then if one.system in silent)
    return finding.model_copy(update={"differences": (*finding.differences, *kept)})
