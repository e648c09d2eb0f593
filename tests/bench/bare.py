"""The bare workflow that quote-to-cash is compared with: the same number of activities, no more.

Same server, same worker process, same sandbox and same data converter (encrypted payloads). Its
activities run on the queue of its workflow, as in any first program with Temporal.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow

BARE_QUEUE = "bench-bare"


class BareOrder(BaseModel):
    """Input of the workflow and of each activity; a few hundred bytes."""

    name: str
    activities: int
    text: str = "closed won " * 20


@activity.defn(name="bench.step")
async def step(order: BareOrder) -> BareOrder:
    """Answers what it was asked."""
    return order


@workflow.defn(name="BareSaga")
class BareSagaWorkflow:
    """Activities one after another."""

    @workflow.run
    async def run(self, order: BareOrder) -> BareOrder:
        for _ in range(order.activities):
            order = await workflow.execute_activity(
                step, order, start_to_close_timeout=timedelta(seconds=30)
            )
        return order
