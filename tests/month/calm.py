"""When nobody is at work any more: runs that have ended, and those that wait for a day or a
person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

PATIENCE = 300.0
"""Seconds of the machine until everybody rests."""
ASKED_AT_ONCE = 16


class Calm:
    """Asks Temporal who is at work; `people` decides meanwhile what is theirs."""

    def __init__(self, client: Client, people: Callable[[], Awaitable[int]]) -> None:
        self._client = client
        self._people = people
        self._slots = asyncio.Semaphore(ASKED_AT_ONCE)
        self.alive: set[str] = set()
        """Runs that have not ended, as far as is known: a day may wake them."""
        self.told: set[str] = set()
        """Those that may be at work."""

    def tell(self, runs: Iterable[str]) -> None:
        """There was news for them."""
        told = set(runs)
        self.alive |= told
        self.told |= told

    async def ended(self, handles: Sequence[WorkflowHandle[Any, Any]]) -> None:
        """Until these runs have ended; raises where one failed."""
        ends = [asyncio.ensure_future(one.result()) for one in handles]
        pending: set[asyncio.Future[Any]] = set(ends)
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while pending:
            done, pending = await asyncio.wait(pending, timeout=0.1)
            for one in done:
                one.result()
            if pending:
                await self._people()
            if asyncio.get_running_loop().time() > deadline:
                left = [one.id for one, end in zip(handles, ends, strict=True) if end in pending]
                raise AssertionError(f"not over in time: {left}")

    async def rest(self) -> None:
        """Until those who were told do nothing but wait for news, a day, or a person."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while self.told:
            asked = sorted(self.told)
            busy = await asyncio.gather(*(self._is_busy(run) for run in asked))
            # One that was at work may have given work to another: all are asked again.
            if not any(busy):
                self.told -= set(asked)
                continue
            if asyncio.get_running_loop().time() > deadline:
                at_work = [run for run, is_busy in zip(asked, busy, strict=True) if is_busy]
                raise AssertionError(f"do not come to rest: {at_work}")
            await asyncio.sleep(0.02)

    def morning(self) -> None:
        """A day has come: whoever waited for it may be at work."""
        self.told |= self.alive

    async def _is_busy(self, run: str) -> bool:
        async with self._slots:
            try:
                told = await self._client.get_workflow_handle(run).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
        if told.status is not WorkflowExecutionStatus.RUNNING:
            self.alive.discard(run)
            return False
        raw = told.raw_description
        return bool(raw.pending_activities) or raw.HasField("pending_workflow_task")
