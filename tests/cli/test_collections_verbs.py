"""`dealthread collections`: pursuits are listed and shown; an order that reaches nobody says so."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.dunning import Pursuit, PursuitOutcome, PursuitState
from dealthread.domain.money import Money
from dealthread.stack.info import StackInfo
from dealthread.store.pursuits import PostgresPursuits
from tests.cli.conftest import Run

pytestmark = pytest.mark.postgres
NUMBER = "DE-2026-0001"


async def pursued(engine: AsyncEngine, **more: object) -> Pursuit:
    """A pursuit as the workflow keeps it."""
    at = datetime(2026, 2, 1, 9, tzinfo=UTC)
    return await PostgresPursuits(engine).open(
        Pursuit(
            business_key="collections:acct_de:in_1",
            generation=1,
            contract_key="C-ABCDEFGHIJKLM",
            customer_key="A-ABCDEFGHIJKLM",
            seller="DE01",
            invoice=Ref(system=System.BILLING, account="acct_de", kind="invoice", native_id="in_1"),
            invoice_number=NUMBER,
            amount_due=Money.of("21134.40", "EUR"),
            due_date=date(2026, 1, 31),
            state=PursuitState.PAUSED,
            stage=2,
            suspended=True,
            promised_until=date(2026, 2, 10),
            reason="promise: by transfer",
            opened_at=at,
            changed_at=at,
        ).model_copy(update=more)
    )


async def test_pursuits_are_listed_and_one_is_shown_by_any_of_its_names(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    assert "nobody is pursued" in run("collections", "list").out
    await pursued(engine)
    row = run("collections", "list", "--contract", "C-ABCDEFGHIJKLM").out.splitlines()[1]
    for told in (NUMBER, "2026-01-31", "21,134.40 EUR", "paused to 2026-02-10", "yes"):
        assert told in row
    assert "nobody is pursued" in run("collections", "list", "--customer", "A-OTHER").out
    for name in (NUMBER, "in_1", "collections:acct_de:in_1"):
        assert "promise: by transfer" in run("collections", "show", name).out
    shown = json.loads(run("collections", "show", NUMBER, "--json").out)
    assert shown["amount_due"] == {"amount": "21134.40", "currency": "EUR"}
    closed = {"state": PursuitState.CLOSED, "outcome": PursuitOutcome.PAID, "sequence": 9}
    ended = (await PostgresPursuits(engine).of_invoice("in_1") or await pursued(engine)).model_copy(
        update=closed
    )
    await PostgresPursuits(engine).record(ended, (), "saga")
    assert "nobody is pursued" in run("collections", "list").out
    assert " paid " in run("collections", "list", "--all").out
    assert (await pursued(engine)).generation == 2, "anew, after one that was closed"


async def test_an_order_is_refused_in_a_line(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    """No such invoice, no such day, nobody who carries it out."""
    unknown = run("collections", "promise", NUMBER, "--until", "2026-02-10")
    assert unknown.error.startswith("pursuit not found")
    assert run("collections", "promise", NUMBER, "--until", "soon").code == 2
    assert run("collections", "stop", NUMBER).code == 2, "without a reason"
    await pursued(engine)
    away = run("collections", "resume", NUMBER)
    assert "temporal" in away.error.lower()
    other = Ref(system=System.BILLING, account="acct_us", kind="invoice", native_id="in_2")
    await pursued(engine, business_key="collections:acct_us:in_2", invoice=other)
    both = run("collections", "show", NUMBER).error
    assert both.endswith("collections:acct_de:in_1, collections:acct_us:in_2")
    assert run("collections", "show", "in_2").code == 0
    one = "collections:acct_de:in_1"
    assert "reason needed" in run("collections", "pause", one, "--reason", " ").error
