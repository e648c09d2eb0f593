"""`dealthread money-view`: figures in a table, documents and differences under them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.stack.info import StackInfo
from dealthread.store.bills import PostgresBills
from dealthread.store.schema import contracts
from tests.cli.conftest import Run
from tests.support.running_contract import TODAY, running_contract, worked_contract
from tests.unit.position.worked import bill

pytestmark = pytest.mark.postgres
DEAL = "006000000000001AAA"


@pytest.fixture
def business_date() -> date:
    """Within the contract's term, whatever this machine's date is."""
    return TODAY


async def test_the_view_is_shown_with_documents_and_differences(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    contract = await running_contract(engine, worked_contract(stack.salesforce_org_id, DEAL))
    rows = [("L1", "13,500.00", "891.00"), ("L2", "1,500.00", "0")]
    one = bill(contract, "US-1", date(2026, 1, 1), rows)
    await PostgresBills(engine).seen(one, datetime.now(UTC))
    said = run("money-view", "--as-of", "2026-02-28", "--contract", contract.key, "--documents")
    assert said.code == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "1 contract at the end of 2026-02-28"
    for line in (
        "sold 15,000.00 net, accepted",
        "billed 15,000.00 net",
        "receivables 15,891.00 gross",
        "deferred revenue 15,000.00 billed, not recognised",
        f"billed 2026-01-01 invoice US-1 15,000.00 USD {contract.key} {one.ref}",
        f"not posted 15,891.00 USD US-1 {contract.key} the ledger was not asked yet",
    ):
        assert line in lines
    assert "note: no recognised revenue" in said.err
    answer = run("money-view", "--as-of", "2026-02-28", "--json")
    assert json.loads(answer.out)["totals"][0]["sold"] == {"amount": "15000.00", "currency": "USD"}
    for words, named in (
        (("--as-of", "28.2.2026"), "as_of"),
        (("--as-of", "2026-02-28", "--contract", "C-NONE"), "contract not found"),
        (("--as-of", "2026-02-28", "--entity", "XX"), "US01"),
    ):
        assert named in run("money-view", *words).error


async def test_an_amount_without_a_source_is_listed_and_the_command_says_so_by_its_exit(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    contract = await running_contract(engine, worked_contract(stack.salesforce_org_id, DEAL))
    said = run("money-unsourced")
    assert (said.code, said.out.strip()) == (0, "every stored amount has its source")
    async with engine.begin() as connection:
        await connection.execute(update(contracts).values(deal_id=""))
    said = run("money-unsourced")
    line = " ".join(said.out.splitlines()[1].split())
    assert (said.code, line) == (1, f"contracts {contract.key} 15,000.00 USD the deal of the CRM")
    assert json.loads(run("money-unsourced", "--json").out)[0]["row"] == contract.key
