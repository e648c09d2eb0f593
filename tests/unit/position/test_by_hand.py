"""OB-09: what people booked in the ledger is told with contract or customer, and explains what is
open; only the rest is a difference."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Ref, System
from dealthread.domain.closing.checklist import manual_lines
from dealthread.domain.contract import ContractState
from dealthread.domain.ledger import EntryLine, PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.position.by_hand import is_brought, told_by_hand
from dealthread.domain.position.facts import ContractFacts, OpeningFigures, Posting, run_of
from dealthread.domain.position.owners import SeenLedger, against_ledger
from dealthread.domain.position.standing import standing_of
from dealthread.domain.posted import DocumentKind, DocumentState, HeldIn, PostedDocument
from dealthread.domain.revenue.journal import Side
from tests.unit.position import worked
from tests.unit.versions import worked as w

DAY, INVOICE = date(2026, 2, 1), "DTAAAAAAAAAAAAAA"


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def d4() -> ContractFacts:
    """D4's invoice of 47,034.00, posted and open (facts/domain.md §9.6)."""
    story = worked.d4()
    (bill,) = story.bills
    document = PostedDocument(
        ref=worked.ref("invoice", "7", System.ERP),
        kind=DocumentKind.INVOICE,
        state=DocumentState.POSTED,
        document_key=INVOICE,
        number="US-000003",
        company="1",
        currency="USD",
        net=bill.net,
        tax=bill.tax,
        gross=bill.gross,
        open_amount=bill.gross,
        posting_date=DAY,
    )
    posting = Posting(
        business_key=run_of(bill), step="erp.invoice", state="done", document=document
    )
    return ContractFacts(
        contract_key=story.contract.key,
        state=ContractState.ACTIVE,
        versions=story.versions,
        bills=story.bills,
        postings=(posting,),
    )


def entry(
    number: str,
    *lines: tuple[str, str],
    settles: tuple[str, ...] = (),
    key: str = "",
    foreign: str = "",
) -> PostedJournal:
    """`lines`: account and amount, debit above nought; `foreign`: euros on the first line."""
    return PostedJournal(
        ref=Ref(system=System.ERP, account="tryton.1", kind="journal", native_id=number),
        company="1",
        number=number,
        posting_date=date(2026, 3, 3),
        document_key=key,
        description="cheque 17",
        lines=tuple(
            EntryLine(
                account=account,
                side=Side.CREDIT if amount.startswith("-") else Side.DEBIT,
                amount=usd(amount.lstrip("-")),
                document_amount=Money.of(foreign, "EUR") if foreign and not at else None,
                customer_key="K-4" if account == "1100" else "",
            )
            for at, (account, amount) in enumerate(lines)
        ),
        settles=settles,
    )


def seen(open_amount: str, *entries: PostedJournal) -> SeenLedger:
    (posting,) = d4().postings
    assert posting.document is not None
    document = posting.document.model_copy(update={"open_amount": usd(open_amount)})
    return SeenLedger(company="1", documents=(document,), by_hand=entries)


def test_a_receipt_by_hand_explains_what_is_open_of_its_contract() -> None:
    """47,034.00 less 1,000.00 by hand is 46,034.00: nothing else differs. With 45,000.00 open in
    the ledger another 1,034.00 is missing."""
    facts = d4()
    standing = standing_of(facts, date(2026, 3, 31), w.config())
    receipt = entry("12", ("1100", "-1000.00"), ("1000", "1000.00"), settles=(INVOICE,))
    assert list(against_ledger(facts, standing, [seen("46034.00", receipt)])) == []
    (rest,) = against_ledger(facts, standing, [seen("45000.00", receipt)])
    assert rest.amount == usd("-1034.00")
    assert "entries by hand, told by themselves, make -1,000.00 USD of it" in rest.cause
    (told,) = told_by_hand([receipt], [facts], of_whole_seller=False)
    assert (told.contract_key, told.customer_key, told.document) == (
        facts.contract_key,
        "K-4",
        "12",
    )
    assert (told.amount, told.day) == (usd("-1000.00"), date(2026, 3, 3))
    assert told.cause == (
        "booked in the ledger, not by us: account 1100, counted against US-000003: cheque 17"
    )


def test_what_names_no_document_of_ours_is_the_customers_and_explains_nothing() -> None:
    """The invoice is as open as before; each account that moves is told, a liability by credit less
    debit, and in the entry's own currency where it tells one."""
    facts = d4()
    standing = standing_of(facts, date(2026, 3, 31), w.config())
    receipt = entry(
        "13", ("1100", "-1000.00"), ("2200", "-5.00"), ("1000", "1005.00"), foreign="900.00"
    )
    assert list(against_ledger(facts, standing, [seen("47034.00", receipt)])) == []
    told = list(told_by_hand([receipt], [facts], of_whole_seller=False))
    assert [(one.contract_key, one.customer_key, str(one.amount)) for one in told] == [
        ("", "K-4", "-900.00 EUR"),
        ("", "", "5.00 USD"),
    ]
    assert [one.ledger_amount for one in told] == [usd("-1000.00"), None]


def test_an_entry_on_a_summary_is_told_under_its_number_and_for_its_only_contract() -> None:
    """Of the contract alone nobody can say who else is in it: its own balance is as it was."""
    facts, summary = d4(), "DTSUMMARYSUMMARY"
    (posting,) = facts.postings
    assert posting.document is not None
    held = HeldIn(document_key=summary, number="US01-2026-02-01-USD-1")
    zero = usd("0")
    document = posting.document.model_copy(update={"held_in": held, "open_amount": zero})
    facts = facts.model_copy(
        update={"postings": (posting.model_copy(update={"document": document}),)}
    )
    other = facts.model_copy(update={"contract_key": "C-OTHER"})
    receipt = entry("16", ("1100", "-10.00"), ("1000", "10.00"), settles=(summary,))

    def told(*some: ContractFacts, of_whole_seller: bool) -> str:
        (one,) = told_by_hand([receipt], some, of_whole_seller=of_whole_seller)
        assert one.cause == (
            "booked in the ledger, not by us: account 1100, counted against "
            "US01-2026-02-01-USD-1: cheque 17"
        )
        return one.contract_key

    assert told(facts, of_whole_seller=True) == facts.contract_key
    assert told(facts, other, of_whole_seller=True) == ""
    assert told(facts, of_whole_seller=False) == ""
    standing = standing_of(facts, date(2026, 3, 31), w.config())
    alone = SeenLedger(company="1", by_hand=(receipt,))
    owed = [one.amount for one in against_ledger(facts, standing, [alone])]
    assert owed == [-standing.position.receivable]


def test_what_adopted_contracts_brought_along_is_no_difference() -> None:
    facts = d4()
    zero = usd("0")
    opening = OpeningFigures(as_of=date(2026, 3, 4), billed=zero, recognised=zero)
    receipt = entry("14", ("1100", "-1.00"), ("1000", "1.00"))
    assert not is_brought(receipt, [facts])
    assert is_brought(receipt, [facts, facts.model_copy(update={"opening": opening})])


def test_the_closings_checklist_tells_each_with_account_contract_and_cause() -> None:
    receipt = entry("12", ("1100", "-1000.00"), ("1000", "1000.00"), settles=(INVOICE,))
    strange = entry("15", ("2300", "7.00"), ("4000", "-7.00"), key="DTBBBBBBBBBBBBBB")
    assert manual_lines([receipt, strange], {INVOICE: "C-4"}, ("1100", "2300")) == (
        "12 of 2026-03-03: 1100 by -1,000.00 USD, contract C-4, customer K-4, "
        "booked in the ledger, not by us, cheque 17",
        "15 of 2026-03-03: 2300 by 7.00 USD, under a key of ours that nobody here knows, cheque 17",
    )
