"""The bare workflows that quote-to-cash is compared with: activities that answer at once.

Same server, same worker process, same sandbox and same data converter (encrypted payloads).
`BareSaga` is the yardstick: so many activities on the queue of the workflow, as in any first
program. `BareContract` takes the product's shape and nothing else of it: a parent that is told by
signal-with-start, the saga as its child with activities on a queue of their own, then rest.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow

BARE_QUEUE = "bench-bare"
BARE_ACTIVITY_QUEUE = "bench-bare-activities"
_A_YEAR = timedelta(days=365)
_LIMIT = timedelta(seconds=30)


class BareOrder(BaseModel):
    """Input of the workflows and of each activity; a few hundred bytes."""

    name: str
    activities: int
    queue: str = BARE_QUEUE
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
                step, order, task_queue=order.queue, start_to_close_timeout=_LIMIT
            )
        return order


@workflow.defn(name="BareContract")
class BareContractWorkflow:
    """Waits for its order, has it done by a child, rests until the term ends."""

    def __init__(self) -> None:
        self._orders: list[BareOrder] = []

    @workflow.run
    async def run(self, name: str, rests: bool) -> None:
        if rests:
            await workflow.sleep(_A_YEAR)
            return
        await workflow.wait_condition(lambda: bool(self._orders))
        await workflow.execute_child_workflow(
            BareSagaWorkflow.run, self._orders.pop(), id=f"bench-child-{name}"
        )
        workflow.continue_as_new(args=[name, True])

    @workflow.signal
    def ordered(self, order: BareOrder) -> None:
        """What the signal-with-start brings."""
        self._orders.append(order)
