"""The CRM port on Salesforce."""

from __future__ import annotations

from datetime import date

from adapters.http import CallMeter
from adapters.salesforce import (
    change_records,
    credit_notes,
    invoices,
    record_change,
    write_back,
)
from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.contract_now import contracts_now
from adapters.salesforce.contract_row import crm_record, find_row, stored_key
from adapters.salesforce.package import Package, read_package
from adapters.salesforce.read_change import to_order
from adapters.salesforce.read_deal import read_records
from adapters.salesforce.renewal_forecast import Forecast, forecast
from adapters.salesforce.settings import SalesforceSettings
from adapters.salesforce.translate import to_deal
from adapters.salesforce.won_deals import won_deals
from dealthread.domain.change_order import AmendmentOrder, RenewalOrder
from dealthread.domain.comparison.seen import CrmContract
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.documents import CrmRecord
from dealthread.outcome import Outcome
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import (
    CollectionsMirror,
    CrmChange,
    CrmWriteBack,
    InvoiceMirror,
    WonDeal,
)


class SalesforceCrm:
    """Implements `dealthread.ports.crm.CrmPort`: one call reads a deal, one writes it back."""

    def __init__(
        self, settings: SalesforceSettings, clock: BusinessClock, meter: CallMeter | None = None
    ) -> None:
        self.settle_window = settings.settle_window
        self.client = SalesforceClient(settings, meter)
        self._org = settings.org_id
        self._version = settings.api_version
        self._clock = clock
        self._renewal_stage = settings.renewal_stage
        self._package: Package | None = None
        self._has_credit_notes: bool | None = None

    async def aclose(self) -> None:
        """Let running calls end, then close the connections."""
        await self.client.aclose()

    async def read_deal(self, deal_id: str) -> Deal:
        """The deal with its account, parents, lines and contacts. Raises NotFound."""
        records = await self.client.run(lambda: read_records(self.client, deal_id, self._version))
        return to_deal(records, self._org, self._clock.now())

    async def won_deals(self, closed_from: date, *, after: str, limit: int) -> tuple[WonDeal, ...]:
        """Deals that are won, by id."""
        return await self.client.run(
            lambda: won_deals(self.client, self._version, self._org, closed_from, after, limit)
        )

    async def contracts_now(self, contract_keys: tuple[str, ...]) -> tuple[CrmContract, ...]:
        """Contract records as they stand."""
        return await self.client.run(
            lambda: contracts_now(self.client, self._version, self._org, contract_keys)
        )

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the contract record and the status fields, all or nothing."""
        return await self.client.run(
            lambda: write_back.record(
                self.client,
                self._version,
                self._org,
                command,
                idempotency_key,
                self._forecast(command),
            )
        )

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        """The contract's record if the last write-back applied to it had this key."""
        return await self.client.run(lambda: self._find(contract_key, idempotency_key))

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Undo: status says why it stopped; ids leave the active fields and stay in history."""
        return await self.client.run(
            lambda: write_back.withdraw(
                self.client, self._version, self._org, command, idempotency_key
            )
        )

    async def read_change(self, deal_id: str, contract: Contract) -> AmendmentOrder | RenewalOrder:
        """What a won amendment or renewal asks of the contract. Raises NotFound, StepRejected."""

        def work() -> AmendmentOrder | RenewalOrder:
            package = self._installed()
            records = change_records.read_records(
                self.client, deal_id, contract.key, self._version, package
            )
            return to_order(records, contract, self._org, has_cpq=package.has_cpq)

        return await self.client.run(work)

    async def record_change(
        self, command: CrmChange, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Bring the contract's record to its present version, all or nothing."""
        return await self.client.run(
            lambda: record_change.record_change(
                self.client,
                self._version,
                self._org,
                command,
                idempotency_key,
                self._forecast(command),
            )
        )

    async def mirror_invoice(
        self,
        command: InvoiceMirror,
        *,
        idempotency_key: str,  # noqa: ARG002 the external id makes a repeat safe
    ) -> Outcome[CrmRecord]:
        """Create or update the CRM's record of an invoice, by its billing account and id, and those
        of its credit notes."""

        def work() -> Outcome[CrmRecord]:
            shown = command if self._shows_credits(command) else _without_credits(command)
            return invoices.mirror(self.client, self._version, self._org, shown)

        return await self.client.run(work)

    async def show_collections(
        self,
        command: CollectionsMirror,
        *,
        idempotency_key: str,  # noqa: ARG002 the external id makes a repeat safe
    ) -> Outcome[CrmRecord]:
        """Put the pursuit's state on the invoice's record."""
        return await self.client.run(
            lambda: invoices.show_collections(self.client, self._version, self._org, command)
        )

    async def find_recorded_change(
        self, contract_key: str, *, idempotency_key: str
    ) -> CrmRecord | None:
        """The contract's record if the last write applied to it had this key."""
        return await self.client.run(lambda: self._find(contract_key, idempotency_key))

    def _find(self, contract_key: str, idempotency_key: str) -> CrmRecord | None:
        row = find_row(self.client, self._version, contract_key)
        if row is None or row.write_key != stored_key(idempotency_key):
            return None
        return crm_record(self._org, row.native_id, row.status)

    def _installed(self) -> Package:
        """Asked once for each process; what is installed later is seen after a restart."""
        if self._package is None:
            self._package = read_package(self.client)
        return self._package

    def _shows_credits(self, command: InvoiceMirror) -> bool:
        """Asked once for each process, as soon as there is a credit to show."""
        if command.credits and self._has_credit_notes is None:
            self._has_credit_notes = credit_notes.is_installed(self.client)
        return bool(self._has_credit_notes)

    def _forecast(self, command: CrmWriteBack | CrmChange) -> Forecast | None:
        """Looked for before the write, where it is wanted."""
        if not command.forecast_renewal or command.contract is None:
            return None
        return forecast(
            self.client,
            self._version,
            self._installed(),
            command.contract,
            command.renewal_price,
            self._renewal_stage,
        )


def _without_credits(command: InvoiceMirror) -> InvoiceMirror:
    return command.model_copy(update={"credits": ()})
