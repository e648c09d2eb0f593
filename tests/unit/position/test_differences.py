"""What does not agree is told with its amount and its cause, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dealthread.domain.base import System
from dealthread.domain.bill import Bill
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.facts import (
    ContractFacts,
    Posting,
    RecognisedPart,
    WaitsInSummary,
    run_of,
)
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.position.standing import standing_of
from dealthread.domain.posted import DocumentKind, DocumentState, PostedDocument
from dealthread.domain.posting_summary import HeldState
from dealthread.domain.versions.revenue import first_schedule
from tests.unit.position.worked import bill, credit, ref
from tests.unit.versions import worked as w

START, MAY = date(2026, 3, 15), date(2026, 5, 31)


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


def invoice(**more: Any) -> Bill:
    return bill(w.d2(), "DE-1", START, [("L1", "17,760.00", "3,374.40")], **more)


PAID = invoice(paid=[(date(2026, 4, 14), "21,134.40")])


def document(kind: DocumentKind, number: str, net: str, tax: str) -> PostedDocument:
    return PostedDocument(
        ref=ref(kind, number, System.ERP),
        kind=kind,
        state=DocumentState.POSTED,
        document_key="DTAAAAAAAAAAAAAA",
        number=number,
        company="2",
        currency="EUR",
        net=euro(net),
        tax=euro(tax),
        gross=euro(net) + euro(tax),
        open_amount=euro("0"),
        posting_date=START,
    )


def posting(
    one: Bill, step: str, state: str = "done", made: PostedDocument | None = None, code: str = ""
) -> Posting:
    return Posting(
        business_key=run_of(one),
        step=f"erp.{step}",
        state=state,
        code=code,
        amount=None if made is None else made.gross,
        document=made,
    )


INVOICE = document(DocumentKind.INVOICE, "DE-1", "17760.00", "3374.40")
RECEIPT = document(DocumentKind.RECEIPT, "R-1", "21134.40", "0.00")


def posted(one: Bill) -> tuple[Posting, ...]:
    return (posting(one, "invoice", made=INVOICE), posting(one, "receipt", made=RECEIPT))


def recognised(amount: str) -> tuple[RecognisedPart, ...]:
    return (
        RecognisedPart(
            obligation="L1",
            line_key="L1",
            posting_date=MAY,
            amount=euro(amount),
            entry=ref("journal_key", "DTAAAAAAAAAAAAAA", System.ERP),
        ),
    )


def facts(**more: Any) -> ContractFacts:
    """D2 billed, posted, paid, and recognised to the end of May as it is planned."""
    contract = w.d2()
    version = AcceptedVersion(contract=contract, accepted_on=date(2026, 3, 2), change_id="q2c")
    given = {
        "contract_key": contract.key,
        "state": ContractState.ACTIVE,
        "versions": (version,),
        "bills": (PAID,),
        "postings": posted(PAID),
        # 827.18 + 1,459.73 + 1,508.38
        "recognised": recognised("3795.29"),
        "planned": first_schedule(contract, w.config()),
        "open_cases": {run_of(PAID): "case-1"},
    }
    return ContractFacts.model_validate(given | more)


def found(**more: Any) -> list[tuple[str, str, str]]:
    standing = standing_of(facts(**more), MAY, w.config())
    return [(one.kind, str(one.amount), one.cause) for one in standing.differences]


def test_every_amount_names_the_document_that_it_comes_from() -> None:
    """DM-04: in the system that owns it, deal and change included."""
    standing = standing_of(facts(bills=(CREDITED,)), MAY, w.config())
    assert {one.figure for one in standing.entries} >= {"sold", "billed", "recognised", "collected"}
    sources = {(one.kind, str(one.source and one.source.system)) for one in standing.entries}
    assert sources == {
        ("version", "crm"),
        ("invoice", "billing"),
        ("receipt", "billing"),
        ("credit_memo", "billing"),
        ("recognition", "erp"),
    }


def test_where_everything_agrees_nothing_is_told() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("state", "code", "cause"),
    [
        ("", "", "the ledger was not asked yet"),
        ("intent", "", "it waits for the ledger, which is away or has others to post first"),
        ("sent", "", "it waits for the ledger's answer"),
        ("unknown", "timeout", "the ledger's answer is lost; it is looked up (timeout)"),
        ("rejected", "no_period", "the ledger refused it (no_period)"),
    ],
)
def test_a_bill_that_is_not_posted_says_why_and_names_its_case(
    state: str, code: str, cause: str
) -> None:
    rows = (posting(PAID, "invoice", state, code=code),) if state else ()
    assert found(postings=rows) == [("not_posted", "21,134.40 EUR", cause)]
    (one,) = standing_of(facts(postings=rows), MAY, w.config()).differences
    assert (one.document, one.case_id, one.source) == ("DE-1", "case-1", PAID.ref)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (
            HeldState.WAITING,
            "it waits for its day's summary DE01-2026-04-01-EUR-1, due 2026-04-02 02:00 UTC",
        ),
        (HeldState.FROZEN, "the summary DE01-2026-04-01-EUR-1 is being posted"),
        (
            HeldState.POSTED,
            "the summary DE01-2026-04-01-EUR-1 has it; its own run has not read that yet",
        ),
    ],
)
def test_a_bill_that_waits_for_its_days_summary_names_it_and_the_summarys_case(
    state: HeldState, cause: str
) -> None:
    """What becomes of its own posting, where it has one, comes before."""
    waits = WaitsInSummary(
        summary_id="summary:DE01:EUR:2026-04-01:1",
        number="DE01-2026-04-01-EUR-1",
        state=state,
        due_at=datetime(2026, 4, 2, 2, tzinfo=UTC),
    )
    known = facts(postings=()).model_copy(update={"summaries": {run_of(PAID): waits}})
    (one,) = standing_of(known, MAY, w.config()).differences
    assert (one.kind, one.cause, one.case_id) == ("not_posted", cause, "case-1")
    stuck = known.model_copy(update={"open_cases": {waits.summary_id: "case-2"}})
    (one,) = standing_of(stuck, MAY, w.config()).differences
    assert one.case_id == "case-2"
    asked = known.model_copy(update={"postings": (posting(PAID, "invoice", "sent"),)})
    (one,) = standing_of(asked, MAY, w.config()).differences
    assert one.cause == "it waits for the ledger's answer"


def _void(one: Bill) -> Bill:
    update = {"status": InvoiceStatus.VOID, "voided_on": date(2026, 4, 1), "payments": ()}
    return one.model_copy(update=update)


CREDITED = credit(PAID, "CN-1", date(2026, 5, 1), "100.00", "19.00", CreditForm.BALANCE)
MEMO = document(DocumentKind.CREDIT_MEMO, "CN-1", "100.00", "19.00")
CHARGED_TWICE = invoice(paid=[(date(2026, 4, 14), "21,134.40")]).model_copy(
    update={"remaining": Money.of("5.00", "EUR")}
)


@pytest.mark.parametrize(
    ("case", "kind", "amount"),
    [
        (
            lambda: {
                "postings": (
                    posting(PAID, "invoice", made=INVOICE),
                    posting(PAID, "receipt", "intent"),
                )
            },
            "payment_not_applied",
            "21,134.40 EUR",
        ),
        (
            lambda: {
                "postings": (
                    posting(
                        PAID,
                        "invoice",
                        made=document(DocumentKind.INVOICE, "DE-1", "17760.00", "3374.41"),
                    ),
                    posting(PAID, "receipt", made=RECEIPT),
                )
            },
            "posted_differently",
            "0.01 EUR",
        ),
        (lambda: {"bills": (CREDITED,)}, "credit_not_posted", "119.00 EUR"),
        (
            lambda: {"postings": (*posted(PAID), posting(PAID, "credit", made=MEMO))},
            "posted_differently",
            "119.00 EUR",
        ),
        (
            lambda: {
                "bills": (_void(PAID),),
                "postings": (posting(PAID, "invoice", made=INVOICE),),
            },
            "voided_after_posting",
            "21,134.40 EUR",
        ),
        (lambda: {"bills": (CHARGED_TWICE,)}, "biller_disagrees", "5.00 EUR"),
        (lambda: {"recognised": ()}, "revenue_not_posted", "3,795.29 EUR"),
        (lambda: {"recognised": recognised("4000.00")}, "revenue_ahead", "204.71 EUR"),
        # Without March 2027: 17,760.00 × 14 ÷ 365.
        (lambda: {"planned": facts().planned[:-1]}, "schedule_differs", "681.21 EUR"),
    ],
)
def test_each_kind_of_difference_is_told_once(
    case: Callable[[], dict[str, Any]], kind: str, amount: str
) -> None:
    assert [one[:2] for one in found(**case())] == [(kind, amount)]


def test_a_bill_beyond_what_was_sold_is_told() -> None:
    again = bill(w.d2(), "DE-2", START, [("L1", "1.00", "0.19")], paid=[(START, "1.19")])
    one = document(DocumentKind.INVOICE, "DE-2", "1.00", "0.19")
    paid = document(DocumentKind.RECEIPT, "R-2", "1.19", "0.00")
    rows = (posting(again, "invoice", made=one), posting(again, "receipt", made=paid))
    assert [line[:2] for line in found(bills=(PAID, again), postings=(*posted(PAID), *rows))] == [
        ("billed_beyond_sold", "1.00 EUR")
    ]


def test_what_is_not_over_by_the_day_differs_in_nothing() -> None:
    before = standing_of(facts(postings=(), recognised=()), date(2026, 3, 14), w.config())
    assert before.differences == ()
    assert str(before.position.sold) == "17,760.00 EUR"
