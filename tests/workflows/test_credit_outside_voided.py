"""SN-2: a credit that was made and voided in the biller's own pages needs nobody's decision."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import AT_BILLER, Bill
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.errors import BadInput
from dealthread.store.schema import audit
from tests.fakes.bills import credited
from tests.support.change_orders import seats_of
from tests.support.credit_lab import invoiced
from tests.support.invoice_lab import news
from tests.support.overdue import quiet
from tests.support.saga_lab import Lab, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START, VOIDED = date(2026, 1, 1), date(2026, 1, 9)


async def _credited_outside(it: Lab) -> tuple[Contract, Bill, Bill]:
    """An open bill of the contract, and the same with a credit that nobody ordered here."""
    contract, bill = await invoiced(it, is_paid=False)
    net, tax = Money.of("365.00", bill.currency), Money.of("24.09", bill.currency)
    less = credited(bill, net, tax, START, CreditForm.OPEN_INVOICE, seats_of(contract).line_key)
    (memo,) = less.credit_memos
    assert memo.ref is not None
    less = less.model_copy(update={"credit_reasons": {memo.ref.native_id: AT_BILLER}})
    await _read(it, less)
    return contract, bill, less


async def _read(it: Lab, bill: Bill) -> None:
    it.billing.bills[bill.ref.native_id] = bill
    await quiet(it.client, [(await news(it.client, bill)).id])


def _void(bill: Bill, less: Bill) -> Bill:
    memos = tuple(one.model_copy(update={"voided_on": VOIDED}) for one in less.credit_memos)
    return bill.model_copy(update={"voided_credits": memos, "credit_reasons": less.credit_reasons})


async def _settled(engine: AsyncEngine, case_id: str) -> list[str]:
    query = select(audit.c.detail).where(audit.c.key == case_id, audit.c.event == "case.settled")
    async with engine.connect() as connection:
        return [row["note"] for row in (await connection.execute(query)).scalars()]


async def test_its_case_closes_with_the_reason_and_stays_closed(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Once, however often the bill is read; an older reading does not open it again."""
    async with lab(dev_server, engine, START) as it:
        contract, bill, less = await _credited_outside(it)
        case = await it.case_of(contract.key, kind="credit.outside")
        for _ in range(2):
            await _read(it, _void(bill, less))
        assert await it.open_case(contract.key) is None
        closed = await it.cases.show(case.case_id)
        assert (closed.state, closed.decision) == ("decided", None), "nobody decided it"
        why = ["the credit was voided at the biller on 2026-01-09"]
        assert await _settled(engine, case.case_id) == why
        with pytest.raises(BadInput):
            await it.cases.decide(_approval(case.case_id, case.version))
        await _read(it, less)
        assert await it.open_case(contract.key) is None
        assert await _settled(engine, case.case_id) == why


async def test_what_was_decided_before_stays_decided(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, START) as it:
        contract, bill, less = await _credited_outside(it)
        case = await it.case_of(contract.key, kind="credit.outside")
        await it.cases.decide(_approval(case.case_id, case.version))
        await _read(it, _void(bill, less))
        kept = await it.cases.show(case.case_id)
        assert (kept.state, kept.decision) == ("decided", DecisionKind.APPROVE)
        assert await _settled(engine, case.case_id) == []


def _approval(case_id: str, version: int) -> Decision:
    return Decision(
        case_id=case_id,
        version=version,
        decision=DecisionKind.APPROVE,
        actor="anna",
        reason="agreed by telephone",
    )
