"""The entitlement port, in memory."""

from __future__ import annotations

from datetime import timedelta

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import (
    Entitlement,
    EntitlementState,
)
from dealthread.outcome import Outcome
from dealthread.ports.entitlement import GrantEntitlement, SuspendEntitlement
from tests.fakes.world import World


class FakeEntitlement:
    """Grants by contract."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, Entitlement] = {}
        self._lifted: set[str] = set()

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            before = self.held.get(command.contract_key)
            self.held[command.contract_key] = Entitlement(
                ref=Ref(
                    system=System.ENTITLEMENT,
                    account="fake",
                    kind="entitlement",
                    native_id=f"ent-{command.contract_key}",
                ),
                contract_key=command.contract_key,
                state=EntitlementState.ACTIVE,
                grants=command.grants,
                holds=before.holds if before is not None else (),
            )
            return self._as_of_today(self.held[command.contract_key])

        return await self._world.write("entitlement.grant", command.contract_key, effect)

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        def look() -> Entitlement | None:
            found = self.held.get(contract_key)
            return None if found is None else self._as_of_today(found)

        return await self._world.read("entitlement.find", look)

    def _as_of_today(self, held: Entitlement) -> Entitlement:
        """Recorded before the first right begins, ended once every right has run out, whatever was
        said when it was granted; suspended while anything holds it."""
        if held.state is not EntitlementState.ACTIVE:
            return held
        today = self._world.today.date()
        ends = [grant.access_to for grant in held.grants]
        begins = [grant.access_from for grant in held.grants]
        if ends and all(end is not None and end <= today for end in ends):
            now = EntitlementState.ENDED
        elif held.holds:
            now = EntitlementState.SUSPENDED
        elif begins and min(begins) > today:
            now = EntitlementState.RECORDED
        else:
            return held
        return held.model_copy(update={"state": now})

    async def suspend(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            held = self.held[command.contract_key]
            others = tuple(one for one in held.holds if one != command.hold_id)
            if command.hold_id not in self._lifted:
                held = held.model_copy(update={"holds": (*others, command.hold_id)})
            self.held[command.contract_key] = held
            return self._as_of_today(held)

        return await self._world.write("entitlement.suspend", command.contract_key, effect)

    async def restore(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            held = self.held[command.contract_key]
            others = tuple(one for one in held.holds if one != command.hold_id)
            self._lifted.add(command.hold_id)
            self.held[command.contract_key] = held.model_copy(update={"holds": others})
            return self._as_of_today(self.held[command.contract_key])

        return await self._world.write("entitlement.restore", command.contract_key, effect)

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            held = self.held[contract_key]
            self.held[contract_key] = held.model_copy(update={"state": EntitlementState.REVOKED})
            return self.held[contract_key]

        return await self._world.write("entitlement.revoke", contract_key, effect)
