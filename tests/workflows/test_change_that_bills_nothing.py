"""A change that bills nothing has a pivot all the same: its first write that stands. And a bill
that differs from its preview is put before a person, whoever cancels meanwhile."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import ChangeTiming, RenewalDecision
from dealthread.domain.documents import ChangedAgreement
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, StepState
from dealthread.outcome import Done
from dealthread.ports.billing import ChangeAgreement
from tests.fakes.world import Fault
from tests.support.change_lab import change, on, sold
from tests.support.change_orders import cancellation, renewal, seats
from tests.support.deal_builder import d1
from tests.support.saga_ends import cancel
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START = date(2026, 1, 1)


@pytest.mark.parametrize("first_write", ["entitlement.grant", "crm.record_change"])
async def test_it_only_goes_forward_from_its_first_write(
    client: Client, engine: AsyncEngine, first_write: str
) -> None:
    """Neither the rights nor the CRM's record of an end have an undo."""
    async with lab(client, engine, START) as it:
        on(it, START)
        contract = await sold(it, fresh(d1()))
        before = it.world.did(contract.key, contract.customer_key)
        it.world.calls.clear()
        if first_write == "entitlement.grant":
            kind = ChangeKind.CANCELLATION
            order = cancellation(contract, START, timing=ChangeTiming.TERM_END)
        else:
            kind = ChangeKind.RENEWAL
            order = renewal(contract, START, RenewalDecision.DECLINE)
        it.world.plan(first_write, Fault.HANG)
        handle = await change(it, contract, kind, order.change_id, order)
        if kind is ChangeKind.CANCELLATION:
            await it.decide(await it.case_of(contract.key), DecisionKind.APPROVE, actor="ben")
        await it.world.hanging.wait()
        await cancel(handle)
        it.world.let_go.set()
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        did = it.world.did(contract.key, contract.customer_key)[len(before) :]
        assert did[0] == first_write
        assert did[-1] == "crm.record_change"
        assert "billing.change_agreement" not in did
        status = await handle.query("status")
        assert status["pivot_crossed"]


async def test_cancelling_while_a_bill_is_explained_undoes_nothing(
    client: Client, engine: AsyncEngine
) -> None:
    """The pivot is crossed long before: the person is waited for."""
    async with lab(client, engine, START) as it:
        on(it, START)
        contract = await sold(it, fresh(d1()))
        on(it, date(2026, 7, 1))
        order = seats(contract, 70, date(2026, 7, 1))
        billed = it.billing.change_agreement

        async def another_bill(command: ChangeAgreement, *, idempotency_key: str):
            made = await billed(command, idempotency_key=idempotency_key)
            value: ChangedAgreement = made.value
            assert value.invoice is not None
            more = value.invoice.model_copy(
                update={"gross": value.invoice.gross + Money.of("1.00", "USD")}
            )
            return Done(value.model_copy(update={"invoice": more}))

        it.billing.change_agreement = another_bill
        handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
        case = await it.case_of(contract.key, kind="billing.preview_not_kept")
        await cancel(handle)
        await it.decide(case, DecisionKind.RETRY)
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        ledger = await handle.query("ledger")
        assert {row["state"] for row in ledger} <= {StepState.DONE, StepState.SKIPPED}
