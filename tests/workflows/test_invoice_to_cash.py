"""An invoice from the biller to the ledger, its payments and credits after it (PF-07…09): D1 and D2
of facts/domain.md §9.6, journals of §9.8, in any order of news and through every fault.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from tests.fakes.world import Fault, settled
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d1, d2
from tests.support.events_told import told as told_by_type
from tests.support.invoice_lab import (
    START,
    balances,
    bill_of,
    mirrored,
    news,
    paid_bill,
    ref_of,
    standing,
    told,
    until,
)
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

ACTS = ("erp.post_invoice", "erp.apply_receipt", "crm.mirror_invoice")


async def test_d1s_first_invoice_is_posted_and_paid_to_the_cent(
    client: Client, engine: AsyncEngine
) -> None:
    """1100 15,891.00 against 2300 15,000.00 and tax 891.00; then 1050 against 1100."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        assert bill.gross == Money.of("15891.00", "USD")
        it.billing.bills[bill.ref.native_id] = bill
        handle = await news(client, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("15891.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        stands = await standing(it, contract, START)
        assert (str(stands.position.receivable), str(stands.position.billed)) == (
            "15,891.00 USD",
            "15,000.00 USD",
        )
        paid = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = paid
        await news(client, bill)
        assert await handle.result() == "paid"
        stands = await standing(it, contract, START)
        assert (str(stands.position.receivable), str(stands.position.collected)) == (
            "0.00 USD",
            "15,891.00 USD",
        )
        (issued,) = await told(it, contract.key, "invoice.issued")
        assert (issued["invoice_number"], issued["total"]) == (bill.number, "15891.00")
        assert all(not broken for broken in (await told_by_type(engine)).values())
        # Onboarding: of its 2,500.00 no month is known.
        assert [(one.kind, str(one.amount)) for one in stands.differences] == [
            ("waits_for_acceptance", "2,500.00 USD")
        ]
        posted = {one.kind: str(one.ledger) for one in stands.entries if one.ledger is not None}
        assert posted["invoice"].startswith("erp:fake.1:invoice:")
        assert posted["receipt"].startswith("erp:fake.1:journal:")
        assert balances(it, contract.erp_company) == {
            "1050": Decimal("15891.00"),
            "2300": Decimal("-15000.00"),
            "2110": Decimal("-891.00"),
        }
        assert mirrored(it)[bill.ref.native_id].status == "paid"


@pytest.mark.tells(
    EventType.INVOICE_ISSUED,
    EventType.INVOICE_POSTED,
    EventType.PAYMENT_SUCCEEDED,
    EventType.CREDIT_MEMO_CREATED,
)
async def test_d2_is_paid_in_two_parts_and_its_credit_goes_to_the_balance(
    client: Client, engine: AsyncEngine
) -> None:
    """11,134.40 and 10,000.00 by bank; 2,620.08 credited after: 2300 and 2120 against 2210."""
    async with lab(client, engine, date(2026, 3, 15)) as it:
        contract = await sold(it, fresh(d2()))
        bill = bill_of(contract, f"in_{contract.key}", date(2026, 3, 15))
        assert bill.gross == Money.of("21134.40", "EUR")
        for amount, day in (("11134.40", date(2026, 4, 10)), ("10000.00", date(2026, 4, 14))):
            bill = paid_bill(bill, Money.of(amount, "EUR"), day, PaymentWay.BANK)
        line = contract.lines[0].line_key
        net, tax = Money.of("2201.75", "EUR"), Money.of("418.33", "EUR")
        bill = bill.model_copy(
            update={
                "credit_memos": (
                    CreditMemo(
                        ref=ref_of(bill.ref.account, "credit_memo", f"cn_{contract.key}"),
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
        assert await (await news(client, bill)).result() == "paid"
        assert balances(it, contract.erp_company) == {
            "1000": Decimal("21134.40"),
            "2300": Decimal("-15558.25"),
            "2120": Decimal("-2956.07"),
            "2210": Decimal("-2620.08"),
        }
        position = (await standing(it, contract, date(2026, 9, 15))).position
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
            before = balances(it, contract.erp_company)
            bill = bill_of(contract, f"in_{contract.key}", START)
            bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
            it.billing.bills[bill.ref.native_id] = bill
            it.world.calls.clear()
            it.world.retry_after = it.world.retry_after / 100
            it.world.plan(act, fault)
            assert await (await news(client, bill)).result() == "paid"
            await settled(it.world)
            after = balances(it, contract.erp_company)
            assert after["1050"] - before.get("1050", Decimal(0)) == Decimal("15891.00"), act
            assert after.get("1100", Decimal(0)) == 0
            it.world.heal()


async def test_a_refused_posting_is_a_case_and_goes_on_once_corrected(
    client: Client, engine: AsyncEngine
) -> None:
    """S9: the account is opened, decided once, one invoice in the ledger."""
    async with lab(client, engine, START) as it:
        contract = await sold(it, fresh(d1()))
        bill = bill_of(contract, f"in_{contract.key}", START)
        bill = paid_bill(bill, bill.gross, START, PaymentWay.PROCESSOR)
        it.billing.bills[bill.ref.native_id] = bill
        it.world.calls.clear()
        it.world.plan("erp.post_invoice", Fault.REJECTED)
        handle = await news(client, bill)
        case = await it.case_of(contract.key)
        assert DecisionKind.ABORT not in case.allowed
        (found, _) = (await standing(it, contract, START)).differences
        assert (found.kind, found.document, found.amount) == ("not_posted", bill.number, bill.gross)
        assert found.case_id == case.case_id
        assert found.cause.startswith("the ledger refused it")
        await it.decide(case, DecisionKind.RETRY)
        assert await handle.result() == "paid"
        (still,) = (await standing(it, contract, START)).differences
        assert still.kind == "waits_for_acceptance"
        assert balances(it, contract.erp_company)["1050"] == Decimal("15891.00")
