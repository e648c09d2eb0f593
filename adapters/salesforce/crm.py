"""The CRM port on Salesforce."""

from __future__ import annotations

from adapters.http import CallMeter
from adapters.salesforce import write_back
from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.read_deal import read_records
from adapters.salesforce.settings import SalesforceSettings
from adapters.salesforce.translate import to_deal
from dealthread.domain.deal import Deal
from dealthread.domain.documents import CrmRecord
from dealthread.outcome import Outcome
from dealthread.ports import BusinessClock, CrmWriteBack


class SalesforceCrm:
    """Implements `dealthread.ports.CrmPort`: one call reads a deal, one writes its state back."""

    def __init__(
        self, settings: SalesforceSettings, clock: BusinessClock, meter: CallMeter | None = None
    ) -> None:
        self.settle_window = settings.settle_window
        self.client = SalesforceClient(settings, meter)
        self._org = settings.org_id
        self._version = settings.api_version
        self._clock = clock

    async def aclose(self) -> None:
        """Let running calls end, then close the connections."""
        await self.client.aclose()

    async def read_deal(self, deal_id: str) -> Deal:
        """The deal with its account, parents, lines and contacts. Raises NotFound."""
        records = await self.client.run(lambda: read_records(self.client, deal_id, self._version))
        return to_deal(records, self._org, self._clock.now())

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the contract record and the status fields, all or nothing."""
        return await self.client.run(
            lambda: write_back.record(
                self.client, self._version, self._org, command, idempotency_key
            )
        )

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        """The contract's record if the last write-back applied to it had this key."""
        row = await self.client.run(
            lambda: write_back.find_row(self.client, self._version, contract_key)
        )
        if row is None or row.write_key != write_back.stored_key(idempotency_key):
            return None
        return write_back.crm_record(self._org, row.native_id, row.status)

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Undo: status says why it stopped; ids leave the active fields and stay in history."""
        return await self.client.run(
            lambda: write_back.withdraw(
                self.client, self._version, self._org, command, idempotency_key
            )
        )
