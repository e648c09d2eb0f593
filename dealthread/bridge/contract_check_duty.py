"""The relay's duty to contracts: each is compared in its turn, and what nothing explains has one
open case while it lasts.

A difference opens a case at the second look that finds it: the first may have met a change between
two of its steps. Contracts are claimed before they are looked at, so that several relays share
them; one that cannot be compared is looked at alone after that, and keeps no other from its turn.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from dealthread.bridge.contract_checking import BATCH, BUDGET_SECONDS, Comparison, Looked
from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.domain.comparison.finding import ContractFinding, StateDifference
from dealthread.domain.comparison.reporting import case_of, is_told, opening
from dealthread.domain.comparison.seen import SystemsSay
from dealthread.domain.policy import Policy
from dealthread.errors import InvariantBroken, VendorUnavailable
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
        """How many contracts were looked at. Raises what kept a look from its end."""
        policy = self._policy()
        over_for = timedelta(days=policy.contract_check_ended_days)
        every = timedelta(hours=policy.contract_check_hours)
        keys = await self._comparison.checks.claim(every, over_for, BATCH)
        if not keys:
            return 0
        try:
            await self.look_at(keys, every)
        except RPCError:
            await self._comparison.checks.release(keys)
            raise
        except ValueError as error:
            # What is stored of one of them is not what it has to be.
            log.warning("contracts_not_comparable", contracts=keys, error=type(error).__name__)
            raise InvariantBroken("contracts_not_comparable") from None
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
            kept = _kept(looked.finding, then)
            confirmed = _confirmed(looked.finding, then)
            await self._tell(looked, confirmed, tuple(one for one in kept if not one.is_explained))
            again = self._again(looked.finding, confirmed, every)
            finding = looked.finding.model_copy(
                update={"differences": (*looked.finding.differences, *kept)}
            )
            await self._comparison.checks.keep(finding, self._clock.now(), again)
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
                    # Whoever still waits for an earlier one has lost his claim.
                    id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    execution_timeout=timedelta(seconds=2 * BUDGET_SECONDS),
                    static_summary=f"Compare {len(order.records)} contracts with every system",
                    rpc_timeout=RPC_TIMEOUT,
                )
        except WorkflowFailureError:
            raise VendorUnavailable("contract_check_failed") from None

    async def _tell(
        self,
        looked: Looked,
        confirmed: tuple[StateDifference, ...],
        kept: tuple[StateDifference, ...],
    ) -> None:
        key = looked.standing.key
        case = await self._comparison.checks.case_of(case_of(key))
        is_open = case is not None and case.is_open
        if confirmed:
            told = case.told if case is not None and is_open else {}
            # What came to it since is told as a new version of the same case, beside what a
            # silent system said when the case was told last.
            differences = (*confirmed, *(one for one in kept if is_told((one,), told)))
            if is_open and is_told(differences, told):
                return
            occurrence = (case.occurrence if case is not None else 0) + 1
            await self._cases.open(opening(looked.standing, differences, occurrence, WATCH))
            log.info("contract_differs", contract=key, count=len(differences))
        elif is_open and case is not None and not (looked.finding.unexplained or kept):
            await self._cases.settle(case.case_id, case.version, _MENDED)
            log.info("contract_agrees", contract=key)

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


def _kept(
    finding: ContractFinding, then: tuple[StateDifference, ...]
) -> tuple[StateDifference, ...]:
    """What a system said last is not gone because it does not answer now."""
    silent = {one.system for one in finding.unread}
    # A ledger may have answered for one order and not for another.
    said = {one.same for one in finding.differences}
    return tuple(one for one in then if one.system in silent and one.same not in said)
