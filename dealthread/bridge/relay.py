"""`python -m dealthread.bridge.relay`: from committed rows to Temporal and to subscribers.

Loops, each repeating what is not known to be done: inbox rows become runs, runs are started,
people's decisions are delivered, overdue cases are passed on, what is
late has a case, contracts are compared with every system, counted usage is sent, events go to
their subscribers.
Every step can be killed anywhere and happens again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
from psycopg import Error as PsycopgError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from dealthread import logs
from dealthread.bridge.bill_duty import BillDuty
from dealthread.bridge.contract_check_duty import ContractCheckDuty
from dealthread.bridge.hints import Hint, change_request, first_request, read_hint
from dealthread.bridge.money_hints import receipt_told_of
from dealthread.bridge.service_levels import ServiceLevelDuty
from dealthread.bridge.starting import (
    start_change,
    start_credit,
    start_receipt,
    start_write_off,
)
from dealthread.bridge.taking import told_or_later
from dealthread.bridge.tax_rate_duty import TaxRateDuty
from dealthread.bridge.telling import Telling
from dealthread.bridge.usage_duty import UsageDuty
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.errors import BadInput, DealthreadError, VendorUnavailable
from dealthread.ports.crm import CrmPort
from dealthread.ports.events import EventPort
from dealthread.readiness import signs_of_life
from dealthread.settings import Settings, Subscriber, load_settings
from dealthread.store.cases import PostgresCases
from dealthread.store.contracts import PostgresContracts
from dealthread.store.engine import create_engine
from dealthread.store.event_log import EventLog
from dealthread.store.inbox import Inbox, InboxRow, InboxState
from dealthread.store.outbox import Outbox
from dealthread.store.runs import Runs
from dealthread.store.subscribers import Subscribers
from dealthread.temporal import RPC_TIMEOUT, connect
from workers.bootstrap import crm_reader, event_sender

log = structlog.get_logger()
IDLE_SECONDS = 0.5
BATCH = 50
WAIT_SECONDS = 60.0
"""Until a renewal is looked at again whose contract is still being set up."""
AT_ONCE = 10
"""Starts under way at once: the Temporal server, not the inbox, is the limit."""

_STARTS = {
    ChangeKind.INVOICE_CREDIT: start_credit,
    ChangeKind.INVOICE_WRITE_OFF: start_write_off,
}
"""What is no change of a contract, and starts on its own."""


class Relay:
    """The loops and what they share."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        inbox: Inbox,
        runs: Runs,
        cases: PostgresCases,
        outbox: Outbox,
        events: EventPort,
        contracts: PostgresContracts,
        crm: CrmPort | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._inbox = inbox
        self._runs = runs
        self._cases = cases
        self._contracts = contracts
        self._telling = Telling(
            settings, outbox, EventLog(outbox.engine), Subscribers(outbox.engine), events
        )
        self._levels = ServiceLevelDuty(settings, outbox.engine, crm)
        self._usage = UsageDuty(settings, client, outbox.engine)
        self._checks = ContractCheckDuty(settings, client, outbox.engine)
        self._tax_rates = TaxRateDuty(settings, outbox.engine)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._billed = BillDuty(settings, client, outbox.engine, self._slots)

    async def run(self, stop: asyncio.Event) -> None:
        """All loops until told to stop."""
        loops = [
            self._loop(stop, "inbox", self.take_in),
            self._loop(stop, "starts", self.start_runs),
            self._loop(stop, "bills", self.take_bills),
            self._loop(stop, "receipts", self.take_receipts),
            self._loop(stop, "decisions", self.deliver_decisions),
            self._loop(stop, "usage", self._usage.start_due),
            self._loop(stop, "service levels", self._levels.sweep_due),
            self._loop(stop, "contract checks", self._checks.look_at_due),
            self._loop(stop, "tax rates", self._tax_rates.ask_if_due),
            self._loop(stop, "escalations", lambda: self._cases.escalate(BATCH)),
            *(
                # Each subscriber has its own loop: a dead one delays nobody else.
                self._loop(stop, f"events:{one.name}", self._deliverer(one))
                for one in self._settings.subscribers
            ),
            *(
                # A replay keeps its own rate and delays nothing that is new.
                self._loop(stop, f"replays:{one.name}", self._replayer(one))
                for one in self._settings.subscribers
            ),
        ]
        await asyncio.gather(*loops)

    def _deliverer(self, subscriber: Subscriber) -> Callable[[], Awaitable[int]]:
        return lambda: self.deliver_events(subscriber)

    def _replayer(self, subscriber: Subscriber) -> Callable[[], Awaitable[int]]:
        return lambda: self._telling.deliver_replays(subscriber)

    async def _loop(
        self, stop: asyncio.Event, name: str, work: Callable[[], Awaitable[int]]
    ) -> None:
        while not stop.is_set():
            try:
                done = await work()
            except (SQLAlchemyError, PsycopgError, OSError, RPCError, DealthreadError) as error:
                log.warning("relay_pass_failed", loop=name, error=type(error).__name__)
                done = 0
            if done < BATCH:
                await _sleep(stop, IDLE_SECONDS)

    async def take_in(self) -> int:
        """Inbox rows become runs; what is known already is a duplicate."""
        rows = await self._inbox.due(BATCH)
        for row in rows:
            await self._take(row)
        return len(rows)

    async def _take(self, row: InboxRow) -> None:
        try:
            hint = read_hint(row)
            if hint is None:
                await self._inbox.finish(row.id, InboxState.HANDLED, "ignored: not a trigger")
                return
            request = await self._asked(hint)
        except BadInput as error:
            await self._inbox.finish(row.id, InboxState.REFUSED, f"{error.code}: {error.field}")
            return
        if request is None:
            await self._inbox.postpone(row.id, WAIT_SECONDS, "waits: contract not assessed yet")
            return
        created, _ = await self._runs.claim(request, hint.contract_key)
        await self._inbox.finish(
            row.id,
            InboxState.HANDLED,
            "accepted" if created else "duplicate",
            request.change_id,
        )

    async def _asked(self, hint: Hint) -> ChangeRequest | None:
        """The run that a hint asks for; one that its deal asked for before stays the same,
        whatever became of the contract since. None while the contract is not known enough."""
        if not hint.is_change:
            return first_request(hint)
        known = await self._runs.asked_by_deal(hint.contract_key, hint.kind, hint.deal_id)
        if known is not None:
            return known
        contract = await self._contracts.read(hint.contract_key)
        state = await self._contracts.state(hint.contract_key)
        if contract is None and not await self._runs.is_under_way(hint.contract_key):
            raise BadInput("contract_unknown", field="contractKey", action="name a contract")
        return change_request(hint, contract, state)

    async def take_bills(self) -> int:
        """The biller's events reach what they are about, where that is switched on."""
        if not self._settings.invoice_to_cash:
            return 0
        return await self._billed.take(BATCH)

    async def take_receipts(self) -> int:
        """What was entered of the bank becomes a run."""
        rows = await self._inbox.due_held("bank", BATCH)
        for row in rows:
            await told_or_later(self._inbox, [row], self._take_receipt(row))
        return len(rows)

    async def _take_receipt(self, row: InboxRow) -> None:
        try:
            receipt = receipt_told_of(row)
        except BadInput as error:
            # Set aside where people see it: it does not stop the others.
            await self._inbox.finish(row.id, InboxState.REFUSED, f"{error.code}: {error.field}")
            return
        key = await start_receipt(self._client, self._settings, receipt)
        await self._inbox.finish(row.id, InboxState.HANDLED, "accepted", key)

    async def start_runs(self) -> int:
        """Claimed runs that Temporal does not have yet."""
        waiting = await self._runs.undelivered(BATCH)
        await asyncio.gather(*(self._start(request, key) for request, key in waiting))
        return len(waiting)

    async def _start(self, request: ChangeRequest, key: str) -> None:
        async with self._slots:
            start = _STARTS.get(request.kind, start_change)
            await start(self._client, self._settings, request, key)
            await self._runs.delivered(request)
            log.info("change_started", business_key=request.change_id, contract=key)

    async def deliver_decisions(self) -> int:
        """People's decisions, each as an Update with the id `<case>:<version>`."""
        waiting = await self._cases.undelivered(BATCH)
        await asyncio.gather(*(self._decide(one, workflow_id) for one, workflow_id in waiting))
        return len(waiting)

    async def _decide(self, decision: Decision, workflow_id: str) -> None:
        if not workflow_id:
            # Nothing waits for it: that somebody decided is all.
            await self._cases.mark_delivered(decision, "on record")
            return
        approval = decision.decision in (DecisionKind.APPROVE, DecisionKind.REJECT)
        try:
            await self._client.get_workflow_handle(workflow_id).execute_update(
                "approve" if approval else "decide",
                decision,
                id=f"{decision.case_id}:{decision.version}",
                rpc_timeout=RPC_TIMEOUT,
            )
        except WorkflowUpdateFailedError:
            # The workflow is past this version: the decision can no longer apply.
            await self._cases.mark_delivered(decision, "the case was not open any more")
            return
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return  # perhaps applied: repeated with the same id
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                await self._cases.mark_delivered(decision, "the workflow has ended")
                return
            raise
        await self._cases.mark_delivered(decision, "applied")
        log.info("decision_delivered", case=decision.case_id, version=decision.version)

    async def deliver_events(self, subscriber: Subscriber) -> int:
        """Events that a subscriber has not confirmed."""
        return await self._telling.deliver_events(subscriber)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _connected(settings: Settings, stop: asyncio.Event) -> Client | None:
    while not stop.is_set():
        try:
            return await connect(settings)
        except VendorUnavailable:
            log.warning("temporal_unreachable", address=settings.temporal_address)
            await _sleep(stop, 1.0)
    return None


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    engine = create_engine(settings.database_url.get_secret_value())
    try:
        async with event_sender(settings) as events, crm_reader(settings) as crm:
            client = await _connected(settings, stop)
            if client is not None:
                relay = Relay(
                    settings,
                    client,
                    Inbox(engine),
                    Runs(engine),
                    PostgresCases(engine),
                    Outbox(engine),
                    events,
                    PostgresContracts(engine),
                    crm,
                )
                async with signs_of_life():
                    await relay.run(stop)
    finally:
        await engine.dispose()


def main() -> None:
    """Entry point."""
    try:
        settings = load_settings()
    except BadInput as error:
        raise SystemExit(f"{error.field}: {error.action}") from None
    logs.configure(settings.log_level)
    try:
        asyncio.run(serve(settings))
    except BadInput as error:
        raise SystemExit(f"{error.field}: {error.action}") from None


if __name__ == "__main__":
    main()
