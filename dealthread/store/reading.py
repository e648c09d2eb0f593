"""What people ask: the list, one transaction by any id, its trace, what is uncertain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.case import CaseState
from dealthread.domain.money import Money
from dealthread.errors import BadInput, NotFound
from dealthread.hub import OpenWrite, WriteState
from dealthread.store.schema import audit, cases, contracts, crosswalk, inbox, journal, outbox, runs
from dealthread.store.summary_reading import summaries_named


@dataclass(frozen=True)
class Transaction:
    """One run of one change, with its contract and open case."""

    business_key: str
    generation: int
    contract_key: str
    org: str
    deal_id: str
    stage: str
    stage_at: datetime
    outcome: str | None
    created_at: datetime
    ended_at: datetime | None
    requested_by: str
    contract_state: str
    seller: str
    customer_key: str
    customer_name: str
    tcv: Money | None
    case_id: str
    case_kind: str


@dataclass(frozen=True)
class TraceEntry:
    """One moment in the life of a deal."""

    at: datetime
    what: str
    detail: str
    actor: str
    native_ids: tuple[str, ...] = ()


def _transaction(row: Row[Any]) -> Transaction:
    return Transaction(
        business_key=row.business_key,
        generation=row.generation,
        contract_key=row.contract_key,
        org=row.org,
        deal_id=row.deal_id,
        stage=row.stage,
        stage_at=row.stage_at,
        outcome=row.outcome,
        created_at=row.created_at,
        ended_at=row.ended_at,
        requested_by=row.requested_by,
        contract_state=row.state or "",
        seller=row.seller or "",
        customer_key=row.customer_key or "",
        customer_name=row.customer_name or "",
        tcv=Money.of(row.tcv, row.currency) if row.tcv is not None else None,
        case_id=row.case_id if row.case_state == CaseState.OPEN else "",
        case_kind=row.case_kind if row.case_state == CaseState.OPEN else "",
    )


# The newest case, open or not: of a deal that a rule stopped it knows the customer.
_last_case = (
    select(cases.c.case_id)
    .where(cases.c.business_key == runs.c.business_key)
    .order_by(cases.c.opened_at.desc())
    .limit(1)
    .correlate(runs)
    .scalar_subquery()
)
_TRANSACTIONS = (
    select(
        runs,
        contracts.c.state,
        contracts.c.seller,
        func.coalesce(contracts.c.customer_key, cases.c.body["customer_key"].astext).label(
            "customer_key"
        ),
        func.coalesce(contracts.c.customer_name, cases.c.body["customer_name"].astext).label(
            "customer_name"
        ),
        contracts.c.tcv,
        contracts.c.currency,
        cases.c.case_id,
        cases.c.kind.label("case_kind"),
        cases.c.state.label("case_state"),
    )
    .outerjoin(contracts, contracts.c.contract_key == runs.c.contract_key)
    .outerjoin(cases, cases.c.case_id == _last_case)
)


class Reading:
    """Queries for the process API and the CLI."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def listing(self, limit: int, stage: str = "", stuck: bool = False) -> list[Transaction]:
        """Newest first."""
        query = _TRANSACTIONS.order_by(runs.c.created_at.desc()).limit(limit)
        if stage:
            query = query.where(runs.c.stage == stage)
        if stuck:
            query = query.where(cases.c.state == CaseState.OPEN)
        async with self._engine.connect() as connection:
            return [_transaction(row) for row in await connection.execute(query)]

    async def outcomes(self) -> dict[str, int]:
        """Runs by outcome; `running` for those without one."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(runs.c.outcome, func.count()).group_by(runs.c.outcome)
            )
            return {outcome or "running": count for outcome, count in rows}

    async def find(self, any_id: str) -> Transaction:
        """By deal, contract, business key, workflow id, case, or any native id. Raises NotFound."""
        async with self._engine.connect() as connection:
            key = await self._contract_of(connection, any_id)
            row = (
                await connection.execute(
                    _TRANSACTIONS.where(runs.c.contract_key == key)
                    .order_by(runs.c.created_at.desc())
                    .limit(1)
                )
            ).first()
            if row is None:
                raise NotFound("transaction_not_found", id=any_id[:40])
            return _transaction(row)

    async def _contract_of(self, connection: AsyncConnection, any_id: str) -> str:
        plain = any_id.removeprefix("contract:")
        direct = (
            await connection.execute(
                select(runs.c.contract_key)
                .where(
                    or_(
                        runs.c.contract_key == plain,
                        runs.c.business_key == any_id,
                        runs.c.deal_id == any_id,
                        func.left(runs.c.deal_id, 15) == any_id,
                    )
                )
                .limit(1)
            )
        ).scalar()
        if direct:
            return str(direct)
        by_ref = await self._contract_of_ref(connection, any_id)
        if by_ref:
            return by_ref
        for query in (
            select(cases.c.contract_key).where(cases.c.case_id == any_id).limit(1),
            select(contracts.c.contract_key).where(contracts.c.customer_key == any_id).limit(1),
            select(runs.c.contract_key)
            .join(inbox, inbox.c.business_key == runs.c.business_key)
            .where(inbox.c.message_id == any_id)
            .limit(1),
        ):
            found = (await connection.execute(query)).scalar()
            if found:
                return str(found)
        return ""

    async def _contract_of_ref(self, connection: AsyncConnection, text: str) -> str:
        """By a native id, or by `system:account:kind:id` where the id alone is not enough.

        Raises BadInput naming the choices when several contracts have such an id: ledgers count
        from one in each company; and where it is of a day's summary, which holds them.
        """
        query = select(crosswalk)
        parts = text.split(":", 3)
        if len(parts) == 4:
            system, account, kind, native_id = parts
            query = query.where(
                crosswalk.c.system == system,
                crosswalk.c.account == account,
                crosswalk.c.kind == kind,
                crosswalk.c.native_id == native_id,
            )
        else:
            query = query.where(crosswalk.c.native_id == text)
        rows = (await connection.execute(query.order_by(crosswalk.c.since.desc()))).all()
        found = {row.contract_key for row in rows}
        if len(found) > 1:
            choices = sorted({f"{r.system}:{r.account}:{r.kind}:{r.native_id}" for r in rows})
            if len(choices) > 1:
                raise BadInput(
                    "ambiguous_id", field="id", action="say which: " + ", ".join(choices[:6])
                )
            if await summaries_named(connection, choices[0]):
                raise BadInput(
                    "id_of_several",
                    field="id",
                    action=f"it holds several: dealthread invoices summary {choices[0]}",
                )
            # One record, such as a customer with several contracts: the newest is meant.
        return str(rows[0].contract_key) if rows else ""

    async def refs(self, contract_key: str) -> list[Ref]:
        """Every native id of a contract."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(crosswalk)
                .where(crosswalk.c.contract_key == contract_key)
                .order_by(crosswalk.c.since)
            )
            return [
                Ref(
                    system=System(row.system),
                    account=row.account,
                    kind=row.kind,
                    native_id=row.native_id,
                )
                for row in rows
            ]

    async def contract_body(self, contract_key: str) -> dict[str, Any] | None:
        """The contract as recorded, or None before it was assessed."""
        async with self._engine.connect() as connection:
            row = await connection.execute(
                select(contracts.c.body).where(contracts.c.contract_key == contract_key)
            )
            body = row.scalar()
            return dict(body) if body is not None else None

    async def trace(self, transaction: Transaction) -> list[TraceEntry]:
        """Everything that happened, in order: message in, steps, decisions, events out."""
        async with self._engine.connect() as connection:
            entries = [
                TraceEntry(
                    row.received_at,
                    "message.received",
                    f"{row.source} {row.outcome}",
                    row.account,
                    (row.message_id,),
                )
                for row in await connection.execute(
                    select(inbox).where(inbox.c.business_key == transaction.business_key)
                )
            ]
            for row in await connection.execute(
                select(audit).where(audit.c.stream == transaction.contract_key)
            ):
                ids = tuple(row.detail.get("refs", ()))
                step = row.key.rsplit("#", 1)[-1]
                extra = ", ".join(
                    f"{name}={value}"
                    for name, value in sorted(row.detail.items())
                    if name not in ("refs", "step") and value not in ("", [], None)
                )
                entries.append(
                    TraceEntry(row.at, row.event, f"{step} {extra}".strip(), row.actor, ids)
                )
            entries += [
                TraceEntry(row.created_at, "event.published", row.type, "saga", (row.id,))
                for row in await connection.execute(
                    select(outbox).where(outbox.c.subject == transaction.contract_key)
                )
            ]
        return sorted(entries, key=lambda entry: entry.at)

    async def uncertain(self) -> list[OpenWrite]:
        """Writes whose effect is not known, oldest first. One that was undone is known: its undo
        has looked until no late effect could come."""
        undo = journal.alias()
        undone = (
            select(undo.c.key)
            .where(
                undo.c.key == func.regexp_replace(journal.c.key, "/do$", "/undo"),
                undo.c.state == WriteState.DONE,
            )
            .exists()
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(journal)
                .where(journal.c.state.in_((WriteState.SENT, WriteState.UNKNOWN)), ~undone)
                .order_by(journal.c.first_sent_at)
            )
            return [_open_write(row) for row in rows]

    async def writes_of(self, business_key: str) -> list[OpenWrite]:
        """All journal rows of a run, for a termination report."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(journal)
                .where(journal.c.business_key == business_key)
                .order_by(journal.c.opened_at)
            )
            return [_open_write(row) for row in rows]


def _open_write(row: Row[Any]) -> OpenWrite:
    return OpenWrite(
        key=row.key,
        step=row.step,
        system=row.system,
        contract_key=row.contract_key,
        state=WriteState(row.state),
        first_sent_at=row.first_sent_at,
        attempts=row.attempts,
        money=Money.of(row.amount, row.currency) if row.amount is not None else None,
        evidence={"code": row.code} if row.code else {},
        how=row.how,
    )
