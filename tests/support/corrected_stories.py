"""What is corrected at the biller: credits in somebody's own words, invoices that are void though
something of them was credited or paid. Beside `money_stories.py`."""

from __future__ import annotations

from datetime import date

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.bills import credited, credited_in_words
from tests.support.change_lab import on, sold
from tests.support.credit_lab import credit
from tests.support.deal_builder import d3
from tests.support.invoice_lab import bill_of, mirrored, news, until
from tests.support.money_stories import (
    APRIL,
    IN_JANUARY,
    JANUARY,
    MAY,
    Month,
    Story,
    billed,
    of_d1,
    paid,
    spans,
    usd,
)
from tests.support.saga_lab import Lab, fresh
from tests.support.worked_year import UK


async def a_credit_note_in_words_of_its_own(it: Lab) -> None:
    """33.33 without tax on the open invoice, in the biller's own pages: 30.00 of the seats and 3.33
    of onboarding; and 100.00 with 6.60 of tax, which are of the seats alone."""
    _, bill = await of_d1(it, is_paid=False)
    for net, tax, number in (("33.33", None, 1), ("100.00", usd("6.60"), 2)):
        form = CreditForm.OPEN_INVOICE
        bill = credited_in_words(bill, usd(net), JANUARY, form, tax)
        it.billing.bills[bill.ref.native_id] = bill
        await news(it.client, bill)
        await until(lambda: len(mirrored(it)[bill.ref.native_id].credits) == number)  # noqa: B023
        await _approve(it, bill)
    first, second = bill.credit_memos
    assert [str(one.net.amount) for one in first.lines] == ["30.00", "3.33"]
    assert [str(one.net.amount) for one in second.lines] == ["100.00"]


async def _approve(it: Lab, bill: Bill) -> None:
    """Somebody says that it was meant."""
    case = await it.case_of(bill.contract_key, kind="credit.outside")
    await it.cases.decide(
        Decision(
            case_id=case.case_id,
            version=case.version,
            decision=DecisionKind.APPROVE,
            actor="anna",
            reason="agreed",
        )
    )


async def an_invoice_void_after_a_credit(it: Lab) -> None:
    """500.00 and 33.00 were credited on it while it was open, by order, and 20.00 in somebody's own
    words; then the whole of it is void, and billed anew at the full price."""
    contract, first = await of_d1(it, is_paid=False)
    assert await (await credit(it, contract, first, "500.00")).result() == "completed"
    first = it.billing.bills[first.ref.native_id]
    first = credited_in_words(first, usd("20.00"), JANUARY, CreditForm.OPEN_INVOICE)
    on(it, date(2026, 1, 20))
    void = first.model_copy(update={"status": InvoiceStatus.VOID, "voided_on": date(2026, 1, 20)})
    it.billing.bills[void.ref.native_id] = void
    assert await (await news(it.client, void)).result() == "void"
    await _approve(it, void)
    bill = await billed(it, contract, 2, date(2026, 1, 20))
    await paid(it, bill, bill.gross, date(2026, 1, 20), PaymentWay.PROCESSOR)


async def an_invoice_void_that_the_balance_had_paid_in_part(it: Lab) -> None:
    """D3: 100.00 and 20.00 of April's 576.00 are kept for the customer; May's uses them, is void,
    and is billed anew: it uses them again, and the rest is paid by card."""
    contract = await sold(it, fresh(d3()))
    platform = contract.model_copy(update={"lines": contract.lines[:1]})
    april = await billed(it, platform, 1, APRIL)
    april = await paid(it, april, april.gross, APRIL, PaymentWay.PROCESSOR)
    on(it, MAY)
    key, kept = platform.lines[0].line_key, Money.of("120.00", "GBP")
    net, tax = Money.of("100.00", "GBP"), Money.of("20.00", "GBP")
    april = credited(april, net, tax, MAY, CreditForm.BALANCE, key)
    assert april.credit_memos[0].ref is not None
    reasons = {april.credit_memos[0].ref.native_id: "goodwill"}
    april = april.model_copy(update={"credit_reasons": reasons})
    it.billing.bills[april.ref.native_id] = april
    assert await (await news(it.client, april)).result() == "paid"
    for number, day in ((2, MAY), (3, date(2026, 5, 20))):
        on(it, day)
        may = spans(bill_of(platform, f"in_{number}_{contract.key}", day), MAY, date(2026, 6, 1))
        left = may.gross - kept
        may = may.model_copy(
            update={"number": f"UK01-00000{number}", "balance_used": kept, "remaining": left}
        )
        it.billing.bills[may.ref.native_id] = may
        handle = await news(it.client, may)
        await until(lambda: may.ref.native_id in mirrored(it))  # noqa: B023 - awaited here
        if number == 3:
            await paid(it, may, left, day, PaymentWay.PROCESSOR)
            continue
        on(it, date(2026, 5, 20))
        void = {"status": InvoiceStatus.VOID, "voided_on": date(2026, 5, 20)}
        it.billing.bills[may.ref.native_id] = may.model_copy(update=void)
        await news(it.client, may)
        assert await handle.result() == "void"


CORRECTED: tuple[tuple[Month, Story], ...] = (
    (IN_JANUARY, a_credit_note_in_words_of_its_own),
    (IN_JANUARY, an_invoice_void_after_a_credit),
    (Month(UK, MAY, APRIL), an_invoice_void_that_the_balance_had_paid_in_part),
)
