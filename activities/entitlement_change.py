"""The step on the entitlement service that brings the rights of a contract to its new version."""

from __future__ import annotations

from temporalio import activity

from activities.change_inputs import ChangeAccess
from activities.entitlement import grants_of
from activities.service_telling import ServiceTelling
from dealthread.domain.base import System
from dealthread.domain.documents import Entitlement, EntitlementState, Grant
from dealthread.domain.service_status import ServiceAct
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.ports.entitlement import EntitlementPort, GrantEntitlement


class EntitlementChangeActivities:
    """One business step, through the entitlement port."""

    def __init__(
        self, entitlement: EntitlementPort, ensure: Ensure, telling: ServiceTelling
    ) -> None:
        self._entitlement = entitlement
        self._ensure = ensure
        self._telling = telling

    @activity.defn(name="entitlement.change")
    async def change(self, order: ChangeAccess) -> Entitlement:
        """All rights of the contract, each with its days, in place of what was granted before.

        Told at once; a right that ends or begins later does so by its own date.
        """
        context, contract = order.context, order.contract
        command = GrantEntitlement(
            contract_key=contract.key,
            customer_key=contract.customer_key,
            grants=grants_of(contract),
        )
        key = idempotency_key(context.business_key, context.generation, "entitlement", "do")

        async def find() -> Entitlement | None:
            found = await self._entitlement.find(contract.key, idempotency_key=key)
            if found is None or found.state is EntitlementState.REVOKED:
                return None
            # The service tells what holds, whichever act made it: it is ours if it is the same.
            return found if _rights(found.grants) == _rights(command.grants) else None

        changed = await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    step="entitlement.change",
                    system=System.ENTITLEMENT,
                    account=contract.seller,
                    context=context,
                    request_hash=request_hash(command),
                ),
                result_type=Entitlement,
                find=find,
                act=lambda wire_key: self._entitlement.grant(command, idempotency_key=wire_key),
                effects=lambda granted: Effects(refs=(granted.ref,), stage="entitled"),
                settle=self._entitlement.settle_window,
            )
        )
        await self._telling.after(ServiceAct.CHANGED, contract.key, contract.customer_key)
        return changed


def _rights(grants: tuple[Grant, ...]) -> set[tuple[object, ...]]:
    return {
        (one.line_key, one.template, one.quantity, one.access_from, one.access_to) for one in grants
    }
