"""A credit that its issuer withdraws, through the ledger's port."""

from __future__ import annotations

from decimal import Decimal

from dealthread.domain.posted import DocumentState
from dealthread.domain.receivable import (
    LedgerCreditMemo,
    LedgerInvoice,
    TakenBackCredit,
    taken_back_number,
)
from dealthread.outcome import Rejected
from tests.adapters.posting_ledger import DE, Ledger
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import document_key, done


def _undo(memo: LedgerCreditMemo) -> TakenBackCredit:
    on = p.day("2026-03-20")
    return TakenBackCredit(
        document=LedgerInvoice(
            document_key=document_key(),
            number=taken_back_number(memo.number),
            billing=memo.billing,
            company=memo.company,
            customer_key=memo.customer_key,
            currency=memo.currency,
            dates=p.dates("2026-03-20"),
            lines=memo.lines,
            net=memo.net,
            tax=memo.tax,
            gross=memo.gross,
            contract_key=memo.contract_key,
            business_key=memo.business_key,
            due_date=on,
            payment_terms="NET30",
        ),
        memo=memo.document_key,
        invoice=memo.corrects,
    )


async def a_credit_is_taken_back_while_its_invoice_is_open(ledger: Ledger) -> None:
    """PF-09: the invoice is open as before, both documents are in the books and closed; what is
    left of it is paid afterwards."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    charge = p.line("2300", "1000.00", "DE-19", "190.00", "EUR", item="SEAT-STD")
    first = p.invoice(DE, deals.NORDWERK, "2026-03-16", charge, due="2026-04-15", terms="NET30")
    await ledger.do(first)
    back = p.line("2300", "100.00", "DE-19", "19.00", "EUR", item="SEAT-STD")
    memo = p.credit_memo(first, "2026-03-18", back, open_invoice="119.00")
    await ledger.do(memo)
    assert await ledger.open_of(DE, first.document_key) == Decimal("1071.00")
    undo = _undo(memo)
    for _ in range(2):
        made = done(await ledger.erp.take_back_credit(undo, idempotency_key="k"))
        assert (made.number, made.open_amount.amount) == (f"{memo.number} void", 0)
        assert await ledger.open_of(DE, first.document_key) == Decimal("1190.00")
    key = undo.document.document_key
    await ledger.expect(DE, key, a1100="119.00", a2300="-100.00", a2120="-19.00")
    assert await ledger.made(DE, memo.document_key) == p.amounts(
        a1100="-119.00", a2300="100.00", a2120="19.00"
    )
    await ledger.do(p.receipt("1000", "2026-04-10", "1190.00", (first, "1190.00")))
    paid = await ledger.erp.read_document(DE, first.document_key)
    assert (paid.state, paid.open_amount.amount) == (DocumentState.PAID, Decimal(0))
    await ledger.balances(DE)


async def a_credit_that_closed_its_invoice_is_not_taken_back(ledger: Ledger) -> None:
    """It is a person's: the invoice is paid with it."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    charge = p.line("2300", "100.00", "DE-19", "19.00", "EUR", item="SEAT-STD")
    first = p.invoice(DE, deals.NORDWERK, "2026-03-16", charge, due="2026-04-15", terms="NET30")
    await ledger.do(first)
    memo = p.credit_memo(first, "2026-03-18", charge, open_invoice="119.00")
    await ledger.do(memo)
    undo = _undo(memo)
    refused = await ledger.erp.take_back_credit(undo, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.code) == ("erp.rejected", "credit_is_used")
    assert await ledger.erp.find_document(DE, undo.document.document_key) is None


TAKING_BACK = (
    a_credit_is_taken_back_while_its_invoice_is_open,
    a_credit_that_closed_its_invoice_is_not_taken_back,
)
