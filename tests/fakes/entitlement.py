"""The entitlement port, in memory."""

from __future__ import annotations

from datetime import timedelta

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import (
    Entitlement,
    EntitlementState,
)
from dealthread.outcome import Outcome
from dealthread.ports import (
    GrantEntitlement,
)
from tests.fakes.world import World


class FakeEntitlement:
    """Grants by contract."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, Entitlement] = {}

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
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
            )
            return self.held[command.contract_key]

        return await self._world.write("entitlement.grant", command.contract_key, effect)

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        return await self._world.read("entitlement.find", lambda: self.held.get(contract_key))

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            held = self.held[contract_key]
            self.held[contract_key] = held.model_copy(update={"state": EntitlementState.REVOKED})
            return self.held[contract_key]

        return await self._world.write("entitlement.revoke", contract_key, effect)
