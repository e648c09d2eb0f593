"""An invoice from the biller to the ledger, its payments and credits after it (PF-07…09): D1 and D2
of facts/domain.md §9.6, journals of §9.8, in any order of news and through every fault.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities.invoice_inputs import InvoiceInput
from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.standing import Standing, standing_of
from dealthread.naming import WORKFLOW_QUEUE, invoice_id
from dealthread.store.money_reading import MoneyReading
from dealthread.store.schema import outbox
from tests.fakes.bills import credited
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on, sold
from tests.support.deal_builder import CONFIG_DIR, d1, d2
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, fresh, lab
from workflows.invoice_to_cash import InvoiceToCashWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START = date(2026, 1, 1)
ACTS = ("erp.post_invoice", "erp.apply_receipt", "crm.mirror_invoice")


def _ref(account: str, kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)


def _bill(contract: Contract, native_id: str, day: date) -> Bill:
    """The first invoice of a contract, with the biller's own amounts from the fact sheet."""
    lines = tuple(
        InvoiceLine(
            line_key=line.line_key,
            description=line.product_name,
            net=line.net_per_period,
            tax=line.tax.amount,
            period_start=line.start_date,
            period_end=line.end_date,
        )
        for line in contract.lines
    )
    net = Money.total((line.net for line in lines), contract.currency)
    tax = Money.total((line.tax for line in lines), contract.currency)
    return Bill(
        ref=_ref(contract.billing_account, "invoice", native_id),
        number=f"N-{native_id}",
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency=contract.currency,
        lines=lines,
        net=net,
        tax=tax,
        gross=net + tax,
        balance_used=Money.zero(contract.currency),
        remaining=net + tax,
        issue_date=day,
        due_date=day,
        finalised_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
    )


def _paid(bill: Bill, amount: Money, day: date, way: PaymentWay) -> Bill:
    left = bill.remaining - amount
    payment = BillPayment(
        ref=_ref(bill.ref.account, "payment", f"py_{len(bill.payments) + 1}_{bill.ref.native_id}"),
        amount=amount,
        paid_on=day,
        way=way,
    )
    return bill.model_copy(
        update={
            "payments": (*bill.payments, payment),
            "remaining": left,
            "status": InvoiceStatus.OPEN if left else InvoiceStatus.PAID,
        }
    )


async def _news(client: Client, bill: Bill) -> WorkflowHandle:
    """As the relay tells it."""
    account, native_id = bill.ref.account, bill.ref.native_id
    return await client.start_workflow(
        InvoiceToCashWorkflow.run,
        InvoiceInput(billing_account=account, invoice_id=native_id),
        id=invoice_id(account, native_id),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="news",
    )


async def _standing(it: Lab, contract: Contract, day: date) -> Standing:
    """The money view of one contract."""
    async for (facts,) in MoneyReading(it.engine).facts(day, contract_key=contract.key):
        return standing_of(facts, day, load_config(CONFIG_DIR))
    raise AssertionError("the contract is not known")


def _balances(it: Lab, company: str) -> dict[str, Decimal]:
    rows = it.erp.ledger.trial_balance(company, date(2100, 1, 1))
    return {row.account: row.balance.amount for row in rows if row.balance}


async def test_d1s_first_invoice_is_posted_and_paid_to_the_cent(
    client: Client, engine: AsyncEngine
) -> None:
    """1100 15,891.00 against 2300 15,000.00 and tax 891.00; then 1050 against 1100."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        assert bill.gross == Money.of("15891.00", "USD")
        it.billing.bills[bill.ref.native_id] = bill
        handle = await _news(client, bill)
        await _until(lambda: bill.ref.native_id in _mirrored(it))
        assert _balances(it, contract.erp_company) == {
            "1100": Decimal("15891.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        stands = await _standing(it, contract, START)
        assert (str(stands.position.receivable), str(stands.position.billed)) == (
            "15,891.00 USD",
            "15,000.00 USD",
        )
        paid = _paid(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = paid
        await _news(client, bill)
        assert await handle.result() == "paid"
        stands = await _standing(it, contract, START)
        assert (str(stands.position.receivable), str(stands.position.collected)) == (
            "0.00 USD",
            "15,891.00 USD",
        )
        # Onboarding: of its 2,500.00 no month is known.
        assert [(one.kind, str(one.amount)) for one in stands.differences] == [
            ("waits_for_acceptance", "2,500.00 USD")
        ]
        posted = {one.kind: str(one.ledger) for one in stands.entries if one.ledger is not None}
        assert posted["invoice"].startswith("erp:fake.1:invoice:")
        assert posted["receipt"].startswith("erp:fake.1:journal:")
        assert _balances(it, contract.erp_company) == {
            "1050": Decimal("15891.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        assert _mirrored(it)[bill.ref.native_id].status == "paid"


async def test_d2_is_paid_in_two_parts_and_its_credit_goes_to_the_balance(
    client: Client, engine: AsyncEngine
) -> None:
    """11,134.40 and 10,000.00 by bank; 2,620.08 credited after: 2300 and 2120 against 2210."""
    async with lab(client, engine, date(2026, 3, 15)) as it:
        contract = await sold(it, fresh(d2()))
        bill = _bill(contract, f"in_{contract.key}", date(2026, 3, 15))
        assert bill.gross == Money.of("21134.40", "EUR")
        for amount, day in (("11134.40", date(2026, 4, 10)), ("10000.00", date(2026, 4, 14))):
            bill = _paid(bill, Money.of(amount, "EUR"), day, PaymentWay.BANK)
        line = contract.lines[0].line_key
        net, tax = Money.of("2201.75", "EUR"), Money.of("418.33", "EUR")
        bill = bill.model_copy(
            update={
                "credit_memos": (
                    CreditMemo(
                        ref=_ref(bill.ref.account, "credit_memo", f"cn_{contract.key}"),
                        number=f"{bill.number}-CN-01",
                        corrects=bill.ref,
                        lines=(CreditMemoLine(line_key=line, net=net, tax=tax),),
                        net=net,
                        tax=tax,
                        gross=net + tax,
                        forms={CreditForm.BALANCE: net + tax},
                        issue_date=date(2026, 9, 15),
                    ),
                )
            }
        )
        it.billing.bills[bill.ref.native_id] = bill
        on(it, date(2026, 9, 15))
        assert await (await _news(client, bill)).result() == "paid"
        assert _balances(it, contract.erp_company) == {
            "1000": Decimal("21134.40"),
            "2300": Decimal("-15558.25"),
            "2120": Decimal("-2956.07"),
            "2210": Decimal("-2620.08"),
        }
        position = (await _standing(it, contract, date(2026, 9, 15))).position
        assert (str(position.billed), str(position.credit_balance), str(position.collected)) == (
            "15,558.25 EUR",
            "2,620.08 EUR",
            "21,134.40 EUR",
        )


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_at_any_act_posts_once(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    """RS-01: the ledger holds one of each, however often the answer was lost."""
    async with lab(client, engine, START) as it:
        for act in ACTS:
            contract = await sold(it, fresh(d1()))
            before = _balances(it, contract.erp_company)
            bill = _bill(contract, f"in_{contract.key}", START)
            bill = _paid(bill, bill.gross, START, PaymentWay.PROCESSOR)
            it.billing.bills[bill.ref.native_id] = bill
            it.world.calls.clear()
            it.world.retry_after = it.world.retry_after / 100
            it.world.plan(act, fault)
            assert await (await _news(client, bill)).result() == "paid"
            await settled(it.world)
            after = _balances(it, contract.erp_company)
            assert after["1050"] - before.get("1050", Decimal(0)) == Decimal("15891.00"), act
            assert after.get("1100", Decimal(0)) == 0
            it.world.heal()


async def test_a_refused_posting_is_a_case_and_goes_on_once_corrected(
    client: Client, engine: AsyncEngine
) -> None:
    """S9: the account is opened, decided once, one invoice in the ledger."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        bill = _paid(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        it.world.calls.clear()
        it.world.plan("erp.post_invoice", Fault.REJECTED)
        handle = await _news(client, bill)
        case = await it.case_of(contract.key)
        assert DecisionKind.ABORT not in case.allowed
        (found, _) = (await _standing(it, contract, START)).differences
        assert (found.kind, found.document, found.amount) == ("not_posted", bill.number, bill.gross)
        assert found.case_id == case.case_id
        assert found.cause.startswith("the ledger refused it")
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "paid"
        (still,) = (await _standing(it, contract, START)).differences
        assert still.kind == "waits_for_acceptance"
        assert _balances(it, contract.erp_company)["1050"] == Decimal("15891.00")


async def test_news_told_ten_times_and_after_the_end_posts_nothing_twice(
    client: Client, engine: AsyncEngine
) -> None:
    """EV-03: the journal knows what is done, whichever run did it."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        bill = _paid(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        handles = [await _news(client, bill) for _ in range(10)]
        assert {await one.result() for one in handles} == {"paid"}
        assert await (await _news(client, bill)).result() == "paid"
        assert it.world.calls["erp.post_invoice"] == 1
        assert it.world.calls["erp.apply_receipt"] == 1


async def test_an_invoice_of_nobodys_contract_is_left_alone(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        bill = bill.model_copy(update={"contract_key": ""})
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await _news(client, bill)).result() == "no contract of ours"
        assert _balances(it, contract.erp_company) == {}


async def test_an_invoice_voided_after_it_was_posted_is_put_before_a_person(
    client: Client, engine: AsyncEngine
) -> None:
    """Nothing in the ledger is cancelled by itself; the CRM shows the invoice as void."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await _news(client, bill)
        await _until(lambda: bill.ref.native_id in _mirrored(it))
        it.billing.bills[bill.ref.native_id] = bill.model_copy(
            update={"status": InvoiceStatus.VOID}
        )
        await _news(client, bill)
        case = await it.case_of(contract.key)
        assert case.code == "posted_invoice_voided"
        assert case.money_at_risk == bill.gross
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "void"
        assert _mirrored(it)[bill.ref.native_id].status == "void"


async def test_an_invoice_that_the_biller_gives_up_is_shown_and_waits(
    client: Client, engine: AsyncEngine
) -> None:
    """Uncollectible is the biller's word alone: the ledger keeps the receivable, the CRM is told,
    and the customer may still pay."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await _news(client, bill)
        await _until(lambda: bill.ref.native_id in _mirrored(it))
        given_up = bill.model_copy(update={"status": InvoiceStatus.UNCOLLECTIBLE})
        it.billing.bills[bill.ref.native_id] = given_up
        await _news(client, bill)
        await _until(lambda: _mirrored(it)[bill.ref.native_id].status == "uncollectible")
        assert _balances(it, contract.erp_company)["1100"] == Decimal("15891.00")
        it.billing.bills[bill.ref.native_id] = _paid(
            given_up, bill.gross, START, PaymentWay.PROCESSOR
        )
        await _news(client, bill)
        assert await handle.result() == "paid"
        assert _mirrored(it)[bill.ref.native_id].status == "paid"


async def test_a_credit_that_the_biller_withdraws_is_no_longer_shown(
    client: Client, engine: AsyncEngine
) -> None:
    """The invoice stands where it stood before: the CRM is told although it was told so once."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await _news(client, bill)
        await _until(lambda: bill.ref.native_id in _mirrored(it))
        net, tax = Money.of("100.00", "USD"), Money.of("6.60", "USD")
        less = credited(bill, net, tax, START, CreditForm.OPEN_INVOICE)
        for stands in (less, bill):
            it.billing.bills[bill.ref.native_id] = stands
            await _news(client, bill)
            left = stands.remaining
            await _until(lambda left=left: _mirrored(it)[bill.ref.native_id].remaining == left)
        await handle.terminate()


async def test_a_credit_in_place_of_a_withdrawn_one_is_told_after_the_end(
    client: Client, engine: AsyncEngine
) -> None:
    """Each later run remembers nothing: what was told of one credit is not taken for another's."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        bill = _paid(bill, bill.gross, START, PaymentWay.PROCESSOR)
        net, tax = Money.of("100.00", "USD"), Money.of("6.60", "USD")
        first = credited(bill, net, tax, START, CreditForm.BALANCE)
        second = credited(first, net, tax, START, CreditForm.BALANCE)
        second = second.model_copy(update={"credit_memos": second.credit_memos[1:]})
        for stands in (first, second):
            it.billing.bills[bill.ref.native_id] = stands
            assert await (await _news(client, bill)).result() == "paid"
        told = await _told(it, contract.key, "credit_memo.created")
        assert sorted(one["credit_memo_number"] for one in told) == [
            f"{bill.number}-CN-1",
            f"{bill.number}-CN-2",
        ]


async def test_a_void_is_looked_for_in_the_ledger_by_a_run_that_knows_of_nothing(
    client: Client, engine: AsyncEngine
) -> None:
    """The run that posted it was ended by hand: the receivable is still put before a person."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        it.billing.bills[bill.ref.native_id] = bill
        handle = await _news(client, bill)
        await _until(lambda: bill.ref.native_id in _mirrored(it))
        await handle.terminate()
        it.billing.bills[bill.ref.native_id] = bill.model_copy(
            update={"status": InvoiceStatus.VOID}
        )
        again = await _news(client, bill)
        case = await it.case_of(contract.key)
        assert case.code == "posted_invoice_voided"
        await it.decide(case, DecisionKind.RETRY)
        assert await again.result() == "void"


async def test_an_invoice_voided_before_it_was_posted_never_reaches_the_ledger(
    client: Client, engine: AsyncEngine
) -> None:
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = _bill(contract, f"in_{contract.key}", START)
        bill = bill.model_copy(update={"status": InvoiceStatus.VOID})
        it.billing.bills[bill.ref.native_id] = bill
        assert await (await _news(client, bill)).result() == "void"
        assert _balances(it, contract.erp_company) == {}


async def _told(it: Lab, key: str, kind: str) -> list[dict[str, str]]:
    query = select(outbox.c.body).where(outbox.c.subject == key, outbox.c.type.contains(kind))
    async with it.engine.connect() as connection:
        return [row["data"] for row in (await connection.execute(query)).scalars()]


def _mirrored(it: Lab):
    return {ref.native_id: mirror for ref, mirror in it.crm.invoices.items()}


async def _until(holds) -> None:
    for _ in range(400):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")
