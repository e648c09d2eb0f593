"""Changes of running contracts, asked for and handed over as the process API and the relay do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

from temporalio.api.history.v1 import HistoryEvent

from dealthread.bridge.starting import start_change
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.naming import contract_key, contract_workflow_id, renewal_notice_id
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.runs import Runs
from tests.bench.runs import Batch, Runner
from tests.bench.sizes import LIMIT_SECONDS
from tests.support.change_orders import renewal, seats

SEATS = 50
"""Of every deal of the bench (`deals.py`)."""
SOLD_AT_ONCE = 20


@dataclass(frozen=True)
class PastRun:
    """One run of a workflow: its history and what the server says of its size."""

    run_id: str
    events: list[HistoryEvent]
    bytes: int

    @property
    def before(self) -> str:
        """Run that continued as this one; empty for the first."""
        return self.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


@dataclass
class Changing:
    """Sold contracts and the means to change them."""

    run: Runner
    asked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Contract → ids of its changes, in order."""
    _amended: Counter[str] = field(default_factory=Counter)

    async def sell(self, how_many: int) -> list[str]:
        """Keys of contracts that run, each of a deal of its own."""
        deals: list[str] = []
        while len(deals) < how_many:
            some = min(SOLD_AT_ONCE, how_many - len(deals))
            deals += (await self.run.quote_to_cash(some, 10, enough=LIMIT_SECONDS))[1]
        org = self.run.house.stack.salesforce_org_id
        return [contract_key(org, deal) for deal in deals]

    async def change(self, kind: ChangeKind, keys: Sequence[str], concurrency: int) -> Batch:
        """One change of each contract. It lasts from the order to the contract at rest."""
        before = await self.run.completed()
        batch = await self.run.batch(
            [partial(self._change, kind, key) for key in keys], concurrency
        )
        done = await self.run.completed() - before
        if done != len(batch.latencies):
            raise RuntimeError(f"{done} of {len(batch.latencies)} changes were carried out")
        return batch

    async def _change(self, kind: ChangeKind, key: str) -> None:
        run = self.run
        contract = await PostgresContracts(run.engine).read(key)
        assert contract is not None
        change_id, order = self._order(kind, contract)
        request = ChangeRequest(
            change_id=change_id,
            kind=kind,
            org=contract.org,
            deal_id=contract.deal_id,
            requested_by="bench",
        )
        if order is not None:
            await PostgresChanges(run.engine).record_order(order, request.requested_by)
        rows = Runs(run.engine)
        await rows.claim(request, key)
        await start_change(run.client, run.settings, request, key)
        await rows.delivered(request)
        await run.rests(contract_workflow_id(key))
        self.asked[key].append(change_id)

    def _order(self, kind: ChangeKind, contract: Contract) -> tuple[str, ChangeOrder | None]:
        if kind is ChangeKind.RENEWAL_NOTICE:
            assert contract.end_date is not None
            return renewal_notice_id(contract.key, contract.end_date), None
        if kind is ChangeKind.RENEWAL:
            order: ChangeOrder = renewal(contract, self._today())
            return order.change_id, order
        self._amended[contract.key] += 1
        number = self._amended[contract.key]
        order = seats(contract, SEATS + number, self._today(), f"A{number}")
        return order.change_id, order

    def _today(self) -> date:
        offset = timedelta(seconds=self.run.settings.business_offset_seconds)
        return (datetime.now(UTC) + offset).date()

    async def past(self, workflow_id: str, run_id: str | None = None) -> PastRun:
        """A run, the latest one by default."""
        handle = self.run.client.get_workflow_handle(workflow_id, run_id=run_id)
        described = await handle.describe()
        events = [event async for event in handle.fetch_history_events()]
        size = described.raw_description.workflow_execution_info.history_size_bytes
        return PastRun(described.run_id or "", events, size)

    async def life(self, key: str, latest: int | None = None) -> list[PastRun]:
        """Runs of a contract, oldest first; the latest so many, or all."""
        workflow_id = contract_workflow_id(key)
        found = [await self.past(workflow_id)]
        while found[-1].before and (latest is None or len(found) < latest):
            found.append(await self.past(workflow_id, found[-1].before))
        return found[::-1]
