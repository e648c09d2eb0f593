"""PF-08, PF-16: an invoice whose part payment is disputed is not pursued while the bank decides.

A pursuit that is there rests; one that would begin meanwhile rests from its first day. Only the
dispute's own end, or a person, lets it go on.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.collections_inputs import OrderKind
from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.dispute import Dispute, DisputedPayment, DisputeStatus
from dealthread.domain.money import Money
from tests.support.dispute_runs import told_of
from tests.support.invoice_lab import ref_of
from tests.support.overdue import Debt, ended, owed
from workflows.dispute_to_end import DisputeToEndWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

PART, NOUGHT = Money.of("5000.00", "USD"), Money.of("0.00", "USD")
OPENED, WON = date(2026, 1, 1), date(2026, 1, 9)
LEFT = Money.of("10891.00", "USD")
"""Of D1's 15,891.00: overdue, and nobody's dispute."""


async def _disputed(debt: Debt) -> WorkflowHandle[DisputeToEndWorkflow, str]:
    """A third of it was paid by card, and the card's bank takes that back."""
    debt.it.billing.pay(debt.invoice, PART, OPENED, PaymentWay.PROCESSOR)
    native_id = f"du_{debt.invoice}"
    debt.it.billing.disputes[native_id] = Dispute(
        ref=ref_of(debt.account, "dispute", native_id),
        status=DisputeStatus.OPEN,
        amount=PART,
        reason="fraudulent",
        withdrawn=PART,
        reinstated=NOUGHT,
        fee=NOUGHT,
        fee_returned=NOUGHT,
        opened_on=OPENED,
        evidence_due=datetime(2026, 6, 1, tzinfo=UTC),
        invoice_id=debt.invoice,
        payment_id=debt.bill.payments[0].ref.native_id,
    )
    handle = await _told(debt)
    # Once a person is asked, everybody has heard of it.
    await debt.it.case_of(debt.contract.key, kind="cash.disputed")
    return handle


async def _told(debt: Debt) -> WorkflowHandle[DisputeToEndWorkflow, str]:
    native_id = f"du_{debt.invoice}"
    return await told_of(debt.it, native_id, debt.account, debt.offset())


async def _won(debt: Debt) -> None:
    native_id = f"du_{debt.invoice}"
    made = debt.it.billing.disputes[native_id]
    debt.it.billing.disputes[native_id] = made.model_copy(
        update={"status": DisputeStatus.WON, "reinstated": PART, "reinstated_on": WON}
    )
    await _told(debt)


async def _decided(debt: Debt) -> None:
    """Evidence is given: nobody is asked any more while the bank thinks."""
    case = await debt.it.case_of(debt.contract.key, kind="cash.disputed")
    await debt.it.decide(case, DecisionKind.APPROVE)


async def test_a_pursuit_rests_while_the_bank_decides_and_goes_on_when_it_is_won(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Stages that were due meanwhile come one after another from there on."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 5))
        await debt.at_stage(1)
        handle = await _disputed(debt)
        held = await debt.until(lambda found: found.state == "paused")
        assert (held.reason, held.promised_until) == (f"pause: disputed: du_{debt.invoice}", None)
        await _decided(debt)
        await debt.go_to(date(2026, 1, 20))
        still = await debt.until(lambda found: found.state == "paused")
        assert (still.stage, still.suspended, still.amount_due) == (1, False, LEFT)
        await _won(debt)
        assert await ended(handle) == "won"
        await debt.until(lambda found: found.state == "open")
        await debt.go_to(date(2026, 1, 21))
        await debt.at_stage(2)


async def test_a_pursuit_that_begins_while_the_bank_decides_rests_from_its_first_day(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The dispute was there first: no notice goes out, and nothing is withheld."""
    async with owed(skipping_server, engine) as debt:
        handle = await _disputed(debt)
        await _decided(debt)
        await debt.news()  # the invoice's own run would begin the pursuit on its day
        await debt.go_to(date(2026, 1, 12))
        held = await debt.until(lambda found: found.state == "paused")
        assert (held.stage, held.reason) == (0, f"pause: disputed: du_{debt.invoice}")
        await _won(debt)
        assert await ended(handle) == "won"
        await debt.until(lambda found: found.state == "open")
        await debt.go_to(date(2026, 1, 13))
        await debt.at_stage(1)
        told = await debt.told("collections")
        assert [one.get("notice") for one in told if one["type"] == "changed"] == [
            "",
            "",
            "payment_reminder",
        ]


async def test_the_end_of_a_dispute_lifts_no_pause_of_a_person(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """Who paused it for another reason has to resume it."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 5))
        await debt.at_stage(1)
        handle = await _disputed(debt)
        await debt.until(lambda found: found.state == "paused")
        await debt.order(OrderKind.PAUSE, reason="their books are audited")
        await debt.until(lambda found: "audited" in found.reason)
        await _won(debt)
        assert await ended(handle) == "won"
        await debt.quiet()
        still = await debt.stands()
        assert still is not None
        assert (still.state, still.reason) == ("paused", "pause: their books are audited")


async def test_a_pursuit_that_a_person_has_stopped_is_not_begun_by_a_dispute(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """What is left of the invoice is nobody's to pursue, before the dispute and after it."""
    async with owed(skipping_server, engine) as debt:
        await debt.pursue()
        await debt.go_to(date(2026, 1, 5))
        await debt.at_stage(1)
        await debt.order(OrderKind.STOP, reason="settled in court")
        assert await debt.ended() == "stopped"
        handle = await _disputed(debt)
        await _won(debt)
        assert await ended(handle) == "won"
        stands = await debt.stands()
        assert stands is not None
        assert (stands.state, stands.outcome) == ("closed", "stopped")


async def test_each_invoice_of_a_payment_of_several_rests_that_the_dispute_reaches(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """One payment of 5,000.00 of each of three invoices, of which 8,000.00 are disputed: the two
    newest rest, and go on when it is won; the oldest is pursued all the while."""
    async with owed(skipping_server, engine) as debt:
        debts = (debt, debt.another(), debt.another())
        for one in debts:
            await one.pursue()
        await debt.go_to(date(2026, 1, 5))
        for one in debts:
            await one.at_stage(1)
            debt.it.billing.pay(one.invoice, PART, OPENED, PaymentWay.PROCESSOR)
        native_id, taken = f"du_{debt.invoice}", Money.of("8000.00", "USD")
        debt.it.billing.disputes[native_id] = Dispute(
            ref=ref_of(debt.account, "dispute", native_id),
            status=DisputeStatus.OPEN,
            amount=taken,
            reason="fraudulent",
            withdrawn=taken,
            reinstated=NOUGHT,
            fee=NOUGHT,
            fee_returned=NOUGHT,
            opened_on=OPENED,
            is_of_several=True,
            several=tuple(
                DisputedPayment(
                    invoice_id=one.invoice, payment_id=one.bill.payments[0].ref.native_id
                )
                for one in debts
            ),
        )
        handle = await _told(debt)
        await _decided(debt)
        for one in debts[1:]:
            await one.until(lambda found: found.state == "paused")
        oldest = await debt.stands()
        assert oldest is not None
        assert oldest.state == "open"
        won = {"status": DisputeStatus.WON, "reinstated": taken, "reinstated_on": WON}
        made = debt.it.billing.disputes[native_id]
        debt.it.billing.disputes[native_id] = made.model_copy(update=won)
        await _told(debt)
        assert await ended(handle) == "won"
        for one in debts[1:]:
            await one.until(lambda found: found.state == "open")
