"""A person's credit on an invoice (PF-09): one credit note, one credit memo that names what it
corrects, the CRM, one event; through every fault, and nothing where it is refused."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.invoice_inputs import InvoiceInput
from dealthread.domain.bill import Bill
from dealthread.domain.case import DecisionKind
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.naming import WORKFLOW_QUEUE, invoice_id
from tests.fakes.world import Fault, settled
from tests.support.credit_lab import balances, credit, invoiced, outcome_of, told_of_credits
from tests.support.invoice_lab import news, until
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import lab
from workflows.invoice_to_cash import InvoiceToCashWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START = date(2026, 1, 1)
ACTS = ("billing.credit_invoice", "erp.post_credit_memo", "crm.mirror_invoice")


async def test_a_paid_invoice_is_credited_to_the_balance_in_every_system(
    client: Client, engine: AsyncEngine
) -> None:
    """500.00 and 33.00 (6.6 %): 2300 and 2110 against 2210; the invoice stays paid."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        handle = await credit(it, contract, bill, "500.00")
        assert await handle.result() == "completed"
        assert balances(it, contract.erp_company) == {
            "1050": Decimal("15891.00"),
            "2300": Decimal("-14500.00"),
            "2110": Decimal("-858.00"),
            "2210": Decimal("-533.00"),
        }
        (memo,) = it.billing.bills[bill.ref.native_id].credit_memos
        assert memo.forms == {CreditForm.BALANCE: Money.of("533.00", "USD")}
        told = await told_of_credits(it, contract)
        assert [(one["corrects_invoice"], one["reason"], one["total"]) for one in told] == [
            (bill.number, "service", "533.00")
        ]
        shown = it.crm.invoices[bill.ref]
        assert shown.status == "paid"
        assert [
            (one.credit, one.number, str(one.gross.amount), one.reason, one.is_void)
            for one in shown.credits
        ] == [(memo.ref, memo.number, "533.00", "service", False)]
        assert await outcome_of(it, handle) == "completed"


async def test_an_open_invoice_whose_run_waits_is_lowered_and_posted_once(
    client: Client, engine: AsyncEngine
) -> None:
    """The biller's own event tells of the credit too, at the same time and afterwards."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it, is_paid=False)

        async def event() -> None:
            await it.client.start_workflow(
                InvoiceToCashWorkflow.run,
                InvoiceInput(
                    billing_account=bill.ref.account,
                    invoice_id=bill.ref.native_id,
                    business_offset_seconds=it.offset_seconds(),
                ),
                id=invoice_id(bill.ref.account, bill.ref.native_id),
                task_queue=WORKFLOW_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal="news",
            )

        await event()
        handle = await credit(it, contract, bill, "500.00")
        await asyncio.gather(*(event() for _ in range(3)))
        assert await handle.result() == "completed"
        await event()
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("15358.00"),
            "2300": Decimal("-14500.00"),
            "2110": Decimal("-858.00"),
        }
        assert it.world.calls["erp.post_credit_memo"] == 1


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_credits_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: one credit note, one credit memo, however often the answer was lost."""
    async with lab(client, engine, START) as it:
        for act in ACTS:
            contract, bill = await invoiced(it)
            before = balances(it, contract.erp_company)
            it.world.calls.clear()
            it.world.retry_after = it.world.retry_after / 100
            it.world.plan(act, fault)
            handle = await credit(it, contract, bill, "500.00", refund=True)
            assert await handle.result() == "completed"
            await settled(it.world)
            (memo,) = it.billing.bills[bill.ref.native_id].credit_memos
            assert memo.forms == {CreditForm.REFUND: Money.of("533.00", "USD")}
            after = balances(it, contract.erp_company)
            deferred = after["2300"] - before.get("2300", Decimal(0))
            assert deferred == Decimal("-14500.00"), act

            def shown(bill: Bill = bill) -> list[str]:
                mirror = it.crm.invoices.get(bill.ref)
                return [one.number for one in mirror.credits] if mirror is not None else []

            await until(lambda: shown() == [memo.number])  # noqa: B023 - awaited here
            it.world.heal()


async def test_a_credit_above_the_limit_waits_for_a_second_person(
    client: Client, engine: AsyncEngine
) -> None:
    """2,000.00 and 132.00 are above 1,000.00. Rejected, nothing is written anywhere; approved, it
    is given."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        for decision, ended in (
            (DecisionKind.REJECT, "compensated"),
            (DecisionKind.APPROVE, "completed"),
        ):
            effects = list(it.world.effects)
            handle = await credit(it, contract, bill, "2000.00", f"s-{decision}")
            case = await it.case_of(contract.key)
            assert (case.kind, case.requested_by) == ("deal.approval", "olaf")
            assert case.money_at_risk == Money.of("2132.00", "USD")
            assert it.world.effects == effects
            await it.decide(case, decision)
            assert await handle.result() == ended
            assert await outcome_of(it, handle) == ended
        assert len(it.billing.bills[bill.ref.native_id].credit_memos) == 1
        assert balances(it, contract.erp_company)["2300"] == Decimal("-13000.00")


async def test_a_credit_that_is_cancelled_while_it_waits_leaves_no_trace(
    client: Client, engine: AsyncEngine
) -> None:
    """By an operator, before anybody has agreed."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        handle = await credit(it, contract, bill, "2000.00")
        await it.case_of(contract.key)
        effects = list(it.world.effects)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        assert isinstance(ended.value.cause, CancelledError)
        assert it.world.effects == effects
        assert await outcome_of(it, handle) == "cancelled"


async def test_an_invoice_that_was_credited_meanwhile_is_put_before_a_person(
    client: Client, engine: AsyncEngine
) -> None:
    """Somebody credited all of it at the biller since: stopped, it leaves no trace."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        seats = Money.of("13500.00", "USD")
        it.billing.credit(
            bill.ref.native_id, seats, Money.of("891.00", "USD"), START, CreditForm.BALANCE
        )
        handle = await credit(it, contract, bill, "500.00")
        case = await it.case_of(contract.key)
        assert (case.kind, case.code) == ("billing.rejected", "nothing_left_on_line")
        effects = list(it.world.effects)
        await it.decide(case, DecisionKind.ABORT)
        assert await handle.result() == "compensated"
        assert it.world.effects == effects


async def test_a_refusal_of_the_biller_is_a_case_and_goes_on_once_corrected(
    client: Client, engine: AsyncEngine
) -> None:
    """The same order, under the same key; the ledger's refusal is a case of the invoice's run."""
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        it.world.calls.clear()
        it.world.plan("billing.credit_invoice", Fault.REJECTED, case_kind="billing.rejected")
        it.world.plan("erp.post_credit_memo", Fault.REJECTED)
        handle = await credit(it, contract, bill, "500.00")
        case = await it.case_of(contract.key, kind="billing.rejected")
        assert case.workflow_id == handle.id
        await it.decide(case, DecisionKind.RETRY)
        case = await it.case_of(contract.key, kind="erp.rejected")
        assert case.workflow_id == invoice_id(bill.ref.account, bill.ref.native_id)
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "completed"
        assert balances(it, contract.erp_company)["2210"] == Decimal("-533.00")


async def test_a_credit_that_the_biller_takes_back_is_awaited_no_longer(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The ledger refuses it for good, nobody decides, and no message tells that it was voided: a
    look that comes by itself ends the credit's waiting. News of the invoice end the case."""
    client = skipping_server.client
    async with lab(client, engine, START) as it:
        contract, bill = await invoiced(it)
        it.world.plan("erp.post_credit_memo", Fault.REJECTED, times=0)
        handle = await credit(it, contract, bill, "500.00")
        case = await it.case_of(contract.key, kind="erp.rejected")
        native_id = bill.ref.native_id
        given = it.billing.bills[native_id].credit_memos
        voided = tuple(one.model_copy(update={"voided_on": START}) for one in given)
        it.billing.bills[native_id] = bill.model_copy(update={"voided_credits": voided})
        assert await handle.result() == "completed"
        assert await (await news(client, bill)).result() == "paid"
        assert (await it.cases.show(case.case_id)).decision is None
        assert await it.open_case(contract.key) is None
        assert it.world.calls["erp.post_credit_memo"] == 1
        assert balances(it, contract.erp_company) == {
            "1050": Decimal("15891.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
