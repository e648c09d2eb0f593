"""The pursuit of an overdue invoice in virtual time (PF-16, SN-4): stages on their days, payment at
any of them, promises, two invoices of one contract, and what no event told.
"""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.documents import EntitlementState
from dealthread.domain.money import Money
from tests.support.overdue import owed

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
        assert await debt.pursuing().result() == "paid"
        closed = await debt.until(lambda found: found.state == "closed")
        assert (closed.outcome, closed.suspended) == ("paid", False)
        assert await debt.access() is ACTIVE
        assert [one["change"] for one in await debt.told("entitlement")] == [
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
