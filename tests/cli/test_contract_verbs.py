"""`dealthread contracts`: a live contract is shown and changed through the process API."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.change_order import AmendmentOrder, CancellationOrder, RenewalOrder
from dealthread.domain.contract import Contract
from dealthread.stack.info import StackInfo
from dealthread.store.changes import PostgresChanges
from tests.cli.conftest import Run, Said
from tests.support.change_orders import seats_of
from tests.support.running_contract import TODAY, running_contract, worked_contract

pytestmark = pytest.mark.postgres
DEAL = "006000000000001AAA"


@pytest.fixture
def business_date() -> date:
    """Within the contract's term, whatever this machine's date is."""
    return TODAY


@pytest_asyncio.fixture
async def contract(stack: StackInfo, engine: AsyncEngine) -> Contract:
    """A running contract of the stack's org."""
    return await running_contract(engine, worked_contract(stack.salesforce_org_id, DEAL))


def accepted(said: Said) -> str:
    """The change's id, as the first line says it."""
    assert said.code == 0, said.err
    first = said.out.splitlines()[0]
    assert first.startswith("accepted: ")
    return first.removeprefix("accepted: ").partition(",")[0]


async def test_several_lines_and_terms_are_amended_at_once(
    run: Run, contract: Contract, engine: AsyncEngine
) -> None:
    line = seats_of(contract).line_key
    words = (
        "contracts", "amend", contract.key, "--quantity", f"{line}=25", "--price", f"{line}=11.50",
        "--terms", "NET45", "--effective", "2026-06-01", "--reason", "grows",
    )  # fmt: skip
    order = await PostgresChanges(engine).order(accepted(run(*words)))
    assert isinstance(order, AmendmentOrder)
    (asked,) = order.lines
    assert (asked.line_key, str(asked.quantity), str(asked.unit_price)) == (line, "25", "11.5 USD")
    assert (order.payment_terms, order.effective_from, order.reason) == (
        "NET45",
        date(2026, 6, 1),
        "grows",
    )
    assert "known already, nothing was started" in run(*words).out


async def test_an_order_may_stand_in_a_file(
    run: Run, contract: Contract, tmp_path: Path, engine: AsyncEngine
) -> None:
    file = tmp_path / "order.json"
    file.write_text(json.dumps({"payment_terms": "NET45", "source_id": "F-1"}))
    change_id = accepted(run("contracts", "amend", contract.key, "--file", str(file)))
    assert change_id == f"amendment:{contract.key}:F-1"
    file.write_text("[]")
    assert "not a JSON object" in run("contracts", "amend", contract.key, "--file", str(file)).error
    both = run("contracts", "amend", contract.key, "--file", str(file), "--terms", "NET45")
    assert both.code == 2


async def test_a_term_is_renewed_with_uplift_and_months(
    run: Run, contract: Contract, engine: AsyncEngine
) -> None:
    words = ("contracts", "renew", contract.key, "--uplift", "5", "--months", "12")
    order = await PostgresChanges(engine).order(accepted(run(*words)))
    assert isinstance(order, RenewalOrder)
    assert (str(order.uplift_percent), order.term_months) == ("5", 12)
    line = run("contracts", "renew", contract.key, "--decline").error
    assert line.startswith("another order under this id (source_id)")
    assert run("contracts", "renew", contract.key, "--decline", "--months", "1").code == 2


async def test_a_contract_is_cancelled_and_the_cancellation_withdrawn(
    run: Run, contract: Contract, engine: AsyncEngine
) -> None:
    words = (
        "contracts", "cancel", contract.key, "--when", "2026-07-01", "--reason", "moves on",
        "--no-credit", "--source-id", "X-1",
    )  # fmt: skip
    change_id = accepted(run(*words))
    order = await PostgresChanges(engine).order(change_id)
    assert isinstance(order, CancellationOrder)
    assert (order.effective_from, order.credit_unused) == (date(2026, 7, 1), False)
    taken = run("contracts", "withdraw", contract.key, change_id, "--json")
    assert json.loads(taken.out)["business_key"] == f"withdrawal:{change_id}"
    out = run("contracts", "show", contract.key).out
    assert change_id in out
    assert f"withdrawal:{change_id}" in out


async def test_a_contract_is_shown_with_lines_versions_and_revenue(
    run: Run, contract: Contract
) -> None:
    out = run("contracts", "show", contract.key).out
    assert f"{contract.key}, active, version 1" in out
    assert seats_of(contract).line_key in out
    assert "quote-to-cash:" in out
    assert "no change waits" in out
    assert "2026-01" in out
    assert json.loads(run("contracts", "show", contract.key, "--json").out)["state"] == "active"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("amend", "--quantity", "L-1"), "--quantity"),
        (("amend", "--price", "=1"), "--price"),
        (("amend", "--add", "SEAT=@2"), "--add"),
        (("amend", "--quantity", "L-1=2", "--remove", "L-1"), "--remove"),
        (("amend", "--terms", "NET45", "--effective", "soon"), "--effective"),
        (("cancel", "--when", "soon", "--reason", "x"), "--when"),
        (("cancel", "--when", "now", "--reason", " "), "--reason"),
        (("cancel", "--when", "now"), "--reason"),
    ],
)
def test_wrong_usage_names_its_option(
    run: Run, stack: StackInfo, words: tuple[str, ...], hint: str
) -> None:
    assert stack
    said = run("contracts", words[0], "C-AAAAAAAAAAAAA", *words[1:])
    assert (said.code, hint in said.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"payment_terms": NaN}', "payment_terms: not a finite number"),
        ('{"lines": [{"quantity": 1e400}]}', "lines.0.quantity: not a finite number"),
        ('{"reason": "\\ud800"}', "reason: half a character"),
        ('{"base_version": ' + "9" * 5000 + "}", "a number of 5,000 digits"),
        ('{"reason": "a\\u0000b", "payment_terms": "NET45"}', "body.reason"),
        (
            '{"lines": [{"action": "price", "line_key": "L1", '
            '"unit_price": {"amount": "3", "currency": "QQQ"}}]}',
            "body.lines.0.unit_price.currency",
        ),
    ],
)
async def test_a_file_that_nobody_can_mean_names_the_field(
    run: Run, contract: Contract, tmp_path: Path, text: str, named: str
) -> None:
    file = tmp_path / "order.json"
    file.write_text(text, encoding="utf-8")
    assert named in run("contracts", "amend", contract.key, "--file", str(file)).error


async def test_text_that_is_none_is_refused_before_it_is_sent(run: Run, contract: Contract) -> None:
    words = ("contracts", "amend", contract.key, "--terms", "NET45", "--reason", "caf\udce9")
    assert "not UTF-8" in run(*words).error


async def test_a_refusal_is_one_line_with_field_and_action(run: Run, contract: Contract) -> None:
    line = run("contracts", "amend", contract.key, "--quantity", "L-NONE=3").error
    assert line.startswith("line unknown (")
    assert "contract not found" in run("contracts", "show", "C-NNNNNNNNNNNNN").error
    ended = run("workflow", "cancel", f"contract:{contract.key}").error
    assert f"dealthread contracts cancel {contract.key}" in ended
