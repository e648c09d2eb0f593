"""PF-07: self-service invoices of a day are one document of the ledger, and each is found in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from activities.posting_place import PostingPlaces
from dealthread.config import load_config
from dealthread.domain.bill import Bill
from dealthread.domain.case import DecisionKind
from dealthread.domain.party import TaxId
from dealthread.domain.position.difference import Difference, DifferenceKind
from dealthread.errors import BadInput
from dealthread.naming import WORKFLOW_QUEUE, invoice_id, summary_id, summary_key
from dealthread.store.posting_summaries import PostgresSummaries
from dealthread.store.summary_reading import SummaryReading
from tests.fakes.world import Fault
from tests.support.change_lab import on
from tests.support.credit_lab import credit
from tests.support.deal_builder import CONFIG_DIR
from tests.support.invoice_lab import balances, mirrored, standing, told, until
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, lab
from tests.support.summary_lab import (
    CONTROL,
    above,
    billed,
    by_card,
    control_customer,
    heard,
    keyed,
    post_now,
    rested,
    summarising,
    summary_order,
    with_policy,
)
from workflows.posting_summary import PostingSummaryWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JANUARY = date(2026, 1, 1)


async def _three(it: Lab) -> list[tuple[Bill, WorkflowHandle]]:
    """15,891.00 each: 15,000.00 and 891.00 of tax."""
    control_customer(it)
    return [await billed(it, number) for number in (1, 2, 3)]


def _documents(it: Lab, kind: str) -> dict[str, Decimal]:
    found = [one for one in it.erp.ledger.documents.values() if one.kind == kind]
    return {one.number: one.gross.amount for one in found}


@pytest.mark.parametrize("fault", [None, *TRANSIENT])
async def test_a_days_card_invoices_are_one_document_and_each_is_told_by_itself(
    dev_server: Client, engine: AsyncEngine, fault: Fault | None
) -> None:
    """47,673.00 = 3 × 15,891.00, of which 2,673.00 tax; nothing is left on 1100. Whatever becomes
    of the ledger's answers, it is posted and paid once."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        bills = await _three(it)
        for bill, _ in bills:
            await by_card(it, bill)
        await until(lambda: all(mirrored(it)[b.ref.native_id].status == "paid" for b, _ in bills))
        for bill, _ in bills:
            await heard(it, bill, "payment.succeeded")
            assert await told(it, bill.contract_key, "invoice.posted") == []
        assert it.erp.ledger.entries == []
        it.world.retry_after = it.world.retry_after / 100
        if fault is not None:
            it.world.plan("erp.post_invoice", fault)
            it.world.plan("erp.apply_receipt", fault)
        assert await post_now(it) == 3
        for bill, handle in bills:
            await keyed(it, bill)
            assert await handle.result() == "paid"
            (posted,) = await told(it, bill.contract_key, "invoice.posted")
            assert posted["invoice_number"] == bill.number
            assert posted["document"] == "US01-2026-01-01-USD-1"
            assert len(await told(it, bill.contract_key, "payment.succeeded")) == 1
        (summary,) = (one for one in it.erp.ledger.documents.values() if one.kind == "invoice")
        assert (summary.number, summary.customer_key) == ("US01-2026-01-01-USD-1", CONTROL)
        assert (summary.net.amount, summary.tax.amount) == (
            Decimal("45000.00"),
            Decimal("2673.00"),
        )
        assert balances(it, "1") == {
            "1050": Decimal("47673.00"),
            "2300": Decimal("-45000.00"),
            "2110": Decimal("-2673.00"),
        }
        assert len(it.erp.ledger.entries) == 2


async def test_what_is_unpaid_credited_or_of_a_buyer_with_a_tax_id_is_posted_by_itself(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        (paid, _), (unpaid, _), (credited, _) = await _three(it)
        await by_card(it, paid)
        await by_card(it, credited)
        contract = await it.contracts.read(credited.contract_key)
        assert contract is not None
        given = await credit(it, contract, it.billing.bills[credited.ref.native_id], "500.00")
        assert await given.result() == "completed"
        named, _ = await billed(it, 4, tax_ids=(TaxId(scheme="us_ein", number="00-0000000"),))
        await until(lambda: named.number in _documents(it, "invoice"))
        assert set(_documents(it, "invoice")) == {named.number, credited.number}
        assert await post_now(it) == 1
        await keyed(it, unpaid)
        await until(lambda: unpaid.number in _documents(it, "invoice"))
        assert _documents(it, "invoice") == {
            number: Decimal("15891.00")
            for number in (
                "US01-2026-01-01-USD-1",
                unpaid.number,
                credited.number,
                named.number,
            )
        }


async def test_who_comes_later_is_in_the_days_next_part(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        control_customer(it)
        first, _ = await billed(it, 1)
        await by_card(it, first)
        assert await post_now(it) == 1
        second, handle = await billed(it, 2)
        await by_card(it, second)
        assert await post_now(it, part=2) == 1
        await keyed(it, second)
        assert await handle.result() == "paid"
        assert set(_documents(it, "invoice")) == {
            "US01-2026-01-01-USD-1",
            "US01-2026-01-01-USD-2",
        }


async def test_a_run_that_was_ended_while_it_waited_tells_the_posting_when_it_begins_anew(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """It was shown as paid before the ledger had it, and stands as paid when the ledger has it."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        control_customer(it)
        bill, handle = await billed(it, 1)
        await by_card(it, bill)
        await heard(it, bill, "payment.succeeded")
        await handle.terminate()
        assert await post_now(it) == 1
        again = await keyed(it, bill)
        assert await again.result() == "paid"
        assert len(await told(it, bill.contract_key, "invoice.posted")) == 1
        assert len(await told(it, bill.contract_key, "payment.succeeded")) == 1
        assert mirrored(it)[bill.ref.native_id].document is not None


async def test_a_summary_whose_run_was_ended_by_hand_is_begun_again_once_it_is_late(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Due on the 2nd at 02:00. One that runs after all, or has posted, is not harmed by it."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        bills = [bill for bill, _ in await _three(it)]
        for bill in bills:
            await by_card(it, bill)
        run = it.client.get_workflow_handle(summary_id("US01", "USD", JANUARY, 1))
        await run.terminate()
        on(it, date(2026, 1, 2))
        it.world.today = it.world.today.replace(hour=2, minute=5)
        await rested(await keyed(it, bills[0]))
        assert (await run.describe()).status is WorkflowExecutionStatus.TERMINATED
        it.world.today = it.world.today.replace(minute=15)
        await rested(await keyed(it, bills[0]))
        begun = await run.describe()
        assert begun.status is WorkflowExecutionStatus.RUNNING
        await rested(await keyed(it, bills[1]))
        assert (await run.describe()).run_id == begun.run_id
        assert await post_now(it) == 3
        order = await summary_order(it, run)
        assert len(it.erp.ledger.entries) == 2
        once_more = await it.client.start_workflow(
            PostingSummaryWorkflow.run, order, id=run.id, task_queue=WORKFLOW_QUEUE
        )
        await once_more.signal(PostingSummaryWorkflow.now)
        assert await once_more.result() == 3
        assert len(it.erp.ledger.entries) == 2
        for bill in bills:
            handle = await keyed(it, bill)
            assert await handle.result() == "paid"


async def test_what_is_taken_in_is_not_read_again_by_the_next_attempt(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The biller does not answer the reading of the third: the step is tried again."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        for bill, handle in await _three(it):
            await by_card(it, bill)
            await rested(handle)
        before = it.world.calls["billing.read_bill"]
        it.world.plan("billing.read_bill", Fault.REFUSED, occurrence=before + 3)
        assert await post_now(it) == 3
        assert it.world.calls["billing.read_bill"] == before + 4


async def test_without_its_control_customer_it_waits_for_a_person_and_all_are_posted_by_a_retry(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The money view of each invoice tells what it waits for, and the summary's case."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        bills = [await billed(it, number) for number in (1, 2)]
        for bill, handle in bills:
            await by_card(it, bill)
            await rested(handle)
        contract = await it.contracts.read(bills[0][0].contract_key)
        assert contract is not None

        async def missing() -> list[Difference]:
            now = await standing(it, contract, JANUARY)
            return [one for one in now.differences if one.kind is DifferenceKind.NOT_POSTED]

        (waits,) = await missing()
        assert waits.case_id == ""
        number = "US01-2026-01-01-USD-1"
        assert waits.cause == f"it waits for its day's summary {number}, due 2026-01-02 02:00 UTC"
        run = it.client.get_workflow_handle_for(
            PostingSummaryWorkflow.run, summary_id("US01", "USD", JANUARY, 1)
        )
        await run.signal(PostingSummaryWorkflow.now)
        case = await it.case_of(summary_key("US01", "USD", JANUARY, 1))
        assert (case.kind, case.queue, case.code) == (
            "customer.sync_failed",
            "customer-data",
            "customer_unknown",
        )
        assert case.allowed == (DecisionKind.RETRY,)
        (stuck,) = await missing()
        assert (stuck.cause, stuck.case_id) == (
            f"the summary {number} is being posted",
            case.case_id,
        )
        control_customer(it)
        await it.decide(case, DecisionKind.RETRY)
        assert await run.result() == 2
        for bill, _ in bills:
            assert await (await keyed(it, bill)).result() == "paid"
        assert await missing() == []
        assert _documents(it, "invoice") == {number: Decimal("31782.00")}


async def test_the_crm_shows_the_document_of_its_own_that_a_dispute_asks_for(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The invoice stands as before: only where the ledger has it is new. Its run had ended while it
    waited, so that the posting was the first that its next run showed."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        control_customer(it)
        bill, handle = await billed(it, 1)
        await by_card(it, bill)
        await heard(it, bill, "payment.succeeded")
        await handle.terminate()
        await post_now(it)
        assert await (await keyed(it, bill)).result() == "paid"
        (summary,) = (one for one in it.erp.ledger.documents.values() if one.kind == "invoice")
        assert mirrored(it)[bill.ref.native_id].document == summary.ref
        await PostgresSummaries(engine).want_single(bill.ref, date(2026, 1, 20))
        assert await (await keyed(it, bill)).result() == "paid"
        single = next(one for one in it.erp.ledger.documents.values() if one.number == bill.number)
        assert mirrored(it)[bill.ref.native_id].document == single.ref


async def test_each_id_that_its_contracts_share_leads_to_the_summary(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Of the document, of its payment, and our keys on both: none of them is one contract's."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        bills = await _three(it)
        for bill, _ in bills:
            await by_card(it, bill)
        await post_now(it)
        for bill, _ in bills:
            assert await (await keyed(it, bill)).result() == "paid"
        refs = [
            {f"{one.system}:{one.account}:{one.kind}:{one.native_id}" for one in found}
            for bill, _ in bills
            for found in [await it.reading.refs(bill.contract_key)]
        ]
        booked = "erp:fake.1:booking_number:1"  # each contract has its own
        shared = {one for one in set.intersection(*refs) if one.startswith("erp:")} - {booked}
        kinds = sorted(one.split(":")[2] for one in shared)
        assert kinds == [
            "invoice",
            "journal",
            "receipt_number",
            "summary_key",
            "summary_key",
            "summary_number",
        ]
        for ref in shared:
            with pytest.raises(BadInput) as told_so:
                await it.reading.find(ref)
            assert told_so.value.action.endswith(f"dealthread invoices summary {ref}")
            found = await SummaryReading(engine).view(ref)
            assert found.number == "US01-2026-01-01-USD-1"


async def test_what_was_posted_by_itself_never_joins(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The policy changed while it was open."""
    async with lab(dev_server, engine, JANUARY) as it:
        bill, _ = await billed(it, 1)
        await until(lambda: bill.number in _documents(it, "invoice"))
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        it.billing.bills[bill.ref.native_id] = bill
        places = PostingPlaces(
            PostgresSummaries(engine), lambda: with_policy(load_config(CONFIG_DIR), 0), it.clock
        )
        contract = await it.contracts.read(bill.contract_key)
        assert contract is not None
        assert await places.of(bill, contract, "default") is None


async def test_below_the_limit_of_the_month_before_each_is_posted_by_itself(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, JANUARY, exchange=above(1)) as it:
        bill, _ = await billed(it, 1)
        await until(lambda: bill.number in _documents(it, "invoice"))


@pytest.mark.parametrize("fault", [None, *TRANSIENT])
async def test_one_that_is_credited_later_is_taken_out_and_credited_by_itself(
    dev_server: Client, engine: AsyncEngine, fault: Fault | None
) -> None:
    """500.00 net and 33.00 of tax go back to the card on 20 January. The summary is less by
    15,891.00 from that day on, and the invoice stands under its legal number, issued on the 1st."""
    async with lab(dev_server, engine, JANUARY, exchange=summarising) as it:
        bills = await _three(it)
        for bill, _ in bills:
            await by_card(it, bill)
        await post_now(it)
        for bill, handle in bills:
            await keyed(it, bill)
            await handle.result()
        on(it, date(2026, 1, 20))
        it.world.retry_after = it.world.retry_after / 100
        bill = it.billing.bills[bills[0][0].ref.native_id]
        contract = await it.contracts.read(bill.contract_key)
        assert contract is not None
        if fault is not None:
            for act in ("erp.post_credit_memo", "erp.post_invoice", "erp.apply_receipt"):
                it.world.plan(act, fault, occurrence=it.world.calls[act] + 1)
        given = await credit(it, contract, bill, "500.00", refund=True)
        assert await given.result() == "completed"
        out = f"{bill.number} out of US01-2026-01-01-USD-1"
        credits = _documents(it, "credit_memo")
        assert credits.pop(out) == Decimal("15891.00")
        assert len(credits) == 1
        single = next(one for one in it.erp.ledger.documents.values() if one.number == bill.number)
        assert (single.issue_date, single.posting_date) == (JANUARY, date(2026, 1, 20))
        assert single.customer_key == bill.customer_key
        handle = it.client.get_workflow_handle(invoice_id(bill.ref.account, bill.ref.native_id))
        assert await handle.result() == "paid"
        assert mirrored(it)[bill.ref.native_id].document == single.ref
        (refunded,) = credits.values()
        assert balances(it, "1") == {
            "1050": Decimal("47673.00") - refunded,
            "2300": Decimal("-44500.00"),
            "2110": Decimal("-2673.00") + refunded - Decimal("500.00"),
        }
