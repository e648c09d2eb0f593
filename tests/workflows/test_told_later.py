"""RS-03: a message that Temporal does not take is told later, at growing intervals; it holds up no
other, and a start whose answer is lost is told again and has its effect once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.service import RPCError, RPCStatusCode

from dealthread.bridge.taking import again_after
from dealthread.domain.bill import PaymentWay
from dealthread.domain.cash import BankReceipt
from dealthread.domain.money import Money
from dealthread.naming import bank_receipt_id, invoice_id
from dealthread.store.schema import inbox
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import balances, bill_of, paid_bill, told
from tests.support.office import Office
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
START = date(2026, 1, 1)
ACCOUNT = "acct_told_later"


class Failing(Interceptor):
    """A client whose starts fail for some runs, before the server has them or after."""

    def __init__(self, error: Callable[[str], Exception | None], *, after: bool = False) -> None:
        self.error, self.after = error, after

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Starts(next, self)


class _Starts(OutboundInterceptor):
    def __init__(self, inner: OutboundInterceptor, told: Failing) -> None:
        super().__init__(inner)
        self._told = told

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        error = self._told.error(input.id)
        if error is not None and not self._told.after:
            raise error
        made = await super().start_workflow(input)
        if error is not None:
            raise error
        return made


def _through(client: Client, failing: Failing) -> Client:
    config = client.config()
    config["interceptors"] = [failing]
    return Client(**config)


def _event(native_id: str) -> str:
    return json.dumps({"id": "evt", "type": "invoice.paid", "data": {"object": {"id": native_id}}})


def _rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("planned", status, b"")


async def _due(engine: AsyncEngine) -> None:
    """Its time has come."""
    async with engine.begin() as connection:
        await connection.execute(update(inbox).values(next_attempt_at=func.now()))


def test_each_failure_doubles_the_wait_up_to_five_minutes() -> None:
    """By the failures that were before it."""
    assert [again_after(failed) for failed in range(9)] == [
        2.0,
        4.0,
        8.0,
        16.0,
        32.0,
        64.0,
        128.0,
        256.0,
        300.0,
    ]
    assert again_after(10**9) == 300.0


async def test_messages_that_fail_are_told_later_and_hold_up_no_other(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Of whatever kind the error is. One that has failed often comes back later."""
    errors: dict[str, Exception] = {
        invoice_id(ACCOUNT, "in_1"): _rpc(RPCStatusCode.UNAVAILABLE),
        invoice_id(ACCOUNT, "in_2"): RuntimeError("planned"),
    }
    async with lab(dev_server, engine, START) as it:
        client = _through(dev_server, Failing(errors.get))
        office = Office(it, database_url, client)
        async with office.pool:
            await office.held("stripe", ACCOUNT, *(_event(f"in_{number}") for number in (1, 2, 3)))
            async with engine.begin() as connection:
                last = select(func.min(inbox.c.id)).scalar_subquery()
                await connection.execute(update(inbox).where(inbox.c.id == last).values(attempts=6))
            assert await office.relay.take_bills() == 3
            assert await office.rows() == [
                ("held", "waits: unavailable"),
                ("held", "waits: RuntimeError"),
                ("handled", "accepted"),
            ]
            async with engine.connect() as connection:
                query = select(inbox.c.next_attempt_at).order_by(inbox.c.id).limit(2)
                often, once = (await connection.execute(query)).scalars()
            assert often - once > timedelta(seconds=60)
            await _due(engine)
            errors.clear()
            assert await office.relay.take_bills() == 2
            assert await office.rows() == [("handled", "accepted")] * 3
        for number in (1, 2, 3):
            run = dev_server.get_workflow_handle(invoice_id(ACCOUNT, f"in_{number}"))
            assert (await run.describe()).id == run.id


async def test_a_receipt_whose_start_fails_holds_up_no_other(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """The oldest fails, the next one is taken in the same look."""
    errors = {bank_receipt_id("US01", "LATER-1"): _rpc(RPCStatusCode.INVALID_ARGUMENT)}
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, _through(dev_server, Failing(errors.get)))
        receipts = (
            BankReceipt(
                seller="US01",
                source=f"LATER-{number}",
                amount=Money.of("1.00", "USD"),
                value_date=START,
                actor="clara",
            ).model_dump_json()
            for number in (1, 2)
        )
        async with office.pool:
            await office.held("bank", "US01", *receipts)
            assert await office.relay.take_receipts() == 2
            assert await office.rows() == [
                ("held", "waits: invalid_argument"),
                ("handled", "accepted"),
            ]
            assert await office.relay.take_receipts() == 0
        run = dev_server.get_workflow_handle(bank_receipt_id("US01", "LATER-2"))
        assert (await run.describe()).id == run.id


async def test_a_start_whose_answer_is_lost_is_told_again_and_has_its_effect_once(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """The server had it: the run may even be over when it is told a second time."""
    lost: list[str] = []

    def once(workflow_id: str) -> Exception | None:
        if workflow_id in lost:
            return None
        lost.append(workflow_id)
        return _rpc(RPCStatusCode.DEADLINE_EXCEEDED)

    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, _through(dev_server, Failing(once, after=True)))
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key.replace('-', '')}", START)
        bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        key = invoice_id(contract.billing_account, bill.ref.native_id)
        async with office.pool:
            await office.held("stripe", contract.billing_account, _event(bill.ref.native_id))
            assert await office.relay.take_bills() == 1
            assert await office.rows() == [("held", "waits: deadline_exceeded")]
            assert await dev_server.get_workflow_handle(key).result() == "paid"
            await _due(engine)
            assert await office.relay.take_bills() == 1
            assert await office.rows() == [("handled", "accepted")]
        assert lost == [key]
        assert await dev_server.get_workflow_handle(key).result() == "paid"
        after = balances(it, contract.erp_company)
        assert after["1050"] == bill.gross.amount
        assert "1100" not in after
        assert it.world.calls["erp.post_invoice"] == 1
        assert it.world.calls["erp.apply_receipt"] == 1
        for kind in ("invoice.posted", "payment.succeeded"):
            assert len(await told(it, contract.key, kind)) == 1
