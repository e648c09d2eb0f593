"""A batch of contracts compared with what every system says of them now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.contract_check import AgreementId, BookingId, ReadAgreements, ReadBookings, ReadHeld
from activities.entitlement import grants_of
from dealthread.domain.comparison.finding import ContractFinding, found_of
from dealthread.domain.comparison.seen import SystemsSay
from dealthread.domain.comparison.standing import ContractStanding
from dealthread.domain.contract import ContractState
from dealthread.errors import BadInput
from dealthread.settings import Settings
from dealthread.store.contract_checks import ContractChecks
from dealthread.store.contract_standings import STATE_EVENTS, ContractStandings
from workflows.contract_check import ContractCheckInput

BATCH = 10
"""Contracts read in one look. Each is a call to the biller, one to the entitlement service and
several to the ledger, one after the other, and somebody waits."""
BUDGET_SECONDS = 25.0

Ask = Callable[[ContractCheckInput], Awaitable[SystemsSay]]


@dataclass(frozen=True)
class Looked:
    """One contract: how it stands, and what the look came to."""

    standing: ContractStanding
    finding: ContractFinding


class Comparison:
    """Reads our store, has the systems read, reads our store again, and compares."""

    def __init__(
        self, settings: Settings, engine: AsyncEngine, now: Callable[[], datetime]
    ) -> None:
        ahead = timedelta(seconds=settings.business_offset_seconds)
        self.standings = ContractStandings(engine, ahead)
        self.checks = ContractChecks(engine)
        self._now = now
        self._subscribers = [
            one.name for one in settings.subscribers if _hears_every_state(one.types)
        ]
        self._readable = [one.name for one in settings.subscribers if one.read_url]
        for name in self._readable:
            if name not in self._subscribers:
                raise BadInput(
                    "subscriber_hears_too_little",
                    field=f"DEALTHREAD_SUBSCRIBERS.{name}.types",
                    action="it has a read_url: let it hear contract.*, or take the read_url away",
                )

    async def look(self, keys: Sequence[str], ask: Ask) -> list[Looked]:
        """Raises what `ask` raises; a system that does not answer is told as unread."""
        before = await self.standings.read(keys, self._subscribers)
        said = await ask(_order(before.values(), self._readable))
        after = await self.standings.read(keys, self._subscribers)
        known = await self.checks.known(keys)
        now = self._now()
        return [
            Looked(
                standing,
                found_of(
                    standing,
                    grants_of(standing.contract),
                    said,
                    now,
                    known[key].finding.differences if key in known else (),
                    has_moved=key not in before or standing.moved_since(before[key]),
                ),
            )
            for key, standing in sorted(after.items())
        ]


def _hears_every_state(patterns: Sequence[str]) -> bool:
    """Of one that is told some states only nothing follows from the last that it was told."""
    return all(
        any(kind.startswith(f"dealthread.{one.rstrip('*')}") for one in patterns)
        for kind in STATE_EVENTS
    )


def _order(
    standings: Iterable[ContractStanding], readable: Sequence[str] = ()
) -> ContractCheckInput:
    """Ids alone; of a contract that is not accepted yet nothing is read, and of a customer-success
    system what it was to be told of."""
    wanted = [one for one in standings if one.state is not ContractState.PENDING]
    ledgers: dict[tuple[str, str], list[BookingId]] = defaultdict(list)
    for one in wanted:
        ledgers[one.contract.erp, one.contract.erp_company] += [
            BookingId(
                contract_key=one.key,
                document_key=booking.document_key,
                native_id=booking.ref.native_id,
            )
            for booking in one.bookings
        ]
    return ContractCheckInput(
        records=tuple(one.key for one in wanted),
        agreements=ReadAgreements(
            agreements=tuple(found for one in wanted for found in _agreement(one))
        ),
        bookings=tuple(
            ReadBookings(erp=erp, company=company, bookings=tuple(bookings))
            for (erp, company), bookings in sorted(ledgers.items())
            if bookings
        ),
        entitlements=tuple(one.key for one in wanted if one.ids("entitlement.entitlement")),
        held=tuple(
            ReadHeld(subscriber=name, contract_keys=keys)
            for name in readable
            if (
                keys := tuple(
                    one.key for one in wanted if any(name == told.subscriber for told in one.told)
                )
            )
        ),
    )


def _agreement(standing: ContractStanding) -> Iterable[AgreementId]:
    agreement = standing.agreement
    if agreement is None:
        return
    subscription, schedule = agreement.subscription, agreement.schedule
    if subscription is None and agreement.ref.kind == "subscription":
        subscription = agreement.ref
    yield AgreementId(
        contract_key=standing.key,
        billing_account=agreement.ref.account,
        subscription=subscription.native_id if subscription else "",
        schedule=schedule.native_id if schedule else "",
    )
