"""PF-09, PF-17: a credit of a person takes from deferred revenue and from what is recognised."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.recognition_inputs import RollForwardAnswer, RollForwardInput
from dealthread.domain.bill import AT_BILLER
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.store.closing import PostgresClosing
from dealthread.store.recognition import PostgresRecognition
from tests.fakes.bills import credited
from tests.support.change_lab import on
from tests.support.change_orders import seats_of
from tests.support.closing_lab import closed
from tests.support.credit_lab import credit, invoiced
from tests.support.invoice_lab import news, standing
from tests.support.recognition_lab import begun
from tests.support.saga_lab import lab
from tests.support.worked_year import US
from workflows.recognition_questions import DeferredRollForwardWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START, MONTH, LAST = date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 31)


async def test_a_credit_of_a_person_is_recognised_with_what_it_was_given_on(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """365.00 of the seats of D1 on 1 January: 31.00 less in January, and the books tie."""
    async with lab(dev_server, engine, START) as it:
        contract, bill = await invoiced(it)
        assert await (await credit(it, contract, bill, "365.00")).result() == "completed"
        on(it, LAST)
        result = await (await begun(it, US, MONTH)).result()
        assert result.outcome == "completed"
        documents = await PostgresRecognition(engine).posted(contract_key=contract.key)
        rows = [row for document in documents for row in document.rows]
        assert sorted((str(row.amount), row.account) for row in rows) == [
            ("-31.00 USD", "4000"),
            ("1,061.64 USD", "4000"),
        ]
        (number,) = {row.obligation for row in rows if row.amount.amount < 0}
        (memo,) = it.billing.bills[bill.ref.native_id].credit_memos
        assert number == f"credit {memo.number}:1"

        answer: RollForwardAnswer = await it.client.execute_workflow(
            DeferredRollForwardWorkflow.run,
            RollForwardInput(seller=US, period=MONTH, erp="tryton", company="1"),
            id=f"roll-forward:{contract.key}",
            task_queue=WORKFLOW_QUEUE,
        )
        assert answer.found is not None
        assert answer.found.is_tied, answer.found
        stands = await standing(it, contract, LAST)
        position = stands.position
        assert [one.kind for one in stands.differences] == ["waits_for_acceptance"]
        assert (position.recognised.amount, position.deferred.amount) == (
            Decimal("1030.64"),
            Decimal("13604.36"),
        )
        assert (position.sold.amount, position.billed.amount) == (
            Decimal("14635.00"),
            Decimal("14635.00"),
        )
        # Run again: nothing is left of the month.
        assert (await (await begun(it, US, MONTH)).result()).entries == ()


async def test_a_month_with_a_credit_of_a_person_closes(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """365.00 less is sold, and the schedule is as much shorter: T2 and T14 tie."""
    async with lab(dev_server, engine, START) as it:
        contract, bill = await invoiced(it)
        assert await (await credit(it, contract, bill, "365.00")).result() == "completed"
        on(it, LAST)
        assert (await closed(it, US, MONTH)).outcome == "closed"
        found = await PostgresClosing(engine).evidence(US, MONTH)
        assert found is not None
        answers = {one.identity.value: one for one in found[1].answers}
        assert answers["T1"].expected == Decimal("14635.00")
        assert all(one.is_tied for one in answers.values())


async def test_a_credit_made_at_the_biller_is_a_case_and_its_month_closes(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """Nobody ordered it: posted and recognised like any other, and one case however often its
    invoice is read; the decision is kept on record (SN-2)."""
    async with lab(dev_server, engine, START) as it:
        contract, bill = await invoiced(it)
        await (await news(it.client, bill)).result()
        net, tax = Money.of("365.00", bill.currency), Money.of("24.09", bill.currency)
        line = seats_of(contract).line_key
        after = credited(bill, net, tax, START, CreditForm.BALANCE, line)
        (memo,) = after.credit_memos
        assert memo.ref is not None
        it.billing.bills[bill.ref.native_id] = after.model_copy(
            update={"credit_reasons": {memo.ref.native_id: AT_BILLER}}
        )
        for _ in range(2):
            await (await news(it.client, bill)).result()
        case = await it.case_of(contract.key)
        assert (case.kind, case.version) == ("credit.outside", 1)
        assert (str(case.money_at_risk), case.queue) == ("389.09 USD", "accounting")
        approved = Decision(
            case_id=case.case_id,
            version=case.version,
            decision=DecisionKind.APPROVE,
            actor="anna",
            reason="agreed by telephone",
        )
        await it.cases.decide(approved)
        await (await news(it.client, bill)).result()
        assert await it.open_case(contract.key) is None
        position = (await standing(it, contract, START)).position
        assert (str(position.sold), str(position.billed)) == ("14,635.00 USD", "14,635.00 USD")
        assert memo.number in {one.number for one in it.erp.ledger.documents.values()}
        on(it, LAST)
        assert (await closed(it, US, MONTH)).outcome == "closed"
