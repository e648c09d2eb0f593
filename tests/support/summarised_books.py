"""D1's and D4's first invoices of facts/domain.md §9, paid by card: one document of the ledger."""

from __future__ import annotations

from datetime import date

from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.documents import receipt_of
from dealthread.domain.position.facts import (
    OUT_OF_SUMMARY,
    SINGLE_INVOICE,
    SINGLE_RECEIPT,
    Posting,
    run_of,
)
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import (
    Member,
    SummaryPlace,
    by_itself,
    held_invoice,
    held_receipt,
    summary_invoice,
    summary_receipts,
    taking_out,
)
from tests.support import deals
from tests.support import postings as p
from tests.support.closing_books import COMPANY, US, June, invoice_of, june
from tests.support.invoice_lab import ref_of

FEBRUARY = date(2026, 2, 1)
PLACE = SummaryPlace(
    tenant="default",
    seller=US,
    erp="tryton",
    company=COMPANY,
    currency="USD",
    issue_date=FEBRUARY,
    part=1,
    customer_key="A-CARDCUSTOMERS",
)
PARTIES = {"d1": (deals.HARBORLINE, "US-TX-SAAS"), "d4": (deals.COBALT, "US-NY-SAAS")}


def summarised() -> June:
    """What happened by the end of June, had both been paid by card on 1 February."""
    it = june()
    old = {
        one.document.document_key
        for facts in it.facts.values()
        for one in facts.postings
        if one.document is not None
    }
    it.ledger.entries = [one for one in it.ledger.entries if one.document_key not in old]
    it.ledger.documents = {
        at: one for at, one in it.ledger.documents.items() if one.document_key not in old
    }
    bills = {name: _paid(it.facts[name].bills[0]) for name in it.facts}
    members = {name: _member(name, bill) for name, bill in bills.items()}
    summary = it.ledger.invoice(summary_invoice(PLACE, list(members.values())))
    (paid,) = [it.ledger.receipt(one) for one in summary_receipts(PLACE, list(members.values()))]
    for name, member in members.items():
        bill = bills[name]
        invoice = held_invoice(PLACE, member.invoice, summary)
        receipt = held_receipt(PLACE, member.receipts[0], paid)
        it.facts[name] = it.facts[name].model_copy(
            update={
                "bills": (bill,),
                "postings": (
                    _posting(bill, "erp.invoice", invoice),
                    _posting(bill, "erp.receipt", receipt),
                ),
                "receipts": {receipt_of(bill, bill.payments[0].ref.native_id): receipt},
            }
        )
    return it


def taken_out(it: June, day: date, *, again: bool = True) -> None:
    """D4's is taken out and posted by itself, unless it is not posted `again`."""
    facts = it.facts["d4"]
    bill = facts.bills[0]
    member = _member("d4", bill)
    steps = [(OUT_OF_SUMMARY, it.ledger.credit_memo(taking_out(PLACE, member, day)))]
    if again:
        single = by_itself(member, day)
        steps.append((SINGLE_INVOICE, it.ledger.invoice(single.invoice)))
        steps.append((SINGLE_RECEIPT, it.ledger.receipt(single.receipts[0])))
    more = tuple(_posting(bill, step, document) for step, document in steps)
    it.facts["d4"] = facts.model_copy(update={"postings": (*facts.postings, *more)})


def _paid(bill: Bill) -> Bill:
    payment = BillPayment(
        ref=ref_of(bill.ref.account, "payment", f"py_{bill.ref.native_id}"),
        amount=bill.gross,
        paid_on=FEBRUARY,
        way=PaymentWay.PROCESSOR,
    )
    return bill.model_copy(
        update={
            "issue_date": FEBRUARY,
            "payments": (payment,),
            "remaining": Money.zero("USD"),
            "status": InvoiceStatus.PAID,
        }
    )


_KEYS: dict[str, Member] = {}


def _member(name: str, bill: Bill) -> Member:
    """The same documents each time."""
    if name not in _KEYS:
        party, tax_code = PARTIES[name]
        command = invoice_of(bill, party, tax_code)
        amount = str(bill.gross.amount)
        receipt = p.receipt("1050", str(FEBRUARY), amount, (command, amount))
        _KEYS[name] = Member(invoice=command, receipts=(receipt,))
    return _KEYS[name]


def _posting(bill: Bill, step: str, document: PostedDocument) -> Posting:
    return Posting(
        business_key=run_of(bill), step=step, state="done", amount=document.gross, document=document
    )
