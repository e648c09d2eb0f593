"""DM-04: every stored amount has a source, and one without is found."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, Integer, Numeric, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.money import Money
from dealthread.store.amount_sources import RULES, AmountSources
from dealthread.store.schema import metadata
from tests.support.running_contract import running_contract

pytestmark = pytest.mark.postgres
DAMAGE: dict[str, dict[str, Any]] = {
    "contracts": {"deal_id": ""},
    "journal": {"system": ""},
    "cases": {"business_key": ""},
    "recognition_documents": {"entry": "", "posted_at": datetime(2026, 1, 1, tzinfo=UTC)},
}
"""What takes a row's source away; the rows of other tables refer to what is not there."""


def test_every_table_with_an_amount_has_a_rule() -> None:
    """A new table with money, which is a number beside a currency, cannot be forgotten."""
    stored = {
        table.name: amounts
        for table in metadata.tables.values()
        if "currency" in table.columns
        and (
            amounts := {
                column.name
                for column in table.columns
                if isinstance(column.type, Numeric) and column.name != "rate"
            }
        )
    }
    assert stored == {table.name: set(rule.amounts) for table, rule in RULES.items()}


async def test_what_the_sagas_record_has_its_sources(store: AsyncEngine) -> None:
    await running_contract(store)
    assert await AmountSources(store).missing() == []


async def test_a_finished_write_without_the_id_that_the_system_gave_is_found(
    store: AsyncEngine,
) -> None:
    table = metadata.tables["journal"]
    async with store.begin() as connection:
        await _insert(connection, table, {"state": "done", "result": None})
        await _insert(connection, table, {"key": "y", "state": "done", "result": "{}"})
    (found,) = await AmountSources(store).missing()
    assert (found.table, found.row, found.amount) == ("journal", "x", Money.of("1.00", "USD"))


@pytest.mark.parametrize("table", list(RULES), ids=lambda table: table.name)
async def test_an_amount_without_a_source_is_named_by_table_and_row(
    store: AsyncEngine, table: Table
) -> None:
    async with store.begin() as connection:
        for key in table.foreign_keys:
            await _insert(connection, key.column.table, {"entry": "e-1"})
        await _insert(connection, table, DAMAGE.get(table.name, {}))
    found = [one for one in await AmountSources(store).missing() if one.table == table.name]
    assert len(found) == len(RULES[table].amounts)
    assert {one.amount for one in found} == {Money.of("1.00", "USD")}
    assert all(one.row.startswith("x") and one.missing for one in found)


async def _insert(connection: AsyncConnection, table: Table, said: dict[str, Any]) -> None:
    """A row in which every column says something."""
    row = {column.name: _something(column.name, column.type) for column in table.columns}
    row |= {name: value for name, value in said.items() if name in row}
    await connection.execute(table.insert().values(row))


def _something(name: str, kind: Any) -> Any:
    if name.endswith("currency"):
        return "USD"
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | Numeric):
        return 1
    if isinstance(kind, Date):
        return date(2026, 1, 1)
    if isinstance(kind, JSONB):
        return {}
    return "x" if isinstance(kind, String | Text) else datetime(2026, 1, 1, tzinfo=UTC)
