"""The CRM port, in memory."""

from __future__ import annotations

from datetime import date, timedelta

from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import AmendmentOrder, RenewalOrder
from dealthread.domain.comparison.seen import CrmContract
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.documents import CrmRecord
from dealthread.domain.span import whole_periods
from dealthread.errors import NotFound, StepRejected
from dealthread.naming import renewal_id
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.crm import (
    CONTRACT_RECORD_MISSING,
    CollectionsMirror,
    CrmChange,
    CrmWriteBack,
    InvoiceMirror,
    WonDeal,
)
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
        self.by_hand: dict[str, dict[str, object]] = {}
        """What people wrote over a contract's record since: field to value."""
        self._last_key: dict[str, str] = {}
        """Key of the last write applied to a contract's record."""

    async def read_deal(self, deal_id: str) -> Deal:
        return await self._world.read("crm.read_deal", lambda: self._world.deal(deal_id))

    async def won_deals(self, closed_from: date, *, after: str, limit: int) -> tuple[WonDeal, ...]:
        def look() -> tuple[WonDeal, ...]:
            found = sorted(
                (one for one in self._world.deals.values() if one.is_won and not one.is_deleted),
                key=lambda one: one.deal_id,
            )
            return tuple(
                WonDeal(
                    org=one.org,
                    deal_id=one.deal_id,
                    kind=one.kind,
                    changed_at=one.modified_at or self._world.today,
                )
                for one in found
                if one.deal_id > after and (one.closed_on or closed_from) >= closed_from
            )[:limit]

        return await self._world.read("crm.won_deals", look)

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

    async def contracts_now(self, contract_keys: tuple[str, ...]) -> tuple[CrmContract, ...]:
        def look() -> tuple[CrmContract, ...]:
            shown = [self._shown(key) for key in contract_keys if key in self.records]
            return tuple(one.model_copy(update=self.by_hand.get(one.contract_key)) for one in shown)

        return await self._world.read("crm.contracts_now", look)

    def _shown(self, key: str) -> CrmContract:
        """As written: the write-back, with what the latest change brought over it."""
        first, _ = self.records[key]
        change = self.recorded.get(key)
        contract = change.contract if change is not None else first.contract
        assert contract is not None
        begun = first.contract or contract
        end = contract.end_date or contract.committed_until
        months = whole_periods(begun.start_date, end, 1)[0] if end else None
        return CrmContract(
            contract_key=key,
            ref=self._record(first).ref,
            account_id=first.account_id,
            status=change.status if change is not None else first.status,
            start_date=begun.start_date,
            end_date=end,
            term_months=months,
            version=contract.version,
            total_value=contract.tcv().amount if end else None,
            billing_account=begun.billing_account,
            booking_company=begun.erp_company,
            subscription=first.subscription.native_id if first.subscription else "",
            booking=first.booking.native_id if first.booking else "",
            entitlement=first.entitlement.native_id if first.entitlement else "",
            changed_at=change.status_at if change is not None else first.status_at,
        )

    async def mirror_invoice(
        self, command: InvoiceMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            if command.contract_key and command.contract_key not in self.records:
                raise StepRejected(CONTRACT_RECORD_MISSING, case_kind="crm.rejected")
            self.invoices[command.invoice] = command
            native_id = f"a01-{command.invoice.account}-{command.invoice.native_id}"
            ref = Ref(system=System.CRM, account="org", kind="invoice", native_id=native_id)
            return CrmRecord(ref=ref, status=command.status)

        try:
            return await self._world.write("crm.mirror_invoice", command.invoice.native_id, effect)
        except StepRejected as refusal:
            return Rejected(refusal.case_kind, refusal.code)

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
