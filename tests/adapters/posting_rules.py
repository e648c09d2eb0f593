"""Rules that every ledger behind the port keeps: what closes, opens, reverses or refuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.ledger import LedgerPeriodState
from dealthread.domain.posted import DocumentState
from dealthread.outcome import Rejected
from tests.adapters.posting_ledger import DE, UK, US, Ledger
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import document_key, done


async def a_credit_reduces_the_open_invoice(ledger: Ledger) -> None:
    """Unpaid: the memo is no money of the customer's, the invoice is that much smaller."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    first = p.invoice(
        DE, deals.NORDWERK, "2026-03-15", p.line("2300", "1000.00", "DE-19", "190.00", "EUR")
    )
    await ledger.do(first)
    part = p.line("2300", "100.00", "DE-19", "19.00", "EUR")
    memo = p.credit_memo(first, "2026-03-20", part, open_invoice="119.00")
    credited = await ledger.do(memo)
    assert credited.open_amount.amount == 0
    await ledger.expect(DE, memo.document_key, a2300="100.00", a2120="19.00", a1100="-119.00")
    assert await ledger.open_of(DE, first.document_key) == Decimal("1071.00")
    all_of_it = p.line("2300", "900.00", "DE-19", "171.00", "EUR")
    split = p.credit_memo(first, "2026-03-21", all_of_it, open_invoice="71.00", balance="1000.00")
    await ledger.do(split)
    await ledger.expect(
        DE, split.document_key, a2300="900.00", a2120="171.00", a1100="-71.00", a2210="-1000.00"
    )
    assert await ledger.open_of(DE, first.document_key) == Decimal("1000.00")
    too_much = p.credit_memo(first, "2026-03-22", all_of_it, open_invoice="1071.00")
    refused = await ledger.erp.post_credit_memo(too_much, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.code) == ("cash.over_under", "more_than_open")
    assert await ledger.erp.find_document(DE, too_much.document_key) is None


async def a_returned_receipt_opens_the_invoice(ledger: Ledger) -> None:
    """A debit that came back: both entries stay, the claim is open again."""
    await p.onboard(ledger.erp, UK, p.PENNINE)
    first = p.invoice(
        UK, p.PENNINE, "2026-04-01", p.line("2300", "400.00", "GB-20", "80.00", "GBP")
    )
    await ledger.do(first)
    paid = p.receipt("1050", "2026-04-02", "480.00", (first, "480.00"))
    await ledger.do(paid)
    undo = p.reversal(UK, paid.document_key, "2026-04-09")
    await ledger.do(undo)
    await ledger.expect(UK, undo.document_key, a1050="-480.00", a1100="480.00")
    opened = await ledger.erp.read_document(UK, first.document_key)
    assert (opened.state, opened.open_amount.amount) == (DocumentState.POSTED, Decimal("480.00"))
    assert (await ledger.erp.read_document(UK, paid.document_key)).reversal is not None
    await ledger.do(p.receipt("1000", "2026-04-20", "480.00", (first, "480.00")))
    nothing = p.reversal(UK, document_key(), "2026-04-09")
    assert done(await ledger.erp.reverse_journal(nothing, idempotency_key="k")) is None


async def a_journal_is_reversed_by_its_opposite(ledger: Ledger) -> None:
    """Never deleted; a second reversal with the same key is the same."""
    made = p.journal(US, "2026-01-31", "USD", {"2300": "10.00"}, {"4000": "10.00"})
    await ledger.do(made)
    undo = p.reversal(US, made.document_key, "2026-02-01")
    await ledger.do(undo)
    await ledger.expect(US, undo.document_key, a2300="-10.00", a4000="10.00")


async def a_closed_period_is_a_case_of_its_own(ledger: Ledger) -> None:
    """The caller decides the posting date; only that date is moved."""
    await p.onboard(ledger.erp, US, deals.HARBORLINE)
    early = p.journal(US, "2025-12-31", "USD", {"2300": "10.00"}, {"4000": "10.00"})
    bill = p.invoice(
        US, deals.HARBORLINE, "2025-12-15", p.line("2300", "10.00", "US-TX-SVC0", "0.00", "USD")
    )
    for outcome in (
        await ledger.erp.post_journal(early, idempotency_key="k"),
        await ledger.erp.post_invoice(bill, idempotency_key="k"),
    ):
        assert isinstance(outcome, Rejected)
        assert outcome.case_kind == "erp.period_closed"
    moved = bill.model_copy(update={"dates": p.dates("2025-12-15", "2026-01-01")})
    posted = await ledger.do(moved)
    assert (posted.issue_date, posted.posting_date) == (date(2025, 12, 15), date(2026, 1, 1))


async def a_month_that_is_closed_takes_no_more(ledger: Ledger) -> None:
    """Closed once, however often it is asked; a document of it stays, a later one is refused and
    the next open day is told. The months before and after it, and other companies, stay open."""
    month, after = date(2027, 10, 1), date(2027, 11, 1)
    kept = p.journal(DE, "2027-10-31", "EUR", {"2300": "10.00"}, {"4000": "10.00"})
    await ledger.do(kept)
    before = await ledger.erp.read_period(DE, month)
    assert (before.state, before.start, before.end) == (LedgerPeriodState.OPEN, month, after)
    assert await ledger.erp.unposted(DE, month) == ()
    for _ in range(2):
        closed = done(await ledger.erp.close_period(DE, month, idempotency_key="k"))
        assert closed.state is LedgerPeriodState.CLOSED
        assert closed.ref == before.ref
    late = p.journal(DE, "2027-10-31", "EUR", {"2300": "1.00"}, {"4000": "1.00"})
    undo = p.reversal(DE, kept.document_key, "2027-10-31")
    for outcome in (
        await ledger.erp.post_journal(late, idempotency_key="k"),
        await ledger.erp.reverse_journal(undo, idempotency_key="k"),
    ):
        assert isinstance(outcome, Rejected)
        assert outcome.case_kind == "erp.period_closed"
    assert await ledger.erp.find_document(DE, late.document_key) is None
    await ledger.do(late.model_copy(update={"posting_date": after}))
    for company, other in ((DE, date(2027, 9, 1)), (US, month)):
        assert (await ledger.erp.read_period(company, other)).state is LedgerPeriodState.OPEN


async def more_than_is_open_is_refused(ledger: Ledger) -> None:
    """Neither a receipt nor a write-off makes a claim negative; nothing is written."""
    await p.onboard(ledger.erp, US, deals.HARBORLINE)
    first = p.invoice(
        US, deals.HARBORLINE, "2026-01-10", p.line("2300", "10.00", "US-TX-SVC0", "0.00", "USD")
    )
    await ledger.do(first)
    over = p.receipt("1000", "2026-01-11", "10.01", (first, "10.01"))
    outcome = await ledger.erp.apply_receipt(over, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert outcome.case_kind == "cash.over_under"
    given_up = p.write_off(first, "2026-01-12", a6500="10.01")
    assert isinstance(await ledger.erp.post_write_off(given_up, idempotency_key="k"), Rejected)
    assert await ledger.erp.find_document(US, over.document_key) is None
    assert await ledger.open_of(US, first.document_key) == Decimal("10.00")


async def a_tax_is_the_billers_to_the_cent(ledger: Ledger) -> None:
    """A unit a line is rounding and the biller's counts; more is a case."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    off = p.invoice(
        DE, deals.NORDWERK, "2026-03-01", p.line("2300", "10.00", "DE-19", "1.91", "EUR")
    )
    await ledger.do(off)
    await ledger.expect(DE, off.document_key, a1100="11.91", a2300="-10.00", a2120="-1.91")
    wrong = p.invoice(
        DE, deals.NORDWERK, "2026-03-01", p.line("2300", "10.00", "DE-19", "1.92", "EUR")
    )
    outcome = await ledger.erp.post_invoice(wrong, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.field) == ("tax.difference", "tax")
    assert await ledger.erp.find_document(DE, wrong.document_key) is None


async def a_credit_that_states_no_tax_gives_none_back(ledger: Ledger) -> None:
    """A credit in the biller's own words beside one with tax: 50.00 without, 100.00 and 19.00; what
    is left of 1,190.00 is 1,021.00."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    charge = p.line("2300", "1000.00", "DE-19", "190.00", "EUR", item="SEAT-STD")
    first = p.invoice(DE, deals.NORDWERK, "2026-03-15", charge)
    await ledger.do(first)
    untaxed = p.line("2300", "50.00", "", "0.00", "EUR", item="SEAT-STD", key="L-UNTAXED")
    taxed = p.line("2300", "100.00", "DE-19", "19.00", "EUR", item="SEAT-STD")
    memo = p.credit_memo(first, "2026-03-20", untaxed, taxed, open_invoice="169.00")
    await ledger.do(memo)
    await ledger.expect(DE, memo.document_key, a2300="150.00", a2120="19.00", a1100="-169.00")
    assert await ledger.open_of(DE, first.document_key) == Decimal("1021.00")
    alone = p.line("2300", "21.00", "", "0.00", "EUR", item="SEAT-STD")
    last = p.credit_memo(first, "2026-03-21", alone, open_invoice="21.00")
    await ledger.do(last)
    await ledger.expect(DE, last.document_key, a2300="21.00", a1100="-21.00")


async def what_remains_of_an_invoice_is_reversed(ledger: Ledger) -> None:
    """1,190.00, of which 200.00 came from the balance and 119.00 and 50.00 without tax were
    credited: 821.00 are closed, 200.00 are the customer's again, and nothing is left."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    charge = p.line("2300", "1000.00", "DE-19", "190.00", "EUR", item="SEAT-STD", key="L-1")
    first = p.invoice(DE, deals.NORDWERK, "2026-03-15", charge)
    await ledger.do(first)
    await ledger.do(p.receipt("2210", "2026-03-15", "200.00", (first, "200.00")))
    taxed = p.line("2300", "100.00", "DE-19", "19.00", "EUR", item="SEAT-STD")
    untaxed = p.line("2300", "50.00", "", "0.00", "EUR", item="SEAT-STD")
    await ledger.do(p.credit_memo(first, "2026-03-18", taxed, untaxed, open_invoice="169.00"))
    less = (
        one.model_copy(update={"net": -one.net, "tax": -one.tax, "line_key": f"L-{number}"})
        for number, one in enumerate((taxed, untaxed), start=2)
    )
    rest = p.credit_memo(
        first, "2026-03-20", charge, *less, open_invoice="821.00", balance="200.00"
    )
    await ledger.do(rest)
    await ledger.expect(
        DE, rest.document_key, a2300="850.00", a2120="171.00", a1100="-821.00", a2210="-200.00"
    )
    assert await ledger.open_of(DE, first.document_key) == Decimal(0)


RULES = (
    what_remains_of_an_invoice_is_reversed,
    a_credit_reduces_the_open_invoice,
    a_credit_that_states_no_tax_gives_none_back,
    a_returned_receipt_opens_the_invoice,
    a_journal_is_reversed_by_its_opposite,
    a_closed_period_is_a_case_of_its_own,
    a_month_that_is_closed_takes_no_more,
    more_than_is_open_is_refused,
    a_tax_is_the_billers_to_the_cent,
)
