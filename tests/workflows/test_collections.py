"""The pursuit of an overdue invoice in virtual time (PF-16, SN-4): stages on their days, payment at
any of them, promises, two invoices of one contract, and what no event told.
"""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.collections_inputs import OrderKind
from dealthread.domain.case import DecisionKind
from dealthread.domain.documents import EntitlementState
from dealthread.domain.money import Money
from tests.support.overdue import Debt, owed

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACTIVE, SUSPENDED = EntitlementState.ACTIVE, EntitlementState.SUSPENDED
GROSS = Money.of("15891.00", "USD")
"""D1's first invoice (facts/domain.md §9.6)."""


async def test_an_overdue_invoice_is_pursued_suspended_paid_and_restored(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """From its due date on, by the policy of US01; the payment is told by one event."""
    async with owed(skipping_server, engine) as debt:
        await debt.news()
        await debt.go_to(date(2026, 1, 2))
        opened = await debt.until(lambda found: found.state == "open")
        assert (opened.amount_due, opened.due_date) == (GROSS, date(2026, 1, 1))
        await debt.go_to(date(2026, 1, 4))
        await debt.at_stage(1)
        assert await debt.access() is ACTIVE
        await debt.go_to(date(2026, 1, 18))
        suspended = await debt.at_stage(3)
        assert suspended.suspended
        assert await debt.access() is SUSPENDED
        debt.pay()
        await debt.news()
        assert await debt.ended() == "paid"
        closed = await debt.until(lambda found: found.state == "closed")
        assert (closed.outcome, closed.suspended) == ("paid", False)
        assert await debt.access() is ACTIVE
        assert [one["change"] for one in await debt.told("entitlement.changed")] == [
            "suspended",
            "restored",
        ]
        told = await debt.told("collections")
        kinds = [one["type"] for one in told]
        assert kinds == ["started", "changed", "changed", "changed", "ended"]
        assert [one.get("notice") for one in told] == [
            None,
            "payment_reminder",
            "final_notice",
            "suspension_notice",
            None,
        ]
        assert [one.get("escalate") for one in told][1:4] == [False, True, False]


async def test_a_payment_at_any_stage_stops_the_rest_and_restores_when_no_other_invoice_holds(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Four invoices of one contract, each paid at another stage; two of them had it suspended."""
    async with owed(skipping_server, engine) as debt:
        first, second, third, fourth = debt, debt.another(), debt.another(), debt.another()
        for one in (first, second, third, fourth):
            await one.pursue()
        for one, day, stage in ((first, 4, 1), (second, 11, 2), (third, 18, 3)):
            await debt.go_to(date(2026, 1, day))
            await one.at_stage(stage)
            if one is third:
                assert await debt.access() is SUSPENDED
            one.pay()
            await one.heard()
            assert await one.ended() == "paid"
            closed = await one.until(lambda found: found.state == "closed")
            assert (closed.stage, closed.outcome) == (stage, "paid")
        assert await debt.access() is SUSPENDED, "the fourth still holds it"
        await debt.go_to(date(2026, 1, 31))
        await fourth.until(lambda found: found.state == "with_person")
        case = await debt.it.case_of(debt.contract.key, kind="collections.final_stage")
        assert (case.queue, case.money_at_risk) == ("collections", GROSS)
        fourth.pay()
        await debt.go_to(date(2026, 2, 2))  # no event tells it: it is read back daily
        assert await fourth.ended() == "paid"
        assert await debt.access() is ACTIVE
        settled = await debt.it.cases.show(case.case_id)
        assert (settled.state, settled.decision) == ("decided", None), "nobody needs to decide it"
        changes = [one["change"] for one in await debt.told("entitlement.changed")]
        assert changes.count("restored") == 1, "told once it may be used again"


async def test_at_the_last_stage_a_person_gives_time_then_hands_over_and_a_late_payment_restores(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The payment comes without an event: it is found by reading back."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 31))
        await debt.until(lambda found: found.state == "with_person")
        case = await debt.it.case_of(debt.contract.key)
        await debt.it.decide(case, DecisionKind.EXTEND, until=date(2026, 2, 10))
        paused = await debt.until(lambda found: found.state == "paused")
        assert paused.promised_until == date(2026, 2, 10)
        await debt.go_to(date(2026, 2, 11))
        case = await debt.it.case_of(debt.contract.key, version=2)
        await debt.it.decide(case, DecisionKind.HAND_OVER)
        handed = await debt.until(lambda found: found.state == "handed_over")
        assert handed.suspended
        debt.pay()
        await debt.go_to(date(2026, 3, 14))
        assert await debt.ended() == "paid"
        assert await debt.access() is ACTIVE
        ends = [one["outcome"] for one in await debt.told("collections") if "outcome" in one]
        assert ends == ["handed_over", "paid"]


async def test_a_promise_pauses_and_a_broken_one_goes_on_where_it_stood(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Stages keep their distance: nobody is warned and suspended on the same day."""
    async with owed(skipping_server, engine) as debt:
        kept = debt.another()
        for one in (debt, kept):
            await one.pursue()
        await debt.go_to(date(2026, 1, 5))
        assert await refusal_of(debt, OrderKind.RESUME) == "not_paused"
        assert await refusal_of(debt, OrderKind.PROMISE, date(2026, 1, 4)) == "date_is_past"
        assert await refusal_of(debt, OrderKind.PROMISE, date(2026, 3, 1)) == "promise_too_long"
        for one in (debt, kept):
            await one.order(OrderKind.PROMISE, date(2026, 1, 25), "transfer is on its way")
            held = await one.until(lambda found: found.state == "paused")
            assert held.promised_until == date(2026, 1, 25)
        kept.pay()
        await debt.go_to(date(2026, 1, 25))
        assert ((await debt.stands()) or held).stage == 1, "the final notice of the 11th waits"
        await debt.go_to(date(2026, 1, 26))
        broken = await debt.at_stage(2)
        assert (broken.state, broken.suspended) == ("open", False)
        assert await kept.ended() == "paid"
        assert await debt.access() is ACTIVE
        await debt.go_to(date(2026, 2, 1))
        assert ((await debt.stands()) or held).stage == 2, "seven days after the final notice"
        await debt.go_to(date(2026, 2, 2))
        assert (await debt.at_stage(3)).suspended
        await debt.order(OrderKind.PROMISE, date(2026, 2, 3))
        await debt.until(lambda found: found.state == "paused")
        assert await debt.access() is SUSPENDED, "a promise is no payment"
        await debt.order(OrderKind.RESUME)
        await debt.until(lambda found: found.state == "open")
        assert await refusal_of(debt, OrderKind.PROMISE, date(2026, 2, 9)) == "promises_used_up"


async def refusal_of(debt: Debt, kind: OrderKind, until: date | None = None) -> str:
    """The code with which an order is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await debt.order(kind, until)
    cause = refused.value.cause
    assert isinstance(cause, ApplicationError)
    return str(cause.details[0])
