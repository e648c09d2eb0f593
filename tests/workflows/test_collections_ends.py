"""How a pursuit ends otherwise than by a payment, how it begins, and what goes wrong on its way
(PF-16, SN-4, RS-01): in virtual time.
"""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.collections_inputs import OrderKind
from dealthread.domain.case import DecisionKind
from dealthread.domain.documents import CreditForm, EntitlementState
from dealthread.domain.events import EventType
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.world import Fault, settled
from tests.support.overdue import owed
from tests.support.saga_ends import TRANSIENT

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACTIVE, SUSPENDED = EntitlementState.ACTIVE, EntitlementState.SUSPENDED


async def test_what_is_credited_voided_stopped_or_cancelled_ends_and_gives_back(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Each had suspended the contract; with the last of them the service is back."""
    async with owed(skipping_server, engine) as debt:
        credited, voided, stopped = debt.another(), debt.another(), debt.another()
        for one in (debt, credited, voided, stopped):
            await one.pursue()
        await debt.go_to(date(2026, 1, 18))
        for one in (debt, credited, voided, stopped):
            await one.at_stage(3)
        net, tax = credited.bill.net, credited.bill.tax
        day = date(2026, 1, 18)
        debt.it.billing.credit(credited.invoice, net, tax, day, CreditForm.OPEN_INVOICE)
        voided.becomes(InvoiceStatus.VOID)
        for one in (credited, voided):
            await one.heard()
        await stopped.order(OrderKind.STOP, reason="disputed by the customer")
        for one, outcome in ((credited, "credited"), (voided, "voided"), (stopped, "stopped")):
            assert await one.ended() == outcome
            closed = await one.until(lambda found: found.state == "closed")
            assert (closed.outcome, closed.suspended) == (outcome, False)
        assert closed.reason == "stop: disputed by the customer"
        assert await debt.access() is SUSPENDED
        await debt.pursuing().cancel()
        assert await debt.ended() == "stopped"
        assert await debt.access() is ACTIVE


@pytest.mark.tells(
    EventType.COLLECTIONS_STARTED,
    EventType.COLLECTIONS_CHANGED,
    EventType.COLLECTIONS_ENDED,
    EventType.ENTITLEMENT_CHANGED,
)
async def test_an_invoice_that_was_pursued_before_is_suspended_again(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The second pursuit has a generation and keys of its own: nothing counts as done."""
    async with owed(skipping_server, engine) as debt:
        for generation, day in ((1, date(2026, 1, 18)), (2, date(2026, 2, 2))):
            await debt.pursue()
            await debt.go_to(day)
            found = await debt.until(lambda now: now.stage == 3 and now.suspended)
            assert found.generation == generation
            assert await debt.access() is SUSPENDED
            await debt.order(OrderKind.STOP)
            assert await debt.ended() == "stopped"
            assert await debt.access() is ACTIVE


async def test_a_run_that_was_ended_by_force_is_followed_by_one_that_goes_on_where_it_stood(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The same pursuit, no stage and no suspension twice; what was withheld is given back."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 18))
        await debt.at_stage(3)
        await debt.pursuing().terminate("by force")
        await debt.pursue()
        await debt.go_to(date(2026, 1, 30))
        await debt.at_stage(3)
        told = len(await debt.told("collections"))
        await debt.go_to(date(2026, 1, 31))
        last = await debt.until(lambda found: found.state == "with_person")
        assert (last.generation, last.stage, last.suspended) == (1, 4, True)
        assert len(await debt.told("collections")) == told + 1
        assert debt.it.world.did(debt.contract.key).count("entitlement.suspend") == 1
        debt.pay()
        await debt.heard()
        assert await debt.ended() == "paid"
        assert await debt.access() is ACTIVE


async def test_what_is_given_up_at_the_biller_is_pursued_no_further_and_may_still_be_paid(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 18))
        await debt.at_stage(3)
        debt.becomes(InvoiceStatus.UNCOLLECTIBLE)
        await debt.heard()
        await debt.until(lambda found: found.state == "written_off")
        assert await debt.access() is SUSPENDED
        await debt.go_to(date(2026, 2, 5))
        assert await debt.it.open_case(debt.contract.key) is None
        debt.pay()
        await debt.heard()
        assert await debt.ended() == "paid"
        assert await debt.access() is ACTIVE


@pytest.mark.tells(EventType.PAYMENT_FAILED)
async def test_a_failed_charge_begins_it_at_once_and_what_is_paid_in_time_is_never_pursued(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """SN-4: customer success hears on the day of the failure; partly paid, the rest is pursued."""
    async with owed(skipping_server, engine) as debt:
        in_time = debt.another()
        in_time.pay()
        await in_time.news()
        bill = debt.bill.model_copy(update={"failed_attempts": 1})
        debt.it.billing.bills[debt.invoice] = bill
        await debt.news()
        opened = await debt.until(lambda found: found.state == "open")
        assert opened.opened_at is not None
        assert opened.opened_at.date() == date(2026, 1, 1)
        assert [one["type"] for one in await debt.told("collections")] == ["started"]
        debt.pay(Money.of("5891.00", "USD"))
        await debt.go_to(date(2026, 1, 4))
        assert (await debt.at_stage(1)).amount_due == Money.of("10000.00", "USD")
        debt.pay()
        await debt.news()
        assert await debt.ended() == "paid"
        assert await in_time.stands() is None


ACTS = ("entitlement.suspend", "entitlement.restore", "crm.show_collections")


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_suspends_and_restores_once(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: whatever was lost on the way, one suspension and one restoration take effect."""
    async with owed(skipping_server, engine) as debt:
        debt.it.world.retry_after = debt.it.world.retry_after / 100
        await debt.pursue()
        await debt.go_to(date(2026, 1, 11))
        await debt.at_stage(2)
        debt.it.world.calls.clear()
        for act in ACTS:
            debt.it.world.plan(act, fault)
        debt.it.world.plan("billing.read_bill", Fault.REFUSED)
        await debt.go_to(date(2026, 1, 18))
        await debt.at_stage(3)
        await settled(debt.it.world)
        assert await debt.access() is SUSPENDED
        debt.pay()
        await debt.heard()
        assert await debt.ended() == "paid"
        await settled(debt.it.world)
        assert await debt.access() is ACTIVE
        done = debt.it.world.did(debt.contract.key)
        assert set(done) >= {"entitlement.suspend", "entitlement.restore"}
        assert [one["change"] for one in await debt.told("entitlement.changed")] == [
            "suspended",
            "restored",
        ]


async def test_paid_while_the_suspension_waits_for_a_person_nobody_is_suspended(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The service refuses the hold; when somebody retries days later, the invoice is read first."""
    async with owed(skipping_server, engine) as debt:
        debt.it.world.plan("entitlement.suspend", Fault.REJECTED, case_kind="entitlement.failed")
        await debt.pursue()
        await debt.go_to(date(2026, 1, 18))
        case = await debt.it.case_of(debt.contract.key)
        assert case.kind == "entitlement.failed"
        debt.pay()
        await debt.heard()
        await debt.it.decide(case, DecisionKind.RETRY)
        assert await debt.ended() == "paid"
        assert "entitlement.suspend" not in debt.it.world.did(debt.contract.key)
        assert await debt.access() is ACTIVE


async def test_a_crm_that_is_away_keeps_nobody_from_getting_the_service_back(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Paid while the CRM is away: restored at once, and the CRM told when it is back."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 11))
        await debt.at_stage(2)
        debt.it.world.plan("crm.show_collections", Fault.REFUSED, times=0)
        await debt.go_to(date(2026, 1, 18))
        assert await debt.access() is SUSPENDED
        assert debt.it.crm.collections[debt.bill.ref].stage == 2
        debt.pay()
        await debt.heard()
        for _ in range(400):
            if await debt.access() is ACTIVE:
                break
            await asyncio.sleep(0.02)
        assert await debt.access() is ACTIVE
        assert debt.it.crm.collections[debt.bill.ref].state == "open", "it is away still"
        debt.it.world.heal()
        assert await debt.ended() == "paid"
        assert debt.shown() == "paid"
