"""OB-09: the figures in the ledger's currency, at the rates of the documents: D5 of facts/domain.md
§9.6 and §9.9, sold in euros by a company whose books are in pounds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.base import System
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import CreditForm
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.position.documents import receipt_of
from dealthread.domain.position.entry import Entry, Figure
from dealthread.domain.position.facts import ContractFacts, Posting, RecognisedPart, run_of
from dealthread.domain.position.in_ledger import LedgerPosition, Unconverted, by_entity, in_ledger
from dealthread.domain.position.standing import standing_of
from dealthread.domain.posted import DocumentKind, DocumentState, PostedDocument
from tests.unit.position import worked
from tests.unit.versions import worked as w

JUNE, JUNE_29 = date(2026, 6, 1), date(2026, 6, 29)
# facts/domain.md §9.7: D5 by month in euros and in pounds.
MONTHS = [
    (6, "393.98", "334.88"),
    (7, "407.11", "346.04"),
    (7, "2400.00", "2040.00"),
    (8, "407.11", "346.04"),
    (9, "393.98", "334.88"),
    (10, "407.11", "346.04"),
    (11, "393.98", "334.88"),
    (12, "407.11", "346.04"),
]


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


def rate(value: str, on: date) -> LedgerRate:
    return LedgerRate(currency="GBP", rate=Decimal(value), rate_date=on, source="treasury")


def posted(
    kind: DocumentKind,
    number: str,
    amount: str,
    at: LedgerRate | None,
    *,
    on: date,
    carried: str = "",
) -> PostedDocument:
    """`carried`: what the ledger answered to be open in pounds."""
    whole = eur(amount)
    return PostedDocument(
        ref=worked.ref(kind.value, f"{kind}-{number}", System.ERP),
        kind=kind,
        state=DocumentState.POSTED,
        document_key=f"DT{number.replace('-', '')[:6]:0<6}{kind.value.upper():A<8}"[:16],
        number=number,
        company="3",
        currency="EUR",
        net=whole,
        tax=eur("0"),
        gross=whole,
        open_amount=whole if carried else eur("0"),
        open_ledger_amount=gbp(carried or "0"),
        rate=at,
        posting_date=on,
    )


def d5(*paid: tuple[str, str], is_posted: bool = True) -> ContractFacts:
    """Payments of 2026-06-29: amount and rate."""
    story = worked.d5()
    contract = story.contract
    bill = worked.bill(
        contract,
        "UK-000003",
        JUNE,
        [("L1", "12,000.00", "0")],
        paid=[(JUNE_29, amount) for amount, _ in paid],
    )
    invoice = posted(
        DocumentKind.INVOICE,
        "UK-000003",
        "12000.00",
        rate("0.8500", JUNE),
        on=JUNE,
        carried="10200.00",
    )
    receipts = {
        receipt_of(bill, one.ref.native_id): posted(
            DocumentKind.RECEIPT, f"R-{at}", str(one.amount.amount), rate(of, JUNE_29), on=JUNE_29
        )
        for at, (one, (_, of)) in enumerate(zip(bill.payments, paid, strict=True))
    }
    steps = [("erp.invoice", invoice), *(("erp.receipt", one) for one in receipts.values())]
    return ContractFacts(
        contract_key=contract.key,
        state=ContractState.ACTIVE,
        versions=story.versions,
        bills=(bill,),
        postings=tuple(
            Posting(
                business_key=run_of(bill),
                step=step,
                state="done",
                amount=document.gross,
                document=document,
            )
            for step, document in steps
        )
        if is_posted
        else (),
        receipts=receipts if is_posted else {},
        recognised=tuple(
            RecognisedPart(
                obligation="o",
                line_key="L1",
                posting_date=date(2026, month, 28),
                amount=eur(amount),
                ledger_amount=gbp(own),
            )
            for month, amount, own in MONTHS
        )
        if is_posted
        else (),
    )


def seen(facts: ContractFacts, day: date = worked.YEAR_END) -> tuple[LedgerPosition, list[Entry]]:
    ledger, entries = in_ledger(facts, standing_of(facts, day, w.config()), "GBP")
    return ledger, list(entries)


def untied(one: LedgerPosition) -> Money:
    """T7 of facts/domain.md §6 with the realised difference, as §9.9 states it."""
    left = one.invoiced_gross - one.collected - one.written_off - one.exchange_loss
    return left - (one.receivable - one.credit_balance - one.unapplied_cash)


def test_d5_stands_in_pounds_as_published() -> None:
    """§9.9, column D5 GBP ledger."""
    ledger, _ = seen(d5(("12000.00", "0.8420")))
    assert {
        "sold": str(ledger.sold),
        "billed": str(ledger.billed),
        "recognised": str(ledger.recognised),
        "deferred": str(ledger.deferred),
        "invoiced": str(ledger.invoiced_gross),
        "collected": str(ledger.collected),
        "receivable": str(ledger.receivable),
        "exchange loss": str(ledger.exchange_loss),
        "ARR": str(ledger.arr),
    } == {
        "sold": "10,200.00 GBP",
        "billed": "10,200.00 GBP",
        "recognised": "4,428.80 GBP",
        "deferred": "5,771.20 GBP",
        "invoiced": "10,200.00 GBP",
        "collected": "10,104.00 GBP",
        "receivable": "0.00 GBP",
        "exchange loss": "96.00 GBP",
        "ARR": "4,080.00 GBP",
    }
    assert ledger.unconverted == ()
    assert not untied(ledger)


def test_before_the_payment_the_receivable_is_what_the_ledger_carries() -> None:
    ledger, _ = seen(d5(("12000.00", "0.8420")), date(2026, 6, 15))
    assert (ledger.receivable, ledger.collected) == (gbp("10200.00"), gbp("0"))
    assert (ledger.recognised, ledger.deferred) == (gbp("0"), gbp("10200.00"))
    assert not untied(ledger)


def test_each_payment_takes_its_share_and_the_last_one_takes_the_rest() -> None:
    """3,333.33 of 12,000.00 carried at 10,200.00 stand for 2,833.33 (2,833.3305); the rest,
    8,666.67, takes 7,366.67. They come in at 0.9000 and 0.8000: 3,000.00 (2,999.997) and 6,933.34
    (6,933.336), so that 266.66 are lost."""
    ledger, entries = seen(d5(("3333.33", "0.9000"), ("8666.67", "0.8000")))
    taken = [
        one.ledger_amount
        for one in entries
        if one.figure is Figure.RECEIVABLE and one.kind == "receipt"
    ]
    assert taken == [gbp("-2833.33"), gbp("-7366.67")]
    assert (ledger.collected, ledger.receivable) == (gbp("9933.34"), gbp("0"))
    assert ledger.exchange_loss == gbp("266.66")
    assert not untied(ledger)


def test_a_credit_takes_the_rate_of_its_invoice_and_lines_are_converted_each_by_itself() -> None:
    """A credit of 100.01 at 0.8500 is 85.01 (85.0085)."""
    facts = d5()
    (bill,) = facts.bills
    credited = worked.credit(bill, "CN-1", JUNE_29, "100.01", "0", CreditForm.OPEN_INVOICE)
    memo = posted(DocumentKind.CREDIT_MEMO, "CN-1", "100.01", rate("0.8500", JUNE), on=JUNE_29)
    posting = Posting(business_key=run_of(bill), step="erp.credit", state="done", document=memo)
    facts = facts.model_copy(update={"bills": (credited,), "postings": (*facts.postings, posting)})
    ledger, _ = seen(facts)
    assert (ledger.billed, ledger.receivable) == (gbp("10114.99"), gbp("10114.99"))
    assert not untied(ledger)


def credited(*parts: tuple[str, str, dict[CreditForm, str]]) -> ContractFacts:
    """D5 with credits of 2026-06-29: of how many euros, at what the ledger posted each, in which
    forms."""
    facts = d5()
    (bill,) = facts.bills
    postings = list(facts.postings)
    for at, (part, told, forms) in enumerate(parts):
        number = f"CN-{at}"
        bill = worked.credit(bill, number, JUNE_29, part, "0", CreditForm.OPEN_INVOICE)
        *before, last = bill.credit_memos
        last = last.model_copy(update={"forms": {form: eur(of) for form, of in forms.items()}})
        bill = bill.model_copy(update={"credit_memos": (*before, last)})
        memo = posted(DocumentKind.CREDIT_MEMO, number, part, rate("0.8500", JUNE), on=JUNE_29)
        memo = memo.model_copy(update={"ledger_gross": gbp(told)})
        postings.append(
            Posting(business_key=run_of(bill), step="erp.credit", state="done", document=memo)
        )
    return facts.model_copy(update={"bills": (bill,), "postings": tuple(postings)})


OF_INVOICE = CreditForm.OPEN_INVOICE
SMALL = (("0.17", "0.14", {OF_INVOICE: "0.17"}), ("0.84", "0.71", {OF_INVOICE: "0.84"}))
"""0.1445 and 0.714 by themselves: of 10,200.00, 12,000.00 at 0.8500, 10,199.15 are left for
11,998.99, which by themselves are 10,199.14 (10,199.1415)."""


def test_the_last_credit_takes_the_last_of_what_the_books_carry() -> None:
    ledger, _ = seen(credited(*SMALL, ("11998.99", "10199.15", {OF_INVOICE: "11998.99"})))
    assert (ledger.receivable, ledger.invoiced_gross) == (gbp("0.00"), gbp("0.00"))
    assert not untied(ledger)


def test_a_credit_closes_its_invoice_at_what_it_is_carried_at_and_keeps_the_rest() -> None:
    """A credit of 11,999.01 is 10,199.16 (10,199.1585): the invoice takes 10,199.15, the balance
    0.01, where 0.02 by themselves are 0.02."""
    forms = {OF_INVOICE: "11998.99", CreditForm.BALANCE: "0.02"}
    ledger, _ = seen(credited(*SMALL, ("11999.01", "10199.16", forms)))
    assert (ledger.receivable, ledger.credit_balance) == (gbp("0.00"), gbp("0.01"))
    assert not untied(ledger)


def test_what_is_not_in_the_ledger_has_no_rate_and_none_is_made_up() -> None:
    """It is told beside the figures, in euros."""
    ledger, entries = seen(d5(is_posted=False))
    zero = gbp("0")
    assert {ledger.sold, ledger.billed, ledger.receivable, ledger.arr, ledger.deferred} == {zero}
    assert {(one.figure, str(one.amount)) for one in ledger.unconverted} == {
        ("sold", "12,000.00 EUR"),
        ("billed", "12,000.00 EUR"),
        ("invoiced_gross", "12,000.00 EUR"),
        ("receivable", "12,000.00 EUR"),
        ("arr", "4,800.00 EUR"),
    }
    assert [one.ledger_amount for one in entries] == [None] * len(entries)


def test_a_part_that_is_sold_and_not_billed_is_told_in_the_contracts_currency() -> None:
    """D4's ramp, of a company whose books were in pounds: 151,200.00 of 194,400.00 are no
    document's yet."""
    story = worked.d4()
    facts = ContractFacts(
        contract_key=story.contract.key,
        state=ContractState.ACTIVE,
        versions=story.versions,
    )
    ledger, _ = in_ledger(facts, standing_of(facts, worked.YEAR_END, w.config()), "GBP")
    (sold,) = [one for one in ledger.unconverted if one.figure == "sold"]
    assert sold == Unconverted(figure="sold", amount=Money.of("194400.00", "USD"))


@pytest.mark.parametrize("day", [date(2026, 6, 1), worked.YEAR_END])
def test_a_contract_in_the_ledgers_own_currency_counts_as_it_is(day: date) -> None:
    story = worked.d3()
    facts = ContractFacts(
        contract_key=story.contract.key,
        state=ContractState.ACTIVE,
        versions=story.versions,
        bills=story.bills,
    )
    standing = standing_of(facts, day, w.config())
    ledger, entries = in_ledger(facts, standing, "GBP")
    assert entries == standing.entries
    for name in ("sold", "billed", "collected", "receivable", "arr", "invoiced_gross"):
        assert getattr(ledger, name) == getattr(standing.position, name)
    assert not ledger.exchange_loss


def test_a_legal_entity_is_the_sum_of_its_contracts_in_its_ledgers_currency() -> None:
    """UK01 of §9.9: 2,737.04 of D3, 10,200.00 of D5 are billed. Nothing of D3 is recognised here:
    its two fees of 400.00 and 5,771.20 of D5 are deferred."""
    story = worked.d3()
    facts = ContractFacts(
        contract_key=story.contract.key,
        state=ContractState.ACTIVE,
        versions=story.versions,
        bills=story.bills,
    )
    own, _ = seen(facts)
    other, _ = seen(d5(("12000.00", "0.8420")))
    (entity,) = by_entity([own, other])
    assert (entity.seller, entity.currency) == ("UK01", "GBP")
    assert entity.billed == gbp("12937.04")
    assert (entity.exchange_loss, entity.deferred) == (gbp("96.00"), gbp("6571.20"))
