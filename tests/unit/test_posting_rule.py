"""PF-07: which invoices a summary may hold, and what it says (facts/domain.md §5)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.contract import Contract
from dealthread.domain.deal import CollectionMethod
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.party import BuyerSnapshot, TaxId
from dealthread.domain.posting_rule import due_of, is_paid_whole, why_not_in_summary
from dealthread.domain.posting_summary import Member, summary_invoice, summary_receipts
from tests.support import deals
from tests.support import postings as p
from tests.support.invoice_lab import bill_of, paid_bill
from tests.support.running_contract import worked_contract
from tests.support.summarised_books import PLACE

JANUARY = date(2026, 1, 1)


def _sold(**changes: Any) -> tuple[Contract, Bill]:
    contract = worked_contract().model_copy(
        update={"collection_method": CollectionMethod.CARD, "days_until_due": 0}
    )
    bill = bill_of(contract, "in_1", JANUARY)
    bill = bill.model_copy(update={"buyer": BuyerSnapshot(name="Ada")} | changes)
    return contract, bill


def test_a_card_invoice_of_a_buyer_without_a_tax_id_may_be_summarised() -> None:
    contract, bill = _sold()
    assert why_not_in_summary(bill, contract, bill.currency) == ""
    paid = paid_bill(bill, bill.gross, JANUARY, PaymentWay.PROCESSOR)
    assert why_not_in_summary(paid, contract, bill.currency) == ""
    assert is_paid_whole(paid)
    assert not is_paid_whole(bill)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"buyer": None}, "buyer_not_told"),
        (
            {"buyer": BuyerSnapshot(name="A", tax_ids=(TaxId(scheme="us_ein", number="1"),))},
            "buyer_has_tax_id",
        ),
        ({"status": InvoiceStatus.VOID}, "not_to_be_paid"),
        ({"status": InvoiceStatus.UNCOLLECTIBLE}, "not_to_be_paid"),
        ({"failed_attempts": 1}, "failed_charge"),
        ({"balance_used": Money.of("1.00", "USD")}, "not_by_card"),
        ({"issue_date": None}, "nothing_to_receive"),
    ],
)
def test_what_may_not(changes: dict[str, Any], why: str) -> None:
    contract, bill = _sold(**changes)
    assert why_not_in_summary(bill, contract, "USD") == why


def test_neither_what_is_sent_nor_another_currency_nor_money_of_the_bank() -> None:
    contract, bill = _sold()
    sent = contract.model_copy(update={"collection_method": CollectionMethod.BANK_TRANSFER})
    assert why_not_in_summary(bill, sent, "USD") == "not_by_card"
    terms = contract.model_copy(update={"days_until_due": 30})
    assert why_not_in_summary(bill, terms, "USD") == "on_terms"
    assert why_not_in_summary(bill, contract, "EUR") == "another_currency"
    by_bank = paid_bill(bill, bill.gross, JANUARY, PaymentWay.BANK)
    assert why_not_in_summary(by_bank, contract, "USD") == "not_by_card"


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), datetime(2026, 1, 2, 2, 0, tzinfo=UTC)),
        (datetime(2026, 1, 2, 1, 59, tzinfo=UTC), datetime(2026, 1, 2, 2, 0, tzinfo=UTC)),
        (datetime(2026, 1, 2, 2, 0, tzinfo=UTC), datetime(2026, 1, 3, 2, 0, tzinfo=UTC)),
        (datetime(2026, 1, 5, 1, 0, tzinfo=UTC), datetime(2026, 1, 5, 2, 0, tzinfo=UTC)),
        (datetime(2026, 1, 5, 9, 0, tzinfo=UTC), datetime(2026, 1, 6, 2, 0, tzinfo=UTC)),
    ],
)
def test_a_summary_is_due_on_the_next_morning(now: datetime, due: datetime) -> None:
    assert due_of(JANUARY, now) == due


def test_lines_are_summed_by_tax_code_account_and_item_and_tax_is_never_computed_anew() -> None:
    """Three times 10.10 at 6.6 %: 0.67 each (0.6666), 2.01 in sum, where 30.30 would give 2.00."""

    def small(number: str) -> Member:
        lines = (
            p.line("2300", "10.10", "US-TX-SAAS", "0.67", "USD"),
            p.line("2300", "5.00", "US-TX-SVC0", "0.00", "USD"),
            p.line("1150", "2.00", "US-TX-SAAS", "0.13", "USD"),
        )
        made = p.invoice("1", deals.HARBORLINE, "2026-02-01", *lines)
        made = made.model_copy(update={"number": number})
        day = "2026-02-01" if number != "3" else "2026-02-02"
        return Member(invoice=made, receipts=(p.receipt("1050", day, "17.90", (made, "17.90")),))

    members = [small(number) for number in ("1", "2", "3")]
    made = summary_invoice(PLACE, members)
    assert [
        (line.account, line.tax_code, line.net.amount, line.tax.amount, line.sums)
        for line in made.lines
    ] == [
        ("1150", "US-TX-SAAS", Decimal("6.00"), Decimal("0.39"), 3),
        ("2300", "US-TX-SAAS", Decimal("30.30"), Decimal("2.01"), 3),
        ("2300", "US-TX-SVC0", Decimal("15.00"), Decimal("0.00"), 3),
    ]
    assert (made.net.amount, made.tax.amount, made.gross.amount) == (
        Decimal("51.30"),
        Decimal("2.40"),
        Decimal("53.70"),
    )
    paid = summary_receipts(PLACE, members)
    assert [(str(one.value_date), one.amount.amount) for one in paid] == [
        ("2026-02-01", Decimal("35.80")),
        ("2026-02-02", Decimal("17.90")),
    ]
