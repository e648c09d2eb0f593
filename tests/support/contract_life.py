"""One contract from its won deal on, through its own workflow, on a server that skips time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.naming import contract_key, contract_workflow_id
from tests.support.deal_builder import d1
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab
from workers.ports import Ports

START = date(2026, 1, 1)


@dataclass
class Life:
    """One contract that runs, and the means to let time pass and to ask for changes."""

    it: Lab
    office: Office
    server: WorkflowEnvironment
    contract: Contract

    def handle(self) -> WorkflowHandle[Any, Any]:
        """The contract's workflow, whichever of its runs is the present one."""
        return self.server.client.get_workflow_handle(contract_workflow_id(self.contract.key))

    async def status(self) -> dict[str, Any]:
        handle = self.handle()
        for _ in range(100):
            try:
                # A question that meets the end of a run may be left without an answer.
                return await handle.query("status", rpc_timeout=timedelta(seconds=2))
            except RPCError as error:
                last = error
                await asyncio.sleep(0.05)
        raise AssertionError(f"the contract does not answer: {last}")

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        view: dict[str, Any] = {}
        for _ in range(400):
            view = await self.status()
            if holds(view):
                return view
            await asyncio.sleep(0.05)
        found = await self.it.reading.find(self.contract.key)
        case = await self.it.cases.show(found.case_id) if found.case_id else None
        raise AssertionError(f"the contract is {view}, its case {case and case.summary}")

    async def go_to(self, day: date) -> None:
        there = datetime.combine(day, time(9), UTC)
        # Where work is under way when a skip is asked, the server may wait for it with the skip
        # and never come back to it: it is asked again.
        while (left := there - await self.it.business_now()) > timedelta(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.server.sleep(left), 10)

    async def ask(
        self, kind: ChangeKind, order: ChangeOrder, by: str = "anna", generation: int = 1
    ) -> None:
        await self.it.changes.record_order(order, by)
        await self.it.runs.claim(
            ChangeRequest(
                change_id=order.change_id,
                kind=kind,
                generation=generation,
                org=self.contract.org,
                deal_id=self.contract.deal_id,
                requested_by=by,
            ),
            self.contract.key,
        )
        await self.office.relayed()

    async def done(self, change_id: str) -> dict[str, Any]:
        return await self.until(lambda view: f"{change_id}#1" in view["applied"])

    async def present(self) -> Contract:
        found = await self.it.contracts.read(self.contract.key)
        assert found is not None
        return found

    async def approve(self, decision: DecisionKind = DecisionKind.APPROVE) -> None:
        case = await self.it.case_of(self.contract.key, kind="deal.approval")
        await self.it.decide(case, decision, actor="ben")


@asynccontextmanager
async def life(
    server: WorkflowEnvironment,
    engine: AsyncEngine,
    url: str,
    change: Callable[[Deal], Deal] = lambda deal: deal,
    sold_on: date = START,
    exchange: Callable[[Ports], Ports] = lambda ports: ports,
) -> AsyncIterator[Life]:
    """D1 of facts/domain.md §9.6: active since its start, or scheduled where it was sold before."""
    client = server.client
    async with lab(client, engine, sold_on, exchange=exchange) as it:
        office = Office(it, url, client)
        await it.follow_the_server()
        async with office.pool:
            deal = fresh(change(d1()))
            it.world.deals[deal.deal_id] = deal
            await office.webhook(deal, f"m-{deal.deal_id}")
            await office.relayed()
            assert await office.ended(deal) == ("scheduled" if sold_on < START else "completed")
            contract = await it.contracts.read(contract_key(deal.org, deal.deal_id))
            assert contract is not None
            yield Life(it, office, server, contract)
