"""Accepted versions of contracts and the revenue they plan, in the caller's transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.without_end import continued, is_without_end, planned_until
from dealthread.hub import ContractVersionRecord, RevenueRow
from dealthread.store.schema import contract_versions, contracts, revenue_schedule


async def accept_version(connection: AsyncConnection, record: ContractVersionRecord) -> None:
    """Keep a version with its revenue plan and make it the present one.

    A version that is there already stays as it is: it was recorded by an earlier attempt, or by
    the step that set the contract up ahead of its start.
    """
    contract = record.contract
    inserted = await connection.execute(
        insert(contract_versions)
        .values(
            contract_key=contract.key,
            number=contract.version,
            change_id=record.change_id,
            kind=record.kind,
            effective_from=record.effective_from,
            accepted_on=record.accepted_on,
            currency=contract.currency,
            tcv=contract.tcv().amount,
            reason=record.reason,
            working=record.working,
            body=contract.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
        .returning(contract_versions.c.number)
    )
    if inserted.first() is None:
        return
    if record.schedule:
        await connection.execute(
            insert(revenue_schedule), [_row(record, row) for row in record.schedule]
        )
    await connection.execute(
        update(contracts)
        .where(contracts.c.contract_key == contract.key)
        .values(changed_at=datetime.now(UTC), **_of_version(contract))
    )


def columns_of(contract: Contract, customer_name: str) -> dict[str, object]:
    """A contract's row, without its key and state."""
    return {
        "number": contract.number,
        "org": contract.org,
        "deal_id": contract.deal_id,
        "seller": contract.seller,
        "region": contract.seller_region,
        "customer_key": contract.customer_key,
        "customer_name": customer_name,
        "currency": contract.currency,
        **_of_version(contract),
    }


def _of_version(contract: Contract) -> dict[str, object]:
    """What a later version may say otherwise."""
    return {
        "body": contract.model_dump(mode="json"),
        "tcv": contract.tcv().amount,
        "start_date": contract.start_date,
        "end_date": contract.end_date,
        "content_hash": contract.content_hash,
        "config_version": contract.config_version,
    }


def _row(record: ContractVersionRecord, row: RevenueRow) -> dict[str, object]:
    return {
        "contract_key": record.contract.key,
        "version": record.contract.version,
        "obligation": row.obligation,
        "month": row.month,
        "line_key": row.line_key,
        "account": row.account,
        "amount": row.amount.amount,
        "currency": row.amount.currency,
        "treatment": row.treatment,
    }


async def forget_undone(connection: AsyncConnection, contract_key: str) -> None:
    """A deal that was undone before it began, and is run anew, is accepted anew."""
    latest = await connection.execute(
        select(func.max(contract_versions.c.number)).where(
            contract_versions.c.contract_key == contract_key
        )
    )
    if latest.scalar() == 1:
        for table in (revenue_schedule, contract_versions):
            await connection.execute(delete(table).where(table.c.contract_key == contract_key))


async def open_plan(connection: AsyncConnection, contract_key: str) -> tuple[Contract, date] | None:
    """The present version of a contract without end, and the first day that it does not plan by
    itself; None for a contract that was sold with a term."""
    rows = await connection.execute(
        select(
            contract_versions.c.body,
            contract_versions.c.effective_from,
            contract_versions.c.accepted_on,
        )
        .where(contract_versions.c.contract_key == contract_key)
        .order_by(contract_versions.c.number)
    )
    versions = rows.all()
    present = Contract.model_validate(versions[-1].body) if versions else None
    if present is None or not is_without_end(present):
        return None
    days = [day for one in versions[1:] for day in (one.effective_from, one.accepted_on)]
    return present, planned_until(present, max(days, default=None))


async def planned_revenue(
    connection: AsyncConnection, contract_key: str, through: date | None = None
) -> tuple[RevenueRow, ...]:
    """The revenue schedule of a contract as its latest version plans it; without an end, also the
    billing periods that begin by `through`."""
    rows = await _stored_rows(connection, contract_key)
    plan = await open_plan(connection, contract_key) if through is not None else None
    if plan is None or through is None:
        return rows
    present, until = plan
    told = (RevenuePlanRow(**vars(row)) for row in rows)
    return tuple(RevenueRow(**dict(row)) for row in continued(told, present, until, through))


async def _stored_rows(connection: AsyncConnection, contract_key: str) -> tuple[RevenueRow, ...]:
    latest = (
        select(func.max(contract_versions.c.number))
        .where(contract_versions.c.contract_key == contract_key)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(revenue_schedule)
        .where(
            revenue_schedule.c.contract_key == contract_key,
            revenue_schedule.c.version == latest,
        )
        .order_by(revenue_schedule.c.obligation, revenue_schedule.c.month)
    )
    return tuple(
        RevenueRow(
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=Money.of(row.amount, row.currency),
            treatment=row.treatment,
        )
        for row in rows
    )
