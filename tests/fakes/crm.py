"""The CRM port, in memory."""

from __future__ import annotations

from datetime import timedelta

from dealthread.domain.base import Ref, System
from dealthread.domain.deal import Deal
from dealthread.domain.documents import (
    CrmRecord,
)
from dealthread.outcome import Outcome
from dealthread.ports import (
    CrmWriteBack,
)
from tests.fakes.world import World


class FakeCrm:
    """Deals in, contract records out."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.records: dict[str, tuple[CrmWriteBack, str]] = {}
        self.statuses: dict[str, str] = {}

    async def read_deal(self, deal_id: str) -> Deal:
        return await self._world.read("crm.read_deal", lambda: self._world.deal(deal_id))

    def _record(self, command: CrmWriteBack) -> CrmRecord:
        return CrmRecord(
            ref=Ref(
                system=System.CRM,
                account="org",
                kind="contract",
                native_id=f"800-{command.contract_key}",
            ),
            status=command.status,
        )

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.records[command.contract_key] = (command, idempotency_key)
            self.statuses[command.deal_id] = command.status
            return self._record(command)

        return await self._world.write("crm.record_contract", command.contract_key, effect)

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        def look() -> CrmRecord | None:
            found = self.records.get(contract_key)
            if found is None or found[1].split("~")[0] != idempotency_key:
                return None
            return self._record(found[0])

        return await self._world.read("crm.find_contract", look)

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.records.pop(command.contract_key, None)
            self.statuses[command.deal_id] = command.status
            return self._record(command)

        return await self._world.write("crm.withdraw_contract", command.contract_key, effect)
