"""An existing book becomes contracts of ours: one deal from proposal to its next month, its open
invoice and its renewal; killed halfway, changed meanwhile, refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import PaymentWay
from dealthread.domain.documents import CreditForm
from dealthread.domain.transaction import ChangeKind, ChangeOutcome
from dealthread.store.amount_sources import AmountSources
from dealthread.store.closing import PostgresClosing
from dealthread.store.schema import revenue_schedule
from tests.fakes.bills import credited
from tests.fakes.world import Fault
from tests.support.change_lab import change, on
from tests.support.change_orders import seats as more_seats
from tests.support.closing_lab import closed
from tests.support.invoice_lab import balances, mirrored, news, paid_bill, standing, until
from tests.support.old_book import (
    ACCOUNT,
    bill,
    item,
    party,
    usd,
)
from tests.support.old_company import SEPTEMBER, old_bill, old_company
from tests.support.recognition_lab import begun

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_a_contract_of_others_becomes_ours_and_goes_on_like_any_other(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """D1 of facts/domain.md §9.7: September's revenue is 1,027.40."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        plan = await old.propose()
        assert plan.is_tied
        assert (plan.contracts, plan.unmatched_count) == (1, 0)
        assert await old.counted() == 0
        assert it.world.effects == []
        assert (await old.approve(plan)).written == 1
        contract = await old.active()

        async with engine.connect() as connection:
            rows = (
                await connection.execute(
                    select(revenue_schedule).order_by(revenue_schedule.c.month)
                )
            ).all()
        assert [(row.month.month, str(row.amount.normalize())) for row in rows] == [
            (9, "1027.4"),
            (10, "1061.64"),
            (11, "1027.4"),
            (12, "1061.66"),
        ]
        # References only: nothing was posted, nothing billed.
        assert sorted(method for method, _ in it.world.effects) == [
            "billing.take_over",
            "crm.record_contract",
            "erp.take_over_customer",
        ]
        assert len(it.erp.ledger.entries) == 4
        assert (await it.changes.agreement(contract.key)) is not None
        opening = (await standing(it, contract, date(2026, 8, 31))).position
        assert [
            str(one.amount)
            for one in (
                opening.sold,
                opening.billed,
                opening.recognised,
                opening.deferred,
                opening.receivable,
            )
        ] == ["15000.00", "15000.00", "10821.90", "4178.10", "15891.00"]

        # A message that the deal is won is no second sale.
        await old.office.webhook(old.deal, "m-late")
        await old.office.relayed()
        assert await old.office.outcome(old.deal) == ChangeOutcome.COMPLETED
        assert it.billing.live(contract.key)[0].ref.native_id == "sub_1"

        # The invoice that others posted is paid: the payment is applied, the invoice is not posted.
        due = old_bill(contract)
        paid = paid_bill(due, due.gross, SEPTEMBER, PaymentWay.BANK)
        it.billing.bills[due.ref.native_id] = paid
        for _ in range(2):
            assert await (await news(dev_server, paid)).result() == "paid"
        assert len(it.erp.ledger.entries) == 5
        assert it.erp.old.items["1", "9-AL-0007"].open_amount == usd("0.00")
        assert "1100" not in balances(it, "1")
        assert mirrored(it)[due.ref.native_id].status == "paid"

        # The month is recognised like any other.
        on(it, date(2026, 9, 30))
        ran = await (await begun(it, "US01", SEPTEMBER)).result()
        assert [str(one.amount.amount) for one in ran.entries] == ["1027.40"]
        after = await standing(it, contract, date(2026, 9, 30))
        assert str(after.position.deferred) == "3,150.70 USD"
        assert after.differences == ()
        assert balances(it, "1")["2300"] == Decimal("-3150.70")


async def test_the_first_month_after_an_adoption_closes(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """T1 to T15 hold with what the contract brought along; its invoice is still unpaid."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        await old.approve(await old.propose())
        contract = await old.active()
        on(it, date(2026, 9, 30))
        it.billing.bills[old_bill(contract).ref.native_id] = old_bill(contract)
        result = await closed(it, "US01", SEPTEMBER)
        assert result.outcome == "closed", result
        found = await PostgresClosing(engine).evidence("US01", SEPTEMBER)
        assert found is not None
        assert [one.identity for one in found[1].answers if not one.is_tied] == []
        assert balances(it, "1")["2300"] == Decimal("-3150.70")


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.LATE, Fault.REFUSED])
async def test_an_open_invoice_of_before_is_paid_in_parts_and_the_month_closes(
    dev_server: Client, engine: AsyncEngine, database_url: str, fault: Fault | None
) -> None:
    """5,000.00 were paid and applied before the contract was ours, 10,891.00 are paid since: each
    is applied once, though an answer is lost. T1 to T15 hold."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        left = usd("10891.00")
        it.billing.account(ACCOUNT).open_bills["in_AL-0007"] = bill(left="10891.00")
        it.erp.old.items["1", "9-AL-0007"] = item(left="10891.00")
        it.erp.enter_by_hand("1", date(2026, 6, 1), "1000", "1100", usd("5000.00"))
        plan = await old.propose()
        assert plan.is_tied
        await old.approve(plan)
        contract = await old.active()
        due = paid_bill(old_bill(contract), usd("5000.00"), date(2026, 6, 1), PaymentWay.BANK)
        it.billing.bills[due.ref.native_id] = due
        handle = await news(dev_server, due)
        await until(lambda: due.ref.native_id in mirrored(it))
        assert it.world.calls["erp.apply_receipt"] == 0
        assert (await standing(it, contract, date(2026, 9, 1))).differences == ()

        if fault is not None:
            it.world.plan("erp.apply_receipt", fault)
        on(it, date(2026, 9, 10))
        for amount in (usd("891.00"), usd("10000.00")):
            due = paid_bill(due, amount, date(2026, 9, 10), PaymentWay.BANK)
            it.billing.bills[due.ref.native_id] = due
            left = left - amount
            await news(dev_server, due)
            await until(lambda left=left: it.erp.old.items["1", "9-AL-0007"].open_amount == left)
        assert await handle.result() == "paid"
        assert "1100" not in balances(it, "1")

        on(it, date(2026, 9, 30))
        position = await standing(it, contract, date(2026, 9, 30))
        assert [one.kind for one in position.differences] == ["revenue_not_posted"]
        result = await closed(it, "US01", SEPTEMBER)
        assert result.outcome == "closed", result
        found = await PostgresClosing(engine).evidence("US01", SEPTEMBER)
        assert found is not None
        assert [one.identity for one in found[1].answers if not one.is_tied] == []


async def test_what_was_credited_on_an_invoice_of_before_is_left_to_people(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """The ledger's own document cannot be named by ours: nothing of it is touched."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        await old.approve(await old.propose())
        contract = await old.active()
        due = credited(
            old_bill(contract), usd("100.00"), usd("0.00"), SEPTEMBER, CreditForm.OPEN_INVOICE
        )
        it.billing.bills[due.ref.native_id] = due
        said = await (await news(dev_server, due)).result()
        assert said == "billed before the contract was ours"
        assert len(it.erp.ledger.entries) == 4


async def test_an_adopted_contract_takes_an_amendment(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Ten more seats from October on: 270.00 × 10 × 92 ÷ 365 = 680.55 more to recognise."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        await old.approve(await old.propose())
        contract = await old.active()
        day = date(2026, 10, 1)
        on(it, day)
        order = more_seats(contract, 60, day)
        handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
        result = await handle.result()
        assert result.outcome is ChangeOutcome.COMPLETED
        present = await it.contracts.read(contract.key)
        assert present is not None
        assert present.version == 2
        rows = await it.contracts.schedule(contract.key)
        by_month: dict[date, Decimal] = {}
        for row in rows:
            by_month[row.month] = by_month.get(row.month, Decimal(0)) + row.amount.amount
        assert min(by_month) == SEPTEMBER
        assert by_month[SEPTEMBER] == Decimal("1027.40")
        assert sum(by_month.values()) == Decimal("4178.10") + Decimal("680.55")


async def test_what_changed_since_it_was_shown_is_not_carried_out(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with old_company(dev_server, engine, database_url) as old:
        plan = await old.propose()
        held = old.it.billing.account(ACCOUNT)
        held.open_bills["in_AL-0007"] = bill(left="15890.00")
        refused = await old.approve(plan)
        assert (refused.refused, await old.counted()) == ("systems_changed", 0)
        other = plan.model_copy(update={"digest": "0" * 64})
        assert (await old.approve(other)).refused == "another_plan"
        held.open_bills["in_AL-0007"] = bill()
        again = await old.propose()
        assert again.plan_id == plan.plan_id
        assert (await old.approve(again)).written == 1


async def test_an_opening_that_is_not_the_ledgers_is_refused(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with old_company(dev_server, engine, database_url) as old:
        old.it.erp.enter_by_hand("1", date(2026, 8, 31), "2300", "4000", usd("0.01"))
        plan = await old.propose()
        assert not plan.is_tied
        assert [str(one.difference.amount) for one in plan.totals] == ["-0.01", "0.00"]
        refused = await old.approve(plan)
        assert (refused.refused, await old.counted()) == ("opening_differs", 0)


@pytest.mark.parametrize(
    "method", ["billing.take_over", "erp.take_over_customer", "crm.record_contract"]
)
async def test_a_lost_answer_while_references_are_put_on_changes_nothing(
    dev_server: Client, engine: AsyncEngine, database_url: str, method: str
) -> None:
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        plan = await old.propose()
        it.world.plan(method, Fault.LOST)
        await old.approve(plan)
        contract = await old.active()
        assert it.world.did(contract.key, contract.customer_key).count(method) <= 1
        held = it.billing.account(ACCOUNT)
        assert held.subscriptions["sub_1"].contract_key == contract.key
        assert it.erp.old.parties["1", "17"].customer_key == contract.customer_key
        assert it.crm.statuses[old.deal.deal_id] == "active"


async def test_carried_out_twice_and_after_a_kill_it_is_the_same(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Between the approval and the writing everybody dies; the plan goes on where it stopped."""
    async with old_company(dev_server, engine, database_url) as old:
        plan = await old.propose()
        assert await old.store.approve(plan.plan_id, plan.digest, "ben")
        await old.it.workers.stop()
        await old.it.workers.start()
        # The systems may have changed since: what was approved is carried out.
        old.it.billing.account(ACCOUNT).open_bills.clear()
        assert (await old.approve(plan)).written == 1
        assert (await old.approve(plan)).written == 1
        await old.active()
        kept = await old.store.plan(plan.plan_id)
        assert (kept.state, kept.written, kept.settled, kept.approved_by) == ("done", 1, 1, "ben")
        assert (await old.rests())["due"].startswith("renewal-notice:")
        assert await AmountSources(engine).missing() == []
        assert (await old.propose()).contracts == 0


async def test_a_record_that_carries_another_reference_waits_for_a_person(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with old_company(dev_server, engine, database_url) as old:
        plan = await old.propose()
        await old.approve(plan)
        old.it.erp.old.parties["1", "17"] = party(customer_key="A-SOMEBODYELSES")
        await old.office.relayed()
        case = await old.it.case_of(old.key)
        assert case.kind == "customer.sync_failed"
        assert "reference_of_another" in str(case.model_dump())
