"""A person gives up what is open of an invoice: D3 to the cent, once; paid after all (PF-08)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle

from activities.write_off_inputs import RecoveryInput
from dealthread.cli import invoices as verbs
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeInput, ChangeKind, ChangeRequest, Environment
from dealthread.domain.write_off_order import WriteOffOrder
from dealthread.naming import WORKFLOW_QUEUE, recovery_id, write_off_id
from dealthread.store.bills import PostgresBills
from dealthread.store.schema import change_orders
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on, sold
from tests.support.credit_lab import outcome_of
from tests.support.deal_builder import d3
from tests.support.invoice_lab import balances, bill_of, mirrored, news, until
from tests.support.money_stories import billed
from tests.support.money_stories_abroad import JUNE, sold_abroad
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab
from tests.workflows.test_collections_people import process_api
from workflows.invoice_write_off import InvoiceWriteOffWorkflow, WriteOffRecoveryWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

APRIL, MAY, DECEMBER = date(2026, 4, 1), date(2026, 5, 1), date(2026, 12, 5)


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


async def open_claim(it: Lab, client: Client) -> tuple[Contract, Bill]:
    """D3's second invoice in the ledger, 1,000.00 of it received by bank: 1,804.45 is open."""
    contract = await sold(it, fresh(d3()))
    bill = bill_of(contract, f"in_{contract.key}", MAY)
    amounts = {"PLAT-M": ("400.00", "80.00"), "API-USE": ("1937.04", "387.41")}
    lines = tuple(
        one.model_copy(
            update={
                "net": gbp(amounts[sold_line.product_code][0]),
                "tax": gbp(amounts[sold_line.product_code][1]),
                "period_start": date(2026, 4, 1),
                "period_end": date(2026, 6, 1),
            }
        )
        for one, sold_line in zip(bill.lines, contract.lines, strict=True)
    )
    bill = bill.model_copy(
        update={
            "lines": lines,
            "net": gbp("2337.04"),
            "tax": gbp("467.41"),
            "gross": gbp("2804.45"),
            "remaining": gbp("2804.45"),
        }
    )
    it.billing.bills[bill.ref.native_id] = bill
    bill = it.billing.pay(bill.ref.native_id, gbp("1000.00"), date(2026, 6, 10), PaymentWay.BANK)
    await news(client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    on(it, DECEMBER)
    return contract, bill


async def given_up(it: Lab, contract: Contract, bill: Bill) -> WorkflowHandle[Any, str]:
    """Olaf asks for it; as the bridge stores it and the relay starts it."""
    change_id = write_off_id(bill.ref.account, bill.ref.native_id)
    request = ChangeRequest(
        change_id=change_id,
        kind=ChangeKind.INVOICE_WRITE_OFF,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="olaf",
    )
    order = WriteOffOrder(
        change_id=change_id,
        contract_key=contract.key,
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        reason="insolvent",
        accepted_on=DECEMBER,
    )
    assert await it.changes.place(order, request, contract.key)
    return await it.client.start_workflow(
        InvoiceWriteOffWorkflow.run,
        ChangeInput(
            request=request,
            contract_key=contract.key,
            environment=Environment(business_offset_seconds=it.offset_seconds()),
        ),
        id=change_id,
        task_queue=WORKFLOW_QUEUE,
    )


async def test_d3s_claim_is_given_up_after_approval_and_paid_after_all_comes_back(
    client: Client, engine: AsyncEngine
) -> None:
    """6500 1,503.71 and 2120 300.74 against 1100; a late payment takes both back, once."""
    async with lab(client, engine, APRIL) as it:
        contract, bill = await open_claim(it, client)
        before = balances(it, "3")
        assert before["1100"] == Decimal("1804.45")
        handle = await given_up(it, contract, bill)
        case = await it.case_of(contract.key, kind="deal.approval")
        assert case.money_at_risk == gbp("1804.45")
        assert it.billing.bills[bill.ref.native_id].status is InvoiceStatus.OPEN
        await it.decide(case, DecisionKind.APPROVE)
        assert await handle.result() == "completed"
        assert await outcome_of(it, handle) == "completed"
        assert it.billing.bills[bill.ref.native_id].status is InvoiceStatus.UNCOLLECTIBLE
        after = balances(it, "3")
        assert after["6500"] == Decimal("1503.71")
        assert after["2120"] - before["2120"] == Decimal("300.74")
        assert "1100" not in after

        it.billing.pay(bill.ref.native_id, gbp("1804.45"), date(2026, 12, 20), PaymentWay.BANK)
        on(it, date(2026, 12, 20))
        for _ in range(2):
            recovered = await client.execute_workflow(
                WriteOffRecoveryWorkflow.run,
                RecoveryInput(billing_account=bill.ref.account, invoice_id=bill.ref.native_id),
                id=recovery_id(bill.ref.account, bill.ref.native_id),
                task_queue=WORKFLOW_QUEUE,
            )
            assert recovered == "recovered"
        assert await (await news(client, bill)).result() == "paid"
        ended = balances(it, "3")
        assert "1100" not in ended
        assert "6500" not in ended
        assert ended["2120"] == before["2120"]
        assert ended["1000"] - before["1000"] == Decimal("1804.45")


async def test_a_late_payment_that_comes_first_waits_for_a_person_and_then_settles(
    client: Client, engine: AsyncEngine
) -> None:
    """The ledger has nothing open for it: a case, never a second receipt or a lost one."""
    async with lab(client, engine, APRIL) as it:
        contract, bill = await open_claim(it, client)
        handle = await given_up(it, contract, bill)
        await it.decide(await it.case_of(contract.key, kind="deal.approval"), DecisionKind.APPROVE)
        assert await handle.result() == "completed"
        bill = it.billing.pay(
            bill.ref.native_id, gbp("1804.45"), date(2026, 12, 20), PaymentWay.BANK
        )
        on(it, date(2026, 12, 20))
        paid = await news(client, bill)
        case = await it.case_of(contract.key, kind="cash.over_under")
        recovered = await client.execute_workflow(
            WriteOffRecoveryWorkflow.run,
            RecoveryInput(billing_account=bill.ref.account, invoice_id=bill.ref.native_id),
            id=recovery_id(bill.ref.account, bill.ref.native_id),
            task_queue=WORKFLOW_QUEUE,
        )
        assert recovered == "recovered"
        await it.decide(case, DecisionKind.RETRY)
        assert await paid.result() == "paid"
        assert "1100" not in balances(it, "3")


async def test_rejected_nothing_is_written_anywhere(client: Client, engine: AsyncEngine) -> None:
    async with lab(client, engine, APRIL) as it:
        contract, bill = await open_claim(it, client)
        before = balances(it, "3")
        handle = await given_up(it, contract, bill)
        case = await it.case_of(contract.key, kind="deal.approval")
        await it.decide(case, DecisionKind.REJECT)
        assert await handle.result() == "compensated"
        assert balances(it, "3") == before
        assert it.billing.bills[bill.ref.native_id].status is InvoiceStatus.OPEN


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_writes_it_off_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: the biller's mark and the ledger's entry are one each."""
    async with lab(client, engine, APRIL) as it:
        it.world.retry_after = it.world.retry_after / 100
        contract, bill = await open_claim(it, client)
        for act in ("billing.give_up", "erp.post_write_off"):
            it.world.plan(act, fault)
        it.world.calls.clear()
        handle = await given_up(it, contract, bill)
        await it.decide(await it.case_of(contract.key, kind="deal.approval"), DecisionKind.APPROVE)
        assert await handle.result() == "completed"
        await settled(it.world)
        assert balances(it, "3")["6500"] == Decimal("1503.71")
        assert "1100" not in balances(it, "3")
        did = [method for method, _ in it.world.effects]
        assert (did.count("billing.give_up"), did.count("erp.post_write_off")) == (1, 1)


async def test_a_claim_in_another_currency_than_the_ledgers_is_refused_before_anything_is_done(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Of D5, in euros: the ledger in pounds would refuse what the biller has marked by then."""
    async with (
        lab(dev_server, engine, JUNE) as it,
        process_api(database_url, dev_server, invoice_to_cash=True) as api,
    ):
        it.erp.ledger.rates["EUR", "GBP"] = {JUNE: "0.85"}
        contract = await sold_abroad(it)
        bill = await billed(it, contract, 1, JUNE)
        await PostgresBills(engine).seen(bill, it.world.today)
        on(it, DECEMBER)
        path = f"/invoices/{bill.number}/write-off"
        shown = (await api.post(f"{path}/preview", json={})).json()
        assert [(one["code"], one["field"]) for one in shown["refusals"]] == [
            ("in_another_currency", "invoice")
        ]
        answer = await api.post(path, json={"reason": "insolvent"})
        assert (answer.status_code, answer.json()["code"]) == (400, "in_another_currency")
        assert it.billing.bills[bill.ref.native_id].status is InvoiceStatus.OPEN


async def test_bad_input_is_refused_with_its_field_and_asked_twice_is_one(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Over the process API: without a reason, paid, unknown, before the relief; then once."""
    async with (
        lab(dev_server, engine, APRIL) as it,
        process_api(database_url, dev_server, invoice_to_cash=True) as api,
    ):
        contract, bill = await open_claim(it, dev_server)
        await PostgresBills(engine).seen(bill, it.world.today)
        on(it, date(2026, 9, 1))
        paid_id = f"in_paid_{contract.key}"
        paid = bill.model_copy(
            update={
                "ref": bill.ref.model_copy(update={"native_id": paid_id}),
                "number": f"N-{paid_id}",
                "remaining": gbp("0.00"),
                "status": InvoiceStatus.PAID,
            }
        )
        it.billing.bills[paid_id] = paid
        await PostgresBills(engine).seen(paid, it.world.today)
        said: list[tuple[str, dict[str, Any], int, str, str]] = [
            (bill.number, {"reason": " "}, 400, "reason_needed", "reason"),
            (bill.number, {}, 400, "relief_not_due", "without_relief"),
            (bill.number, {"part": 1}, 422, "invalid", "body.part"),
            (paid.number, {}, 400, "nothing_open", "invoice"),
            ("N-nobody", {}, 404, "invoice_not_found", ""),
        ]
        for number, body, status, code, field in said:
            refused = await api.post(
                f"/invoices/{number}/write-off", json={"reason": "insolvent"} | body
            )
            told = refused.json()
            assert (refused.status_code, told["code"]) == (status, code), told
            assert told.get("field", "") == field
        async with engine.connect() as connection:
            orders = select(change_orders.c.change_id).where(
                change_orders.c.kind == ChangeKind.INVOICE_WRITE_OFF
            )
            assert (await connection.execute(orders)).all() == []
        on(it, DECEMBER)
        shown = (await api.post(f"/invoices/{bill.number}/write-off/preview", json={})).json()
        assert (shown["accepted"], len(shown["approvals"])) == (True, 1)
        assert [(one["account"], one["amount"]["amount"]) for one in shown["parts"]] == [
            ("6500", "1503.71"),
            ("2120", "300.74"),
        ]
        verbs.show_write_off(shown)
        for created in (True, False):
            answer = await api.post(
                f"/invoices/{bill.number}/write-off", json={"reason": "insolvent"}
            )
            assert (answer.status_code, answer.json()["created"]) == (202, created)
        other = await api.post(
            f"/invoices/{bill.number}/write-off",
            json={"reason": "insolvent", "without_relief": True},
        )
        assert (other.status_code, other.json()["field"]) == (409, "without_relief")
