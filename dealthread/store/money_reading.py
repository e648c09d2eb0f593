"""What is recorded of the money of contracts, read at one moment for the money view."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.case import CaseState
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.money import Money
from dealthread.domain.position.documents import BALANCE, receipt_of
from dealthread.domain.position.facts import (
    EXPANDED,
    RECOVERED,
    REMAINDER,
    REOPENED,
    ContractFacts,
    Posting,
)
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.posted import PostedDocument
from dealthread.hub import WriteState
from dealthread.naming import held_key, receipt_key
from dealthread.store.money_revenue import (
    Keys,
    accepted,
    by_contract,
    openings_of,
    planned,
    recognised,
    schedules,
)
from dealthread.store.money_summaries import cases_of_summaries, waiting_in_summaries
from dealthread.store.schema import bills, cases, contract_versions, contracts, journal

BATCH = 50
_POSTINGS = (
    "erp.invoice",
    "erp.credit",
    "erp.takeback",
    "erp.void",
    "erp.receipt",
    "erp.write_off",
    REOPENED,
    REMAINDER,
    RECOVERED,
    *EXPANDED,
)
"""Steps whose result is a document of the ledger."""


class MoneyReading:
    """Queries of the money view."""

    def __init__(self, engine: AsyncEngine, tenant: str = "default") -> None:
        self._engine = engine
        self._tenant = tenant

    async def facts(
        self, as_of: date, *, seller: str = "", customer_key: str = "", contract_key: str = ""
    ) -> AsyncIterator[list[ContractFacts]]:
        """Contracts that were ever accepted: of a seller, of a customer, one, or all. A batch at a
        time, so that who reads them leaves others their turn; all of one moment."""
        wanted: ColumnElement[bool] = true()
        for column, value in (
            (contracts.c.seller, seller),
            (contracts.c.customer_key, customer_key),
            (contracts.c.contract_key, contract_key),
        ):
            if value:
                wanted = wanted & (column == value)
        async with self._engine.connect() as connection:
            # A document that is posted meanwhile is in all parts of the answer or in none.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            found = await connection.execute(
                select(contracts.c.contract_key, contracts.c.state)
                .where(wanted)
                .order_by(contracts.c.contract_key)
            )
            states = found.all()
            for first in range(0, len(states), BATCH):
                yield await self._batch(connection, states[first : first + BATCH], as_of)

    async def _batch(
        self, connection: AsyncConnection, states: Sequence[Any], as_of: date
    ) -> list[ContractFacts]:
        keys = [row.contract_key for row in states]
        versions = await _versions(connection, keys)
        billed = await _bills(connection, keys)
        postings = await _postings(connection, keys)
        summaries = await waiting_in_summaries(connection, keys)
        waiting = await _open_cases(connection, keys)
        stuck = await cases_of_summaries(connection, summaries)
        plans = await schedules(connection, keys)
        posted = await recognised(connection, keys)
        services = await accepted(connection, keys)
        openings = await openings_of(connection, keys)
        return [
            ContractFacts(
                contract_key=row.contract_key,
                state=ContractState(row.state),
                versions=versions[row.contract_key],
                bills=billed.get(row.contract_key, ()),
                postings=postings.get(row.contract_key, ()),
                receipts=self._receipts(
                    versions[row.contract_key],
                    billed.get(row.contract_key, ()),
                    postings.get(row.contract_key, ()),
                ),
                recognised=posted.get(row.contract_key, ()),
                accepted=services.get(row.contract_key, ()),
                opening=openings.get(row.contract_key),
                planned=planned(plans.get(row.contract_key, ()), versions[row.contract_key], as_of),
                summaries=summaries.get(row.contract_key, {}),
                open_cases=waiting.get(row.contract_key, {}) | stuck.get(row.contract_key, {}),
            )
            for row in states
            if row.contract_key in versions
        ]

    def _receipts(
        self,
        versions: tuple[AcceptedVersion, ...],
        billed: tuple[Bill, ...],
        postings: tuple[Posting, ...],
    ) -> dict[str, PostedDocument]:
        """The ledger's documents of payments: their keys follow from the payments' ids."""
        seller = versions[-1].contract.seller
        posted = {one.document.document_key: one.document for one in postings if one.document}
        found = {}
        for bill in billed:
            for source in (BALANCE, *(one.ref.native_id for one in bill.payments)):
                key = receipt_key(
                    self._tenant, seller, bill.ref.account, bill.ref.native_id, source
                )
                held = held_key(self._tenant, seller, key)
                if held in posted or key in posted:
                    found[receipt_of(bill, source)] = posted.get(held) or posted[key]
        return found

    async def recorded_bills(self, customer_keys: Sequence[str]) -> tuple[str, ...]:
        """Ids of all bills of customers that were ever read."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(bills.c.native_id)
                .join(contracts, contracts.c.contract_key == bills.c.contract_key)
                .where(contracts.c.customer_key.in_(customer_keys))
                .order_by(bills.c.native_id)
            )
            return tuple(rows.scalars())

    async def knows_customer(self, customer_key: str) -> bool:
        """Whether a contract was ever made with a customer."""
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(contracts.c.contract_key)
                .where(contracts.c.customer_key == customer_key)
                .limit(1)
            )
            return found.first() is not None


async def _versions(
    connection: AsyncConnection, keys: Keys
) -> dict[str, tuple[AcceptedVersion, ...]]:
    rows = await connection.execute(
        select(contract_versions)
        .where(contract_versions.c.contract_key.in_(keys))
        .order_by(contract_versions.c.contract_key, contract_versions.c.number)
    )
    return by_contract(
        rows.all(),
        lambda row: AcceptedVersion(
            contract=Contract.model_validate(row.body),
            accepted_on=row.accepted_on,
            effective_from=row.effective_from,
            change_id=row.change_id,
        ),
    )


async def _bills(connection: AsyncConnection, keys: Keys) -> dict[str, tuple[Bill, ...]]:
    rows = await connection.execute(
        select(bills.c.contract_key, bills.c.body)
        .where(bills.c.contract_key.in_(keys))
        .order_by(bills.c.number, bills.c.native_id)
    )
    return by_contract(rows.all(), lambda row: Bill.model_validate(row.body))


async def _postings(connection: AsyncConnection, keys: Keys) -> dict[str, tuple[Posting, ...]]:
    rows = await connection.execute(
        select(journal)
        .where(
            journal.c.contract_key.in_(keys),
            journal.c.step.in_(_POSTINGS),
        )
        .order_by(journal.c.opened_at, journal.c.key)
    )
    return by_contract(rows.all(), _posting)


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


async def _open_cases(connection: AsyncConnection, keys: Keys) -> dict[str, dict[str, str]]:
    rows = await connection.execute(
        select(cases.c.contract_key, cases.c.business_key, cases.c.case_id).where(
            cases.c.contract_key.in_(keys), cases.c.state == CaseState.OPEN
        )
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.contract_key, {})[row.business_key] = row.case_id
    return found
