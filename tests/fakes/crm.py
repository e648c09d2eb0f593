"""The CRM port, in memory."""

from __future__ import annotations

from datetime import timedelta

from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import AmendmentOrder, RenewalOrder
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.documents import CrmRecord
from dealthread.errors import NotFound, StepRejected
from dealthread.naming import renewal_id
from dealthread.outcome import Outcome
from dealthread.ports.crm import CollectionsMirror, CrmChange, CrmWriteBack, InvoiceMirror
from tests.fakes.world import World


class FakeCrm:
    """Deals in, contract records out."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.records: dict[str, tuple[CrmWriteBack, str]] = {}
        self.statuses: dict[str, str] = {}
        self.changes: dict[str, AmendmentOrder | RenewalOrder] = {}
        """What a test has won: order by deal id."""
        self.recorded: dict[str, CrmChange] = {}
        """Latest change of each contract."""
        self.renewals: dict[str, CrmWriteBack | CrmChange] = {}
        """Open renewals by their unique key, as they were first forecast."""
        self.invoices: dict[Ref, InvoiceMirror] = {}
        self.collections: dict[Ref, CollectionsMirror] = {}
        """As they were last told, by the invoice's reference."""
        self._last_key: dict[str, str] = {}
        """Key of the last write applied to a contract's record."""

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
            self._last_key[command.contract_key] = idempotency_key
            self._forecast(command)
            self.statuses[command.deal_id] = command.status
            return self._record(command)

        return await self._world.write("crm.record_contract", command.contract_key, effect)

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        def look() -> CrmRecord | None:
            found = self.records.get(contract_key)
            if found is None or not self._is_last(contract_key, idempotency_key):
                return None
            return self._record(found[0])

        return await self._world.read("crm.find_contract", look)

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.records.pop(command.contract_key, None)
            self._last_key.pop(command.contract_key, None)
            self.statuses[command.deal_id] = command.status
            return self._record(command)

        return await self._world.write("crm.withdraw_contract", command.contract_key, effect)

    async def read_change(self, deal_id: str, contract: Contract) -> AmendmentOrder | RenewalOrder:
        def look() -> AmendmentOrder | RenewalOrder:
            if deal_id not in self.changes:
                raise NotFound("deal_not_found")
            order = self.changes[deal_id]
            if order.contract_key != contract.key:
                raise StepRejected(
                    "another_contract", case_kind="deal.invalid_terms", field="ContractId"
                )
            return order

        return await self._world.read("crm.read_change", look)

    async def record_change(
        self, command: CrmChange, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        key = command.contract.key

        def effect() -> CrmRecord:
            self.recorded[key] = command
            self._last_key[key] = idempotency_key
            if command.deal_id:
                self.statuses[command.deal_id] = command.change_status
            self._forecast(command)
            return self._changed(command)

        return await self._world.write("crm.record_change", key, effect)

    async def mirror_invoice(
        self, command: InvoiceMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.invoices[command.invoice] = command
            native_id = f"a01-{command.invoice.account}-{command.invoice.native_id}"
            ref = Ref(system=System.CRM, account="org", kind="invoice", native_id=native_id)
            return CrmRecord(ref=ref, status=command.status)

        return await self._world.write("crm.mirror_invoice", command.invoice.native_id, effect)

    async def show_collections(
        self, command: CollectionsMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.collections[command.invoice] = command
            native_id = f"a01-{command.invoice.account}-{command.invoice.native_id}"
            ref = Ref(system=System.CRM, account="org", kind="invoice", native_id=native_id)
            return CrmRecord(ref=ref, status=command.state)

        return await self._world.write("crm.show_collections", command.invoice.native_id, effect)

    async def find_recorded_change(
        self, contract_key: str, *, idempotency_key: str
    ) -> CrmRecord | None:
        def look() -> CrmRecord | None:
            found = self.recorded.get(contract_key)
            if found is None or not self._is_last(contract_key, idempotency_key):
                return None
            return self._changed(found)

        return await self._world.read("crm.find_recorded_change", look)

    def _is_last(self, contract_key: str, idempotency_key: str) -> bool:
        return self._last_key.get(contract_key, "").split("~")[0] == idempotency_key

    def _forecast(self, command: CrmWriteBack | CrmChange) -> None:
        """Found before it is made: what somebody works on stays as it is."""
        contract = command.contract
        if command.forecast_renewal and contract is not None and contract.end_date is not None:
            self.renewals.setdefault(renewal_id(contract.key, contract.end_date), command)

    def _changed(self, command: CrmChange) -> CrmRecord:
        native_id = f"800-{command.contract.key}"
        ref = Ref(system=System.CRM, account="org", kind="contract", native_id=native_id)
        return CrmRecord(ref=ref, status=command.status)
