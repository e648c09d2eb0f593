"""What must be known to take back a contract that has not begun."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import CancellationOrder, CancellationReason
from dealthread.domain.contract import Contract
from dealthread.domain.transaction import SagaContext
from dealthread.errors import NotFound
from dealthread.hub import Changes, Contracts
from dealthread.naming import quote_to_cash_id


class ReadRescission(Carried):
    """Input of `rescission.read`."""

    context: SagaContext


class RescissionSetUp(Carried):
    """The contract, the run that set it up, and whether what is asked takes the whole back."""

    contract: Contract
    set_up_by: str
    generation: int
    is_rescission: bool
    needs_approval: bool


class RescissionActivities:
    """Reads of our own store."""

    def __init__(
        self, contracts: Contracts, changes: Changes, config: Callable[[], ConfigSet]
    ) -> None:
        self._contracts = contracts
        self._changes = changes
        self._config = config

    @activity.defn(name="rescission.read")
    async def read(self, ask: ReadRescission) -> RescissionSetUp:
        """The contract as it was set up. Raises NotFound where nothing was."""
        context = ask.context
        contract = await self._contracts.read(context.contract_key)
        if contract is None:
            raise NotFound("contract_not_recorded", contract=context.contract_key)
        order = await self._changes.order(context.business_key)
        set_up_by = quote_to_cash_id(contract.org, contract.deal_id)
        return RescissionSetUp(
            contract=contract,
            set_up_by=set_up_by,
            generation=await self._changes.newest_generation(set_up_by),
            is_rescission=isinstance(order, CancellationOrder)
            and order.cause is CancellationReason.RESCISSION,
            needs_approval=self._config().policy.cancellation_needs_approval,
        )
