"""Invoices that are posted as a day's summary, in PostgreSQL (`hub_summaries.Summaries`)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import Held, HeldState, Member, SummaryPlace
from dealthread.errors import NotFound
from dealthread.store.schema import bills, contracts, journal
from dealthread.store.schema_summaries import (
    posting_months,
    posting_summaries,
    posting_summary_members,
)

_OPEN, _FROZEN, _POSTED = "open", "frozen", "posted"
_MEMBERS, _SUMMARIES = posting_summary_members.c, posting_summaries.c


class PostgresSummaries:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def held(self, bill: Ref) -> Held | None:
        async with self._engine.connect() as connection:
            return await _held(connection, bill)

    async def is_above(self, seller: str, month: date, least: int) -> bool:
        first = month.replace(day=1)
        async with self._engine.begin() as connection:
            known = await connection.scalar(_month(seller, first))
            if known is None:
                await connection.execute(
                    insert(posting_months)
                    .values(
                        seller=seller,
                        month=first,
                        invoices=await _finalised_before(connection, seller, first),
                    )
                    .on_conflict_do_nothing()
                )
                known = await connection.scalar(_month(seller, first))
            return (known or 0) >= least

    async def join(
        self, place: SummaryPlace, bill: Ref, contract_key: str, due_at: datetime, posting_key: str
    ) -> Held | None:
        async with self._engine.begin() as connection:
            known = await _held(connection, bill)
            if known is not None:
                return known
            if await connection.scalar(select(exists().where(journal.c.key == posting_key))):
                return None
            mine = await _open_part(connection, place, due_at)
            await connection.execute(
                insert(posting_summary_members)
                .values(
                    billing_account=bill.account,
                    native_id=bill.native_id,
                    summary_id=mine.summary_id,
                    contract_key=contract_key,
                    state=HeldState.WAITING,
                )
                .on_conflict_do_nothing()
            )
            return await _held(connection, bill)

    async def want_single(self, bill: Ref, on: date) -> date:
        async with self._engine.begin() as connection:
            found = await connection.scalar(
                update(posting_summary_members)
                .where(*_of(bill))
                .values(single_on=func.coalesce(_MEMBERS.single_on, on))
                .returning(_MEMBERS.single_on)
            )
        if found is None:
            raise NotFound("in_no_summary", id=bill.native_id)
        day: date = found
        return day

    async def begin(self, summary_id: str, most: int) -> tuple[Ref, ...]:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(posting_summaries)
                .where(_SUMMARIES.summary_id == summary_id, ~_SUMMARIES.is_started)
                .values(is_started=True)
            )
            rows = await connection.execute(
                select(_MEMBERS.billing_account, _MEMBERS.native_id)
                .where(_MEMBERS.summary_id == summary_id, _MEMBERS.state == HeldState.WAITING)
                .order_by(_MEMBERS.billing_account, _MEMBERS.native_id)
                .limit(most)
            )
            return tuple(_ref(row.billing_account, row.native_id) for row in rows)

    async def freeze(self, bill: Ref, member: Member | None) -> None:
        values: dict[str, Any] = {"state": HeldState.SINGLE}
        if member is not None:
            values = {"state": HeldState.FROZEN, "frozen": member.model_dump(mode="json")}
        async with self._engine.begin() as connection:
            await connection.execute(
                update(posting_summary_members)
                .where(*_of(bill), _MEMBERS.state == HeldState.WAITING)
                .values(**values)
            )

    async def close(self, summary_id: str) -> bool:
        async with self._engine.begin() as connection:
            # Who joins locks the same row first: see `_open_part`.
            state = await connection.scalar(
                select(_SUMMARIES.state)
                .where(_SUMMARIES.summary_id == summary_id)
                .with_for_update()
            )
            if state != _OPEN:
                return state is not None
            waits = await connection.scalar(
                select(
                    exists().where(
                        _MEMBERS.summary_id == summary_id, _MEMBERS.state == HeldState.WAITING
                    )
                )
            )
            if waits:
                return False
            await connection.execute(
                update(posting_summaries)
                .where(_SUMMARIES.summary_id == summary_id)
                .values(state=_FROZEN)
            )
            return True

    async def members(self, summary_id: str) -> tuple[Member, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(_MEMBERS.frozen).where(
                    _MEMBERS.summary_id == summary_id, _MEMBERS.state == HeldState.FROZEN
                )
            )
            found = [Member.model_validate(one) for one in rows.scalars()]
        return tuple(sorted(found, key=lambda one: one.invoice.number))

    async def place(self, summary_id: str) -> SummaryPlace:
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                select(_SUMMARIES.place).where(_SUMMARIES.summary_id == summary_id)
            )
        if found is None:
            raise NotFound("summary_unknown", id=summary_id)
        return SummaryPlace.model_validate(found)

    async def posted(
        self, summary_id: str, summary: PostedDocument, receipts: tuple[PostedDocument, ...]
    ) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(posting_summaries)
                .where(_SUMMARIES.summary_id == summary_id, _SUMMARIES.state == _FROZEN)
                .values(
                    state=_POSTED,
                    document=summary.model_dump(mode="json"),
                    receipts=[one.model_dump(mode="json") for one in receipts],
                )
            )


def _of(bill: Ref) -> tuple[Any, ...]:
    return _MEMBERS.billing_account == bill.account, _MEMBERS.native_id == bill.native_id


def _ref(account: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account=account, kind="invoice", native_id=native_id)


async def _held(connection: AsyncConnection, bill: Ref) -> Held | None:
    rows = await connection.execute(
        select(
            _MEMBERS.state.label("mine"),
            _MEMBERS.frozen,
            _MEMBERS.single_on,
            _SUMMARIES.place,
            _SUMMARIES.state,
            _SUMMARIES.due_at,
            _SUMMARIES.is_started,
            _SUMMARIES.document,
            _SUMMARIES.receipts,
        )
        .join(posting_summaries, _SUMMARIES.summary_id == _MEMBERS.summary_id)
        .where(*_of(bill))
    )
    row = rows.first()
    if row is None:
        return None
    state = HeldState(row.mine)
    if state is HeldState.FROZEN and row.state == _POSTED:
        state = HeldState.POSTED
    return Held(
        place=SummaryPlace.model_validate(row.place),
        state=state,
        due_at=row.due_at,
        is_started=row.is_started,
        member=None if row.frozen is None else Member.model_validate(row.frozen),
        summary=None if row.document is None else PostedDocument.model_validate(row.document),
        receipts=tuple(PostedDocument.model_validate(one) for one in row.receipts or ()),
        single_on=row.single_on,
    )


async def _open_part(
    connection: AsyncConnection, place: SummaryPlace, due_at: datetime
) -> SummaryPlace:
    """The part of the day that is open and is posted where the caller is, made where there is none.
    Its row is locked until the caller is in, so that nobody closes it meanwhile."""
    part = 1
    while True:
        mine = place.model_copy(update={"part": part})
        await connection.execute(
            insert(posting_summaries)
            .values(
                summary_id=mine.summary_id,
                seller=mine.seller,
                currency=mine.currency,
                issue_date=mine.issue_date,
                part=part,
                place=mine.model_dump(mode="json"),
                state=_OPEN,
                due_at=due_at,
            )
            .on_conflict_do_nothing()
        )
        found = await connection.execute(
            select(_SUMMARIES.state, _SUMMARIES.place)
            .where(_SUMMARIES.summary_id == mine.summary_id)
            .with_for_update()
        )
        row = found.one()
        if row.state == _OPEN and SummaryPlace.model_validate(row.place) == mine:
            return mine
        part += 1


def _month(seller: str, first: date) -> Any:
    return select(posting_months.c.invoices).where(
        posting_months.c.seller == seller, posting_months.c.month == first
    )


async def _finalised_before(connection: AsyncConnection, seller: str, first: date) -> int:
    """Invoices with a legal number that a seller issued in the month before."""
    last = date.fromordinal(first.toordinal() - 1)
    counted = await connection.scalar(
        select(func.count())
        .select_from(bills.join(contracts, contracts.c.contract_key == bills.c.contract_key))
        .where(
            contracts.c.seller == seller,
            bills.c.number != "",
            bills.c.body["issue_date"].astext >= last.replace(day=1).isoformat(),
            bills.c.body["issue_date"].astext <= last.isoformat(),
        )
    )
    return int(counted or 0)
