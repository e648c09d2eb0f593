"""How contracts stand in our own store: what every system has to say, and what is under way.

Instants of rows are the database's; what is said is business time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, cast, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.case import CaseState
from dealthread.domain.comparison.standing import (
    ContractStanding,
    OpenCase,
    RunUnderWay,
    Told,
    UnknownWrite,
)
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Agreement, AgreementStatus, Booking, ChangedAgreement
from dealthread.domain.events import EventType
from dealthread.domain.transaction import ChangeKind
from dealthread.hub import WriteState
from dealthread.store.contract_reading import HELD
from dealthread.store.money_revenue import by_contract
from dealthread.store.schema import (
    cases,
    change_orders,
    contracts,
    crosswalk,
    deliveries,
    journal,
    outbox,
    pursuits,
    runs,
)

Keys = Sequence[str]

_STARTED, _CHANGED = "billing.subscription", "billing.change"
_OF_INVOICES = (ChangeKind.INVOICE_CREDIT, ChangeKind.INVOICE_WRITE_OFF)
"""Runs that leave the contract as it is."""
_OF_MONEY = (
    "invoice:",
    "credit:",
    "write-off:",
    "recovery:",
    "payout:",
    "dispute:",
    "receipt:",
    "recognition:",
    "close:",
    "usage:",
)
"""Business keys of work that leaves the contract as it is: its cases explain nothing."""
STATE_EVENTS = {
    EventType.CONTRACT_ACTIVATED: ContractState.ACTIVE,
    EventType.CONTRACT_SCHEDULED: ContractState.SCHEDULED,
    EventType.CONTRACT_ENDED: ContractState.ENDED,
    EventType.CONTRACT_WITHDRAWN: ContractState.NEVER_ACTIVATED,
    EventType.CONTRACT_AMENDED: None,
    EventType.CONTRACT_RENEWED: None,
    EventType.CONTRACT_CANCELLED: None,
    EventType.CONTRACT_CHANGE_WITHDRAWN: None,
}
"""Events that tell a contract's state; None: their data says which."""


_HELD_UNTIL = change_orders.c.preview["hold_until"].astext
_DUE_ON = cast(func.coalesce(_HELD_UNTIL, change_orders.c.preview["effective_from"].astext), Date)
"""Assessed again on its day, a change that was held is not held any more."""


def _today(ahead: timedelta) -> ColumnElement[date]:
    """The business day, in UTC."""
    return cast(func.timezone("UTC", func.now() + ahead), Date)


class ContractStandings:
    """Reads a batch of contracts at one moment. `ahead` is how far business time is ahead of the
    database's."""

    def __init__(self, engine: AsyncEngine, ahead: timedelta) -> None:
        self._engine = engine
        self._ahead = ahead

    async def page(
        self, *, contract_key: str = "", seller: str = "", after: str = "", limit: int
    ) -> list[str]:
        """Keys of contracts, by key: one, a seller's or all, from the first one after a key on."""
        wanted: ColumnElement[bool] = contracts.c.contract_key > after if after else true()
        for column, value in (
            (contracts.c.contract_key, contract_key),
            (contracts.c.seller, seller),
        ):
            if value:
                wanted = wanted & (column == value)
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(contracts.c.contract_key)
                .where(wanted)
                .order_by(contracts.c.contract_key)
                .limit(limit)
            )
            return list(rows.scalars())

    async def read(self, keys: Keys, subscribers: Sequence[str]) -> dict[str, ContractStanding]:
        """By contract key. `subscribers` are those that are told every state of a contract."""
        async with self._engine.connect() as connection:
            # A change that ends meanwhile is in all parts of the answer or in none.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            rows = (
                await connection.execute(
                    select(contracts).where(contracts.c.contract_key.in_(keys))
                )
            ).all()
            named, accounts = await _named(connection, keys)
            agreements = await _agreements(connection, keys)
            bookings = await _bookings(connection, keys)
            holds = await _holds(connection, keys)
            told = await self._told(connection, keys, subscribers)
            under_way = await self._runs(connection, keys)
            waiting = await self._cases(connection, keys)
            unknown = await self._unknown(connection, keys)
        return {
            row.contract_key: ContractStanding(
                contract=Contract.model_validate(row.body),
                state=ContractState(row.state),
                customer_name=row.customer_name,
                changed_at=row.changed_at + self._ahead,
                agreement=agreements.get(row.contract_key)
                or _adopted(named[row.contract_key], accounts),
                bookings=tuple(bookings.get(row.contract_key, ())),
                named={kind: tuple(ids) for kind, ids in named[row.contract_key].items()},
                holds=holds.get(row.contract_key, ()),
                told=tuple(told.get(row.contract_key, ())),
                runs=under_way.get(row.contract_key, ()),
                cases=waiting.get(row.contract_key, ()),
                unknown=unknown.get(row.contract_key, ()),
            )
            for row in rows
        }

    async def _runs(
        self, connection: AsyncConnection, keys: Keys
    ) -> dict[str, tuple[RunUnderWay, ...]]:
        rows = await connection.execute(
            select(runs, _DUE_ON.label("due_on"))
            .outerjoin(change_orders, change_orders.c.change_id == runs.c.business_key)
            .where(
                runs.c.contract_key.in_(keys),
                # What was held for its day is under way from that day on.
                or_(runs.c.outcome.is_(None), and_(HELD, _today(self._ahead) >= _DUE_ON)),
                runs.c.kind.not_in(_OF_INVOICES),
            )
            .order_by(runs.c.created_at, runs.c.business_key)
        )
        return by_contract(rows.all(), self._under_way)

    def _under_way(self, row: Any) -> RunUnderWay:
        began_at = row.created_at + self._ahead
        if row.outcome is not None:
            began_at = max(began_at, datetime.combine(row.due_on, time(), UTC))
        return RunUnderWay(business_key=row.business_key, stage=row.stage, began_at=began_at)

    async def _cases(
        self, connection: AsyncConnection, keys: Keys
    ) -> dict[str, tuple[OpenCase, ...]]:
        rows = await connection.execute(
            select(cases)
            .where(
                cases.c.contract_key.in_(keys),
                cases.c.state == CaseState.OPEN,
                # What is watched is not what is worked on.
                cases.c.workflow_id.not_like("service-level:%"),
                cases.c.workflow_id.not_like("contract-check:%"),
                # The last stage of a pursuit may wait for weeks, and changes nothing meanwhile.
                cases.c.kind != "collections.final_stage",
                *(cases.c.business_key.not_like(f"{prefix}%") for prefix in _OF_MONEY),
            )
            .order_by(cases.c.opened_at, cases.c.case_id)
        )
        return by_contract(
            rows.all(),
            lambda row: OpenCase(
                case_id=row.case_id,
                kind=row.kind,
                business_key=row.business_key,
                opened_at=row.opened_at + self._ahead,
            ),
        )

    async def _unknown(
        self, connection: AsyncConnection, keys: Keys
    ) -> dict[str, tuple[UnknownWrite, ...]]:
        rows = await connection.execute(
            select(journal)
            .where(
                journal.c.contract_key.in_(keys),
                journal.c.state.in_((WriteState.SENT, WriteState.UNKNOWN)),
                journal.c.last_sent_at.is_not(None),
            )
            .order_by(journal.c.last_sent_at)
        )
        return by_contract(
            rows.all(),
            lambda row: UnknownWrite(
                system=System(row.system),
                step=row.step,
                business_key=row.business_key,
                sent_at=row.first_sent_at + self._ahead,
            ),
        )

    async def _told(
        self, connection: AsyncConnection, keys: Keys, subscribers: Sequence[str]
    ) -> dict[str, list[Told]]:
        rows = await connection.execute(
            select(outbox, deliveries.c.subscriber, deliveries.c.state, deliveries.c.answer)
            .add_columns(deliveries.c.delivered_at)
            .join(deliveries, deliveries.c.event_id == outbox.c.id)
            .where(
                outbox.c.subject.in_(keys),
                outbox.c.type.in_(STATE_EVENTS),
                deliveries.c.subscriber.in_(subscribers),
            )
            .order_by(outbox.c.created_at, outbox.c.id)
        )
        by_reader: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            by_reader[row.subject, row.subscriber].append(row)
        found: dict[str, list[Told]] = defaultdict(list)
        for (key, subscriber), events in sorted(by_reader.items()):
            found[key].append(_heard(subscriber, events, self._ahead))
        return found


def _heard(subscriber: str, events: Sequence[Any], ahead: timedelta) -> Told:
    """Events are in the order in which they came about. A replay makes what was delivered due
    again; it stays delivered."""
    confirmed = [one for one in events if one.delivered_at is not None]
    waiting = next((one for one in events if one.delivered_at is None), None)
    last = confirmed[-1] if confirmed else None
    data = last.body["data"] if last is not None else {}
    known = STATE_EVENTS[EventType(last.type)] if last is not None else None
    since: datetime | None = waiting.created_at + ahead if waiting is not None else None
    of_event = waiting if waiting is not None else last
    return Told(
        subscriber=subscriber,
        event_id=of_event.id if of_event is not None else "",
        state=str(known or data.get("state", "")),
        version=data.get("version"),
        waiting=waiting.type if waiting is not None else "",
        waiting_since=since,
        answer=waiting.answer if waiting is not None else "",
    )


async def _named(
    connection: AsyncConnection, keys: Keys
) -> tuple[dict[str, dict[str, list[str]]], dict[str, str]]:
    """Native ids by contract and `<system>.<kind>`, oldest first; and the account of each id."""
    rows = await connection.execute(
        select(crosswalk)
        .where(crosswalk.c.contract_key.in_(keys))
        .order_by(crosswalk.c.since, crosswalk.c.native_id)
    )
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    accounts: dict[str, str] = {}
    for row in rows:
        found[row.contract_key][f"{row.system}.{row.kind}"].append(row.native_id)
        accounts[row.native_id] = row.account
    return found, accounts


def _adopted(named: dict[str, list[str]], accounts: dict[str, str]) -> Agreement | None:
    """Of a contract that was there before: no write of ours began its agreement."""
    ids = named.get("billing.subscription")
    if not ids:
        return None
    ref = Ref(
        system=System.BILLING,
        account=accounts[ids[-1]],
        kind="subscription",
        native_id=ids[-1],
    )
    return Agreement(ref=ref, subscription=ref, status=AgreementStatus.ACTIVE)


async def _agreements(connection: AsyncConnection, keys: Keys) -> dict[str, Agreement]:
    """As the biller last answered a write of ours; one whose start was fenced is none."""
    rows = await connection.execute(
        select(journal.c.contract_key, journal.c.step, journal.c.result)
        .where(
            journal.c.contract_key.in_(keys),
            journal.c.step.in_((_STARTED, _CHANGED)),
            journal.c.state == WriteState.DONE,
            func.coalesce(journal.c.result, "") != "",
        )
        .order_by(journal.c.finished_at)
    )
    found = {}
    for row in rows:
        if row.step == _STARTED:
            found[row.contract_key] = Agreement.model_validate_json(row.result)
        else:
            changed = ChangedAgreement.model_validate_json(row.result)
            found[row.contract_key] = changed.agreement
    return found


_BOOKED = ("erp.booking", "erp.confirm", "erp.undo_booking")


async def _bookings(connection: AsyncConnection, keys: Keys) -> dict[str, list[Booking]]:
    """Each run's booking as the ledger answered our last write of it."""
    rows = await connection.execute(
        select(journal.c.contract_key, journal.c.result)
        .where(
            journal.c.contract_key.in_(keys),
            journal.c.step.in_(_BOOKED) | journal.c.step.like("erp.link-%"),
            journal.c.state == WriteState.DONE,
            func.coalesce(journal.c.result, "") != "",
        )
        .order_by(journal.c.finished_at, journal.c.key)
    )
    found: dict[str, dict[str, Booking]] = defaultdict(dict)
    for row in rows:
        booking = Booking.model_validate_json(row.result)
        found[row.contract_key][booking.ref.native_id] = booking
    return {key: list(made.values()) for key, made in found.items()}


async def _holds(connection: AsyncConnection, keys: Keys) -> dict[str, tuple[str, ...]]:
    """One for each pursuit that withholds the service, by the id that it was put on with."""
    rows = await connection.execute(
        select(pursuits.c.contract_key, pursuits.c.business_key, pursuits.c.generation).where(
            pursuits.c.contract_key.in_(keys), pursuits.c.suspended.is_(True)
        )
    )
    return by_contract(rows.all(), lambda row: f"{row.business_key}#{row.generation}")
