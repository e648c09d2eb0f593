"""What is recorded of the money of contracts, read at one moment for the money view."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.case import CaseState
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.money import Money
from dealthread.domain.position.facts import ContractFacts, Posting
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.receivable import PostedDocument
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.without_end import continued, is_without_end, planned_until
from dealthread.hub import WriteState
from dealthread.store.schema import (
    bills,
    cases,
    contract_versions,
    contracts,
    journal,
    revenue_schedule,
)

T = TypeVar("T")
_POSTINGS = ("erp.invoice", "erp.credit", "erp.receipt", "erp.write_off")
"""Steps whose result is a document of the ledger."""


class MoneyReading:
    """Queries of the money view."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def facts(
        self, as_of: date, *, seller: str = "", customer_key: str = "", contract_key: str = ""
    ) -> list[ContractFacts]:
        """Contracts that were ever accepted: of a seller, of a customer, one, or all."""
        wanted: ColumnElement[bool] = true()
        for column, value in (
            (contracts.c.seller, seller),
            (contracts.c.customer_key, customer_key),
            (contracts.c.contract_key, contract_key),
        ):
            if value:
                wanted = wanted & (column == value)
        keys = select(contracts.c.contract_key).where(wanted)
        async with self._engine.connect() as connection:
            # A document that is posted meanwhile is in all parts of the answer or in none.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            states = await connection.execute(
                select(contracts.c.contract_key, contracts.c.state)
                .where(wanted)
                .order_by(contracts.c.contract_key)
            )
            versions = await _versions(connection, keys)
            billed = await _bills(connection, keys)
            postings = await _postings(connection, keys)
            waiting = await _open_cases(connection, keys)
            schedules = await _schedules(connection, keys)
            return [
                ContractFacts(
                    contract_key=row.contract_key,
                    state=ContractState(row.state),
                    versions=versions[row.contract_key],
                    bills=billed.get(row.contract_key, ()),
                    postings=postings.get(row.contract_key, ()),
                    planned=_planned(
                        schedules.get(row.contract_key, ()), versions[row.contract_key], as_of
                    ),
                    open_cases=waiting.get(row.contract_key, {}),
                )
                for row in states.all()
                if row.contract_key in versions
            ]

    async def knows_customer(self, customer_key: str) -> bool:
        """Whether a contract was ever made with a customer."""
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(contracts.c.contract_key)
                .where(contracts.c.customer_key == customer_key)
                .limit(1)
            )
            return found.first() is not None


_Keys = Select[tuple[str]]


async def _versions(
    connection: AsyncConnection, keys: _Keys
) -> dict[str, tuple[AcceptedVersion, ...]]:
    rows = await connection.execute(
        select(contract_versions)
        .where(contract_versions.c.contract_key.in_(keys))
        .order_by(contract_versions.c.contract_key, contract_versions.c.number)
    )
    return _by_contract(
        rows.all(),
        lambda row: AcceptedVersion(
            contract=Contract.model_validate(row.body),
            accepted_on=row.accepted_on,
            effective_from=row.effective_from,
            change_id=row.change_id,
        ),
    )


async def _bills(connection: AsyncConnection, keys: _Keys) -> dict[str, tuple[Bill, ...]]:
    rows = await connection.execute(
        select(bills.c.contract_key, bills.c.body)
        .where(bills.c.contract_key.in_(keys))
        .order_by(bills.c.number, bills.c.native_id)
    )
    return _by_contract(rows.all(), lambda row: Bill.model_validate(row.body))


async def _postings(connection: AsyncConnection, keys: _Keys) -> dict[str, tuple[Posting, ...]]:
    rows = await connection.execute(
        select(journal)
        .where(
            journal.c.contract_key.in_(keys),
            journal.c.step.in_(_POSTINGS),
        )
        .order_by(journal.c.opened_at, journal.c.key)
    )
    return _by_contract(rows.all(), _posting)


def _posting(row: Row[Any]) -> Posting:
    done = row.state == WriteState.DONE and row.result
    return Posting(
        business_key=row.business_key,
        step=row.step,
        state=row.state,
        code=row.code,
        amount=None if row.amount is None else Money.of(row.amount, row.currency),
        document=PostedDocument.model_validate_json(row.result) if done else None,
    )


async def _open_cases(connection: AsyncConnection, keys: _Keys) -> dict[str, dict[str, str]]:
    rows = await connection.execute(
        select(cases.c.contract_key, cases.c.business_key, cases.c.case_id).where(
            cases.c.contract_key.in_(keys), cases.c.state == CaseState.OPEN
        )
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.contract_key, {})[row.business_key] = row.case_id
    return found


async def _schedules(
    connection: AsyncConnection, keys: _Keys
) -> dict[str, tuple[RevenuePlanRow, ...]]:
    """As the latest version of each contract plans it."""
    latest = (
        select(
            contract_versions.c.contract_key, func.max(contract_versions.c.number).label("number")
        )
        .where(contract_versions.c.contract_key.in_(keys))
        .group_by(contract_versions.c.contract_key)
        .subquery()
    )
    rows = await connection.execute(
        select(revenue_schedule)
        .join(
            latest,
            and_(
                latest.c.contract_key == revenue_schedule.c.contract_key,
                latest.c.number == revenue_schedule.c.version,
            ),
        )
        .order_by(
            revenue_schedule.c.contract_key,
            revenue_schedule.c.obligation,
            revenue_schedule.c.month,
        )
    )
    return _by_contract(
        rows.all(),
        lambda row: RevenuePlanRow(
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=Money.of(row.amount, row.currency),
            treatment=row.treatment,
        ),
    )


def _planned(
    rows: tuple[RevenuePlanRow, ...], versions: tuple[AcceptedVersion, ...], as_of: date
) -> tuple[RevenuePlanRow, ...]:
    present = versions[-1].contract
    if not is_without_end(present):
        return rows
    days = [day for one in versions[1:] for day in (one.effective_from, one.accepted_on) if day]
    return continued(rows, present, planned_until(present, max(days, default=None)), as_of)


def _by_contract(rows: Iterable[Any], make: Callable[[Any], T]) -> dict[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(row.contract_key, []).append(make(row))
    return {key: tuple(values) for key, values in found.items()}
