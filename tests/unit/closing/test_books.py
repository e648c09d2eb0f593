"""OB-09: a month's identities from versions, bills, schedules and entries, and which of them tells
what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from dealthread.domain.bill import BillPayment, PaymentWay
from dealthread.domain.closing.backlog import backlog
from dealthread.domain.closing.books import Books, manual_entries
from dealthread.domain.closing.of_bills import document_answers
from dealthread.domain.closing.of_contracts import value_answers
from dealthread.domain.closing.of_ledger import balance_answers
from dealthread.domain.closing.of_tax import tax_answers, tax_rolls
from dealthread.domain.closing.tie import Answer
from dealthread.domain.money import Money
from dealthread.domain.position.facts import Posting
from tests.support import postings as p
from tests.support.closing_books import JUNE, US, June, june
from tests.support.tryton import document_key
from tests.unit.position import worked


def _answers(books: Books) -> list[Answer]:
    ledger = (*balance_answers(books), *tax_answers(books))
    return [*value_answers(books), *ledger, *document_answers(books)]


def _wrong(books: Books) -> set[str]:
    return {str(one.identity.value) for one in _answers(books) if not one.is_tied}


def test_june_ties_in_every_identity() -> None:
    """T1: sold 15,000.00 and 194,400.00. T2: deferred by §9.7 to the end of June."""
    answers = {one.identity.value: one for one in _answers(june().books())}
    assert {name for name, one in answers.items() if not one.is_tied} == set()
    assert set(answers) == {"T1", "T2", "T4", "T5", "T6", "T7", "T10", "T11", "T12", "T14", "T15"}
    assert all(one.compared for one in answers.values() if one.identity.value not in ("T10", "T12"))
    assert answers["T1"].expected == Decimal("209400.00")


def test_january_tells_what_was_invoiced_and_posted() -> None:
    books = june().books(date(2026, 1, 1))
    answers = {one.identity.value: one for one in _answers(books)}
    assert answers["T12"].found == Decimal("15891.00")
    (tax,) = tax_rolls(books)
    assert (tax.jurisdiction, tax.invoices, tax.movement) == (
        "US-TX",
        Money.of("891.00", "USD"),
        Money.of("891.00", "USD"),
    )


def _billed_in_july(it: June) -> None:
    """D4 was dated back: its first invoice was issued, and posted, on 2026-07-03."""
    july = date(2026, 7, 3)
    facts = it.facts["d4"]
    (posting,) = facts.postings
    assert posting.document is not None
    document = posting.document.model_copy(update={"posting_date": july, "issue_date": july})
    bill = facts.bills[0]
    line = bill.lines[0].model_copy(
        update={"period_start": date(2026, 2, 1), "period_end": date(2027, 2, 1)}
    )
    it.facts["d4"] = facts.model_copy(
        update={
            "bills": (bill.model_copy(update={"issue_date": july, "lines": (line,)}),),
            "postings": (posting.model_copy(update={"document": document}),),
        }
    )
    key = document.document_key
    it.replace(key, it.entry(key).model_copy(update={"posting_date": july}))


@pytest.mark.parametrize("period", [date(2026, 2, 1), JUNE, date(2026, 7, 1)])
def test_service_that_only_a_later_months_bill_has_is_still_to_be_billed(period: date) -> None:
    """T1 and T2 of D4: 194,400.00 sold; until July nothing of it billed, then 43,200.00. By the end
    of June five months of 3,600.00 are earned before anything is billed: deferred revenue below
    nought, which is 176,400.00 of open lines less 194,400.00 to be billed."""
    it = june()
    _billed_in_july(it)
    books = it.books(period)
    assert _wrong(books) == set()
    found = {one.identity.value: one for one in value_answers(books)}
    assert found["T1"].expected == Decimal("209400.00")


def test_service_that_no_bill_ever_had_is_told() -> None:
    """Of what was never billed nobody says that it is still to come."""
    it = june()
    _billed_in_july(it)
    it.facts["d4"] = it.facts["d4"].model_copy(update={"bills": (), "postings": ()})
    assert "T1" in _wrong(it.books())


def _tax_as_revenue(it: June) -> None:
    """The sum of receivable postings would be right."""
    key = it.facts["d4"].postings[0].document.document_key  # type: ignore[union-attr]
    entry = it.entry(key)
    lines = tuple(
        line.model_copy(update={"account": "2300"}) if line.account == "2110" else line
        for line in entry.lines
    )
    it.replace(key, entry.model_copy(update={"lines": lines}))


def _receipt_not_posted(it: June) -> None:
    facts = it.facts["d1"]
    it.facts["d1"] = facts.model_copy(update={"postings": facts.postings[:1]})


def _schedule_short(it: June) -> None:
    facts = it.facts["d4"]
    it.facts["d4"] = facts.model_copy(update={"planned": facts.planned[:-1]})


def _manual_on_deferred(it: June) -> None:
    command = p.journal("1", "2026-06-30", "USD", {"2300": "5.00"}, {"4000": "5.00"})
    it.ledger.journal(command)
    by_hand = it.entry(command.document_key).model_copy(update={"document_key": ""})
    it.replace(command.document_key, by_hand)


def _unknown_under_our_key(it: June) -> None:
    """As after a restore of our own store from yesterday."""
    it.ledger.journal(p.journal("1", "2026-06-30", "USD", {"2300": "5.00"}, {"4000": "5.00"}))


def _number_used_twice(it: June) -> None:
    facts = it.facts["d4"]
    bill = facts.bills[0].model_copy(update={"number": "US-000001"})
    it.facts["d4"] = facts.model_copy(update={"bills": (bill,)})


def _number_of_no_series(it: June) -> None:
    facts = it.facts["d4"]
    bill = facts.bills[0].model_copy(update={"number": "DRAFT"})
    (posting,) = facts.postings
    assert posting.document is not None
    document = posting.document.model_copy(update={"number": "DRAFT"})
    posting = posting.model_copy(update={"document": document})
    it.facts["d4"] = facts.model_copy(update={"bills": (bill,), "postings": (posting,)})


def _bill_never_posted(it: June) -> None:
    facts = it.facts["d4"]
    second = facts.bills[0].model_copy(
        update={
            "number": "US-000003",
            "ref": facts.bills[0].ref.model_copy(update={"native_id": "in_3"}),
            "issue_date": date(2026, 6, 15),
        }
    )
    it.facts["d4"] = facts.model_copy(update={"bills": (*facts.bills, second)})


def _entry_changed_in_the_ledger(it: June) -> None:
    """Somebody changed a recognised amount by a cent."""
    key = it.recognised[-1].document_key
    entry = it.entry(key)
    cent = Money.of("0.01", "USD")
    lines = tuple(line.model_copy(update={"amount": line.amount + cent}) for line in entry.lines)
    it.replace(key, entry.model_copy(update={"lines": lines}))


@pytest.mark.parametrize(
    ("spoil", "period", "told"),
    [
        (_tax_as_revenue, date(2026, 2, 1), {"T2", "T10", "T11"}),
        (_receipt_not_posted, date(2026, 1, 1), {"T4", "T7", "T11"}),
        (_schedule_short, JUNE, {"T2", "T14"}),
        (_number_used_twice, JUNE, {"T15"}),
        (_number_of_no_series, JUNE, {"T15"}),
        (_bill_never_posted, JUNE, {"T1", "T7", "T11", "T12"}),
        (_unknown_under_our_key, JUNE, {"T11"}),
        (_entry_changed_in_the_ledger, JUNE, {"T2", "T11"}),
    ],
)
def test_what_is_wrong_is_told_by_the_identities_that_it_breaks(
    spoil: Callable[[June], None], period: date, told: set[str]
) -> None:
    it = june()
    spoil(it)
    assert _wrong(june().books(period)) == set()
    assert _wrong(it.books(period)) == told


def test_numbers_count_whatever_stands_after_them() -> None:
    """T15: before, a number that does not end with a digit was in no series at all."""
    it = june()
    for name, number in (("d1", "2026/001-US"), ("d4", "2026/003-US")):
        facts = it.facts[name]
        bill = facts.bills[0].model_copy(update={"number": number})
        it.facts[name] = facts.model_copy(update={"bills": (bill,)})
    (answer,) = [one for one in document_answers(it.books()) if one.identity.value == "T15"]
    assert answer.compared == 3
    assert [one.document for one in answer.differences] == ["2026/2-US"]


def test_an_entry_that_none_of_us_made_is_named_and_breaks_nothing() -> None:
    """Who signs has seen it."""
    it = june()
    _manual_on_deferred(it)
    assert _wrong(it.books()) == set()
    (one,) = manual_entries(it.books())
    assert one.posting_date == date(2026, 6, 30)
    assert manual_entries(june().books()) == ()


def _by_bank(it: June) -> None:
    """D4's transposed receipt: 47,043.00 came in, and later 47,034.00 of it pays the bill."""
    facts = it.facts["d4"]
    (posting,) = facts.postings
    invoice = posting.document
    assert invoice is not None
    used = p.receipt("2200", "2026-06-04", "47034.00", (invoice, "47034.00"))  # type: ignore[arg-type]
    whole = Money.of("47043.00", "USD")
    came = used.model_copy(
        update={
            "document_key": document_key(),
            "money_account": "1000",
            "amount": whole,
            "applications": (),
            "unapplied": whole,
        }
    )
    it.banked.append(it.ledger.receipt(came))
    applied = it.ledger.receipt(used)
    paid = Posting(
        business_key=posting.business_key,
        step="erp.receipt",
        state="done",
        amount=applied.gross,
        document=applied,
    )
    bill = facts.bills[0]
    payment = BillPayment(
        ref=bill.ref.model_copy(update={"kind": "payment", "native_id": "bank-7"}),
        amount=applied.gross,
        paid_on=date(2026, 6, 4),
        way=PaymentWay.BANK,
    )
    it.facts["d4"] = facts.model_copy(
        update={
            "postings": (posting, paid),
            "bills": (bill.model_copy(update={"payments": (payment,)}),),
        }
    )


def test_money_of_the_bank_is_unapplied_until_it_pays_a_bill() -> None:
    """T6, T7 and T11 with the 9.00 that is nobody's; without its record they tell it."""
    it = june()
    _by_bank(it)
    (unapplied,) = [one for one in _answers(it.books()) if one.identity.value == "T6"]
    assert (unapplied.is_tied, unapplied.found) == (True, Decimal("9.00"))
    assert _wrong(it.books()) == set()
    it.banked.clear()
    assert _wrong(it.books()) == {"T6", "T11"}


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("d4", date(2026, 1, 31), "194400.00"),
        ("d4", date(2026, 12, 31), "151200.00"),
        ("d4", date(2027, 2, 1), "86400.00"),
        ("d1", date(2025, 12, 31), "15000.00"),
        ("d1", date(2026, 12, 31), "0.00"),
        ("d2", date(2026, 12, 31), "0.00"),
        ("d3", date(2026, 4, 30), "0.00"),
        ("d5", date(2026, 12, 31), "0.00"),
    ],
)
def test_what_is_still_to_be_billed_follows_from_the_plan(
    name: str, day: date, expected: str
) -> None:
    story = getattr(worked, name)()
    versions = tuple(one for one in story.versions if one.accepted_on <= day)
    assert str(backlog(versions, day).amount) == expected


def test_a_reduction_that_is_agreed_and_not_in_effect_is_backlog_below_nought() -> None:
    """D2, between 2026-09-10 and 2026-09-15: 2,201.75 will be credited."""
    versions = worked.d2().versions
    dated = tuple(
        one.model_copy(update={"effective_from": date(2026, 9, 15)})
        if one.change_id == "A1"
        else one
        for one in versions
    )
    assert str(backlog(dated, date(2026, 9, 12)).amount) == "-2201.75"
    assert str(backlog(dated, date(2026, 9, 15)).amount) == "0.00"
    assert US == "US01"
