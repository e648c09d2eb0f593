"""What a laboratory leaves running on the server that the next one shares, ended with it."""

from __future__ import annotations

from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class LeftRunning(Interceptor):
    """Remembers whose steps were done, and ends those runs and their children."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _Remembered(super().intercept_activity(next), self.seen)

    async def end(self, client: Client) -> None:
        """Once no worker is at work any more: what still waits would write into another's world."""
        waiting, ended = sorted(self.seen), set[str]()
        while waiting:
            workflow_id = waiting.pop()
            if workflow_id in ended:
                continue
            ended.add(workflow_id)
            waiting += await _end(client, workflow_id)


async def _end(client: Client, workflow_id: str) -> list[str]:
    """Its children: they may not have done a step yet."""
    handle = client.get_workflow_handle(workflow_id)
    try:
        found = await handle.describe()
        if found.status is WorkflowExecutionStatus.RUNNING:
            await handle.terminate("its laboratory is closed")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise
    return [child.workflow_id for child in found.raw_description.pending_children]


class _Remembered(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, seen: set[str]) -> None:
        super().__init__(next)
        self._seen = seen

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self._seen.add(activity.info().workflow_id or "")
        return await super().execute_activity(input)
