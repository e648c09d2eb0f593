"""RS-05: a case is seen, and may be decided, before its own run has heard that it is open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from dealthread.domain.case import DecisionKind
from dealthread.domain.transaction import ChangeOutcome
from tests.fakes.world import Fault
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


class SlowAnswer(Interceptor):
    """The case is in the store; the answer of the activity that opened it is on its way."""

    def __init__(self) -> None:
        self.arrives = asyncio.Event()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _Slow(super().intercept_activity(next), self.arrives)


class _Slow(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, arrives: asyncio.Event) -> None:
        super().__init__(next)
        self._arrives = arrives

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        made = await super().execute_activity(input)
        if activity.info().activity_type == "hub.open_case":
            await self._arrives.wait()
        return made


async def test_a_decision_that_comes_before_the_run_knows_its_case_is_kept(
    dev_server: Client, engine: AsyncEngine
) -> None:
    slow = SlowAnswer()
    async with lab(dev_server, engine, D1_TODAY, interceptors=(slow,)) as it:
        deal = fresh(d1())
        it.world.plan("crm.record_contract", Fault.REJECTED)
        handle = await it.start(deal)
        case = await it.case(deal)
        await it.decide(case, DecisionKind.RETRY)
        slow.arrives.set()
        assert (await handle.result()).outcome is ChangeOutcome.SCHEDULED
