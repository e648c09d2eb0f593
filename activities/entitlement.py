"""Steps on the entitlement service: grant, revoke."""

from __future__ import annotations

from temporalio import activity

from activities.deal_telling import entitlement_activated
from activities.inputs import GrantAccess, Undone
from activities.service_telling import ServiceTelling
from dealthread.domain.base import System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Entitlement, EntitlementState, Grant
from dealthread.domain.service_status import ServiceAct
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.ports.clock import BusinessClock
from dealthread.ports.entitlement import EntitlementPort, GrantEntitlement


class EntitlementActivities:
    """One business step each, through the entitlement port."""

    def __init__(
        self,
        entitlement: EntitlementPort,
        ensure: Ensure,
        telling: ServiceTelling,
        clock: BusinessClock,
    ) -> None:
        self._entitlement = entitlement
        self._ensure = ensure
        self._telling = telling
        self._clock = clock

    @activity.defn(name="entitlement.grant")
    async def grant(self, order: GrantAccess) -> Entitlement:
        """Record the right at once; it is effective from each line's access date."""
        contract = order.contract
        command = GrantEntitlement(
            contract_key=contract.key,
            customer_key=contract.customer_key,
            grants=grants_of(contract),
        )
        key = self._key(order, "do")

        async def find() -> Entitlement | None:
            found = await self._entitlement.find(contract.key, idempotency_key=key)
            revoked = found is not None and found.state is EntitlementState.REVOKED
            return None if revoked else found

        granted = await self._ensure(
            Write(
                spec=self._spec(order, "do", request_hash(command)),
                result_type=Entitlement,
                find=find,
                act=lambda wire_key: self._entitlement.grant(command, idempotency_key=wire_key),
                effects=lambda granted: Effects(
                    refs=(granted.ref,),
                    events=(
                        entitlement_activated(order.context, contract, granted, self._clock.now()),
                    ),
                    stage="entitled",
                ),
                settle=self._entitlement.settle_window,
            )
        )
        await self._telling.after(ServiceAct.GRANTED, contract.key, contract.customer_key)
        return granted

    @activity.defn(name="entitlement.revoke")
    async def revoke(self, order: GrantAccess) -> Undone:
        """Take the right away again; nothing there is fine."""
        contract = order.contract
        do_key = self._key(order, "do")

        async def find() -> Entitlement | None:
            found = await self._entitlement.find(contract.key, idempotency_key=do_key)
            revoked = found is not None and found.state is EntitlementState.REVOKED
            return None if revoked else found

        removed = await self._ensure.undo(
            do_key,
            Undo(
                spec=self._spec(order, "undo", request_hash(contract.key)),
                result_type=Entitlement,
                find=find,
                remove=lambda _, wire_key: self._entitlement.revoke(
                    contract.key, idempotency_key=wire_key
                ),
                settle=self._entitlement.settle_window,
            ),
        )
        await self._telling.after(ServiceAct.WITHDRAWN, contract.key, contract.customer_key)
        return Undone(removed=str(removed.ref) if removed else "")

    def _key(self, order: GrantAccess, way: str) -> str:
        context = order.context
        return idempotency_key(context.business_key, context.generation, "entitlement", way)

    def _spec(self, order: GrantAccess, way: str, hashed: str) -> WriteSpec:
        return WriteSpec(
            key=self._key(order, way),
            step="entitlement.grant" if way == "do" else "entitlement.revoke",
            system=System.ENTITLEMENT,
            account=order.contract.seller,
            context=order.context,
            request_hash=hashed,
        )


def grants_of(contract: Contract) -> tuple[Grant, ...]:
    """What the contract entitles to: one grant for each line that has a template."""
    return tuple(
        Grant(
            line_key=line.line_key,
            template=line.entitlement_template,
            quantity=line.quantity,
            access_from=line.access_from,
            access_to=line.end_date,
        )
        for line in contract.lines
        if line.entitlement_template
    )
