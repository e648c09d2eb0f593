"""Credits of an invoice in another currency, on days with another rate, through the port (DM-11).

A euro is 0.85 pounds from 2026-06-01 and 0.842 from 2026-06-29. A credit takes the rate of the
invoice that it corrects (docs/money.md, facts of the trade: "rate of the original"): it takes off
deferred revenue and receivable what the invoice had put there, so that nothing is realised by it.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentState
from dealthread.domain.receivable import (
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerLine,
    TakenBackCredit,
    taken_back_number,
)
from dealthread.outcome import Rejected
from tests.adapters.posting_deals import rate
from tests.adapters.posting_ledger import DE, UK, Ledger
from tests.support import postings as p
from tests.support.tryton import document_key, done

JUNE, LATER = "2026-06-01", "2026-07-01"
OWN = rate("0.85", JUNE)


def _pounds(amount: str) -> Money:
    return p.money(amount, "GBP")


def _line(net: str) -> LedgerLine:
    return p.line("2300", net, "GB-OOS", "0.00", "EUR")


def _memo(bill: LedgerInvoice, on: str, *lines: LedgerLine, **forms: str) -> LedgerCreditMemo:
    return p.credit_memo(bill, on, *lines, **forms).model_copy(update={"rate": bill.rate})


async def _billed(ledger: Ledger, net: str) -> LedgerInvoice:
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    bill = p.invoice(UK, p.LIFFEY, JUNE, _line(net), due=LATER, terms="NET30", rate=OWN)
    await ledger.do(bill)
    return bill


async def a_credit_takes_the_rate_of_its_invoice(ledger: Ledger) -> None:
    """1,200.00 EUR less are 1,020.00 GBP less, not the 1,010.40 of its day; the payment realises
    the loss of the 10,800.00 EUR that are left, 86.40, and nothing is open in either currency."""
    bill = await _billed(ledger, "12000.00")
    memo = _memo(bill, LATER, _line("1200.00"), open_invoice="1200.00")
    posted = await ledger.do(memo)
    assert (posted.rate, posted.issue_date) == (OWN, p.day(LATER))
    assert (posted.gross, posted.open_amount.amount) == (memo.gross, 0)
    assert (posted.ledger_gross, posted.rounding) == (_pounds("1020.00"), _pounds("0.00"))
    await ledger.expect(UK, memo.document_key, a1100="-1020.00", a2300="1020.00")
    left = await ledger.erp.read_document(UK, bill.document_key)
    assert (left.open_amount, left.open_ledger_amount) == (
        p.money("10800.00", "EUR"),
        p.money("9180.00", "GBP"),
    )
    paid = p.receipt(
        "1000",
        LATER,
        "10800.00",
        (bill, "10800.00"),
        rate=rate("0.842", "2026-06-29"),
        carried="9180.00",
    )
    await ledger.do(paid)
    await ledger.expect(UK, paid.document_key, a1000="9093.60", a7000="86.40", a1100="-9180.00")
    await _is_closed(ledger, UK, bill)


async def a_void_takes_back_what_was_posted(ledger: Ledger) -> None:
    """With tax, in a ledger in euros: net 117.65, tax 22.35, the whole 140.00; of the day it would
    be 118.76, 22.57 and 141.33."""
    await p.onboard(ledger.erp, DE, p.PENNINE)
    line = p.line("2300", "100.00", "DE-19", "19.00", "GBP")
    given = await ledger.erp.exchange_rate(DE, "GBP", p.day(JUNE))
    assert given is not None
    bill = p.invoice(DE, p.PENNINE, JUNE, line, rate=given)
    await ledger.do(bill)
    await ledger.expect(DE, bill.document_key, a1100="140.00", a2300="-117.65", a2120="-22.35")
    memo = _memo(bill, LATER, line, open_invoice="119.00")
    assert (await ledger.do(memo)).rate == given
    await ledger.expect(DE, memo.document_key, a1100="-140.00", a2300="117.65", a2120="22.35")
    await _is_closed(ledger, DE, bill)


async def the_last_credit_takes_the_last_of_what_the_books_carry(ledger: Ledger) -> None:
    """1.01 EUR are 0.86 GBP; 0.17 and 0.84 of it are 0.14 and 0.71: the penny of rounding is
    realised, and nothing stays open in pounds."""
    bill = await _billed(ledger, "1.01")
    await ledger.expect(UK, bill.document_key, a1100="0.86", a2300="-0.86")
    first = _memo(bill, LATER, _line("0.17"), open_invoice="0.17")
    await ledger.do(first)
    await ledger.expect(UK, first.document_key, a1100="-0.14", a2300="0.14")
    last = _memo(bill, LATER, _line("0.84"), open_invoice="0.84")
    posted = await ledger.do(last)
    assert (posted.ledger_gross, posted.rounding) == (_pounds("0.72"), _pounds("0.01"))
    await ledger.expect(UK, last.document_key, a1100="-0.72", a2300="0.71", a7000="0.01")
    await _is_closed(ledger, UK, bill)


async def what_is_open_is_taken_whole_by_a_credit_of_which_the_rest_is_kept(
    ledger: Ledger,
) -> None:
    """0.84 EUR are left of 1.01, carried at 0.72 GBP. A credit of 0.86 EUR is 0.73 (0.731): 0.72
    close the invoice, and 0.01 is the customer's, where 0.02 EUR by themselves are 0.02 (0.017)."""
    bill = await _billed(ledger, "1.01")
    await ledger.do(_memo(bill, LATER, _line("0.17"), open_invoice="0.17"))
    memo = _memo(bill, LATER, _line("0.86"), open_invoice="0.84", balance="0.02")
    await ledger.do(memo)
    await ledger.expect(UK, memo.document_key, a2300="0.73", a1100="-0.72", a2210="-0.01")
    await _is_closed(ledger, UK, bill)


async def a_total_is_converted_by_itself(ledger: Ledger) -> None:
    """Lines of 0.17 and 0.84 EUR are 0.14 and 0.71 GBP, their sum 0.86: the penny is in the account
    for exchange differences, and a void takes it back."""
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    lines = (_line("0.17"), _line("0.84").model_copy(update={"line_key": "L-2"}))
    bill = p.invoice(UK, p.LIFFEY, JUNE, *lines, rate=OWN)
    posted = await ledger.do(bill)
    assert (posted.ledger_gross, posted.rounding) == (_pounds("0.86"), _pounds("0.01"))
    await ledger.expect(UK, bill.document_key, a1100="0.86", a2300="-0.85", a7000="-0.01")
    memo = _memo(bill, LATER, *lines, open_invoice="1.01")
    await ledger.do(memo)
    await ledger.expect(UK, memo.document_key, a1100="-0.86", a2300="0.85", a7000="0.01")
    await _is_closed(ledger, UK, bill)


async def a_credit_to_the_balance_is_held_at_that_rate(ledger: Ledger) -> None:
    """The invoice is paid: 100.00 EUR are 85.00 GBP of the customer's, in part against an invoice
    that has the rest open."""
    bill = await _billed(ledger, "300.00")
    paid = p.receipt("1000", JUNE, "270.00", (bill, "270.00"), rate=OWN, carried="229.50")
    await ledger.do(paid)
    memo = _memo(bill, LATER, _line("100.00"), open_invoice="30.00", balance="70.00")
    await ledger.do(memo)
    await ledger.expect(UK, memo.document_key, a2300="85.00", a1100="-25.50", a2210="-59.50")
    await _is_closed(ledger, UK, bill)


async def a_credit_is_taken_back_at_the_same_rate(ledger: Ledger) -> None:
    """The invoice is open as before, in both currencies."""
    bill = await _billed(ledger, "200.00")
    memo = _memo(bill, "2026-06-30", _line("100.00"), open_invoice="100.00")
    await ledger.do(memo)
    undo = TakenBackCredit(
        document=p.invoice(UK, p.LIFFEY, LATER, *memo.lines, rate=OWN).model_copy(
            update={"document_key": document_key(), "number": taken_back_number(memo.number)}
        ),
        memo=memo.document_key,
        invoice=bill.document_key,
    )
    for _ in range(2):
        made = done(await ledger.erp.take_back_credit(undo, idempotency_key="k"))
        assert (made.rate, made.open_amount.amount) == (OWN, 0)
    await ledger.expect(UK, undo.document.document_key, a1100="85.00", a2300="-85.00")
    whole = await ledger.erp.read_document(UK, bill.document_key)
    assert (whole.open_amount, whole.open_ledger_amount) == (
        p.money("200.00", "EUR"),
        p.money("170.00", "GBP"),
    )


async def a_credit_at_another_rate_than_its_invoices_is_refused(ledger: Ledger) -> None:
    """Nothing is posted, nothing is taken off the invoice."""
    bill = await _billed(ledger, "100.00")
    wrong = p.credit_memo(bill, LATER, _line("10.00"), open_invoice="10.00").model_copy(
        update={"rate": rate("0.842", "2026-06-29")}
    )
    refused = await ledger.erp.post_credit_memo(wrong, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.code) == ("erp.rejected", "rate_differs")
    assert await ledger.erp.find_document(UK, wrong.document_key) is None
    assert await ledger.open_of(UK, bill.document_key) == Decimal("100.00")


async def _is_closed(ledger: Ledger, company: str, bill: LedgerInvoice) -> None:
    closed = await ledger.erp.read_document(company, bill.document_key)
    assert (closed.state, closed.open_amount.amount) == (DocumentState.PAID, 0)
    assert closed.open_ledger_amount is not None
    assert closed.open_ledger_amount.amount == 0
    await ledger.balances(company)


CREDIT_RATES = (
    a_credit_takes_the_rate_of_its_invoice,
    a_void_takes_back_what_was_posted,
    the_last_credit_takes_the_last_of_what_the_books_carry,
    what_is_open_is_taken_whole_by_a_credit_of_which_the_rest_is_kept,
    a_total_is_converted_by_itself,
    a_credit_to_the_balance_is_held_at_that_rate,
    a_credit_is_taken_back_at_the_same_rate,
    a_credit_at_another_rate_than_its_invoices_is_refused,
)
