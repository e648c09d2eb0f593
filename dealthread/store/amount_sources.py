"""Stored amounts that name no source: an amount has a system that owns it and an id there, or it
is of our own making (DM-04, facts of the mission: the orchestrator invents no business truth).

Each table that holds money has its rule here, said as what a row without a source looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Table, and_, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.hub import WriteState
from dealthread.store.schema import (
    bills,
    cases,
    change_orders,
    contract_versions,
    contracts,
    journal,
    pursuits,
    revenue_schedule,
    runs,
)
from dealthread.store.schema_adoption import adopted_openings, adoption_proposals
from dealthread.store.schema_recognition import (
    recognition_documents,
    recognition_postings,
    service_acceptances,
)

MOST = 1000
"""Rows of each table that are named at most."""


class Unsourced(Frozen):
    """An amount of which nobody can say whose it is."""

    table: str
    row: str
    """The row's key, its parts with slashes between them."""
    amount: Money
    missing: str
    """What would be its source."""


@dataclass(frozen=True)
class _Rule:
    missing: str
    is_unsourced: ColumnElement[bool]
    amounts: tuple[str, ...] = ("amount",)


def _no_version(table: Table, number: str = "version") -> ColumnElement[bool]:
    versions = contract_versions.c
    return ~exists().where(
        versions.contract_key == table.c.contract_key, versions.number == table.c[number]
    )


def _blank(*columns: Column[Any]) -> ColumnElement[bool]:
    return or_(*(column == literal("") for column in columns))


RULES: Mapping[Table, _Rule] = {
    contracts: _Rule("the deal of the CRM", _blank(contracts.c.org, contracts.c.deal_id), ("tcv",)),
    contract_versions: _Rule(
        "the change that was accepted",
        and_(
            ~exists().where(runs.c.business_key == contract_versions.c.change_id),
            ~exists().where(change_orders.c.change_id == contract_versions.c.change_id),
        ),
        ("tcv",),
    ),
    revenue_schedule: _Rule("the version that planned it", _no_version(revenue_schedule)),
    journal: _Rule(
        "the system written to, and the id it gave",
        or_(
            _blank(journal.c.system, journal.c.account),
            and_(journal.c.state == WriteState.DONE, journal.c.result.is_(None)),
        ),
    ),
    cases: _Rule("the run that stands still", _blank(cases.c.business_key)),
    pursuits: _Rule(
        "the biller's invoice",
        ~exists().where(
            bills.c.billing_account == pursuits.c.billing_account,
            bills.c.native_id == pursuits.c.invoice_id,
        ),
    ),
    recognition_documents: _Rule(
        "the ledger's entry",
        or_(
            _blank(recognition_documents.c.erp, recognition_documents.c.company),
            and_(
                recognition_documents.c.posted_at.is_not(None),
                _blank(recognition_documents.c.entry),
            ),
        ),
        ("amount", "ledger_amount"),
    ),
    recognition_postings: _Rule(
        "the version that planned it",
        _no_version(recognition_postings),
        ("amount", "ledger_amount"),
    ),
    service_acceptances: _Rule(
        "the version, and what shows the acceptance",
        or_(_no_version(service_acceptances), _blank(service_acceptances.c.evidence)),
    ),
    adopted_openings: _Rule(
        "what was proposed and approved",
        ~exists().where(
            adoption_proposals.c.plan_id == adopted_openings.c.plan_id,
            adoption_proposals.c.contract_key == adopted_openings.c.contract_key,
        ),
        ("billed", "recognised", "deferred"),
    ),
}
"""Every table of the store with an amount of money in a column. The biller's invoices are kept as
they were read, under the biller's own id."""


class AmountSources:
    """Of everything that is stored."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def missing(self) -> list[Unsourced]:
        """Amounts without a source; reads each table once."""
        found: list[Unsourced] = []
        async with self._engine.connect() as connection:
            for table, rule in RULES.items():
                keys = list(table.primary_key.columns)
                query = select(table).where(rule.is_unsourced).order_by(*keys).limit(MOST)
                for row in await connection.execute(query):
                    found += _unsourced(table, rule, row)
        return found


def _unsourced(table: Table, rule: _Rule, row: Row[Any]) -> list[Unsourced]:
    said = row._mapping
    return [
        Unsourced(
            table=table.name,
            row="/".join(str(said[column.name]) for column in table.primary_key.columns),
            amount=Money.of(said[name], said[_currency(name)]),
            missing=rule.missing,
        )
        for name in rule.amounts
        if said[name] is not None
    ]


def _currency(amount: str) -> str:
    return "ledger_currency" if amount == "ledger_amount" else "currency"
