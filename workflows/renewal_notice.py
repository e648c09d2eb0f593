"""RenewalNotice: the end of a term is announced, with the price of what would follow.

1  price the next term
2  the CRM holds the open renewal with its price; subscribers hear that a renewal is due
"""

from __future__ import annotations

from temporalio import workflow

from dealthread.domain.contract import ContractState
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeInput, ChangeResult
from workflows.change_run import ContractChange
from workflows.wording import RENEWAL_NOTICE


@workflow.defn(name="RenewalNotice")
class RenewalNoticeWorkflow(ContractChange):
    """One announcement of one renewal."""

    @workflow.init
    def __init__(self, order: ChangeInput) -> None:
        super().__init__(order, RENEWAL_NOTICE)

    @workflow.run
    async def run(self, order: ChangeInput) -> ChangeResult:  # noqa: ARG002 - read by __init__
        return await self._change.to_its_end(self._announce())

    async def _announce(self) -> ChangeResult:
        run = self._change
        offer = await run.assessed()
        return await run.record(
            offer.model_copy(update={"contract": offer.before}),
            state=ContractState.ACTIVE,
            event=EventType.RENEWAL_DUE,
            is_new_version=False,
            forecast_renewal=True,
            renewal_price=offer.renewal_price,
        )
