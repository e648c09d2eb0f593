"""Documents of the ledger: what does not add up is refused by name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from dealthread.domain.base import Ref, System
from dealthread.domain.ledger import EntryLine, LedgerJournal, PostedJournal
from dealthread.domain.ledger_export import to_hledger
from dealthread.domain.money import Money
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.revenue.journal import Side
from tests.support import deals
from tests.support import postings as p

BILL = p.invoice(
    "2", deals.NORDWERK, "2026-03-15", p.line("2300", "100.00", "DE-19", "19.00", "EUR")
)
MEMO = p.credit_memo(BILL, "2026-03-20", *BILL.lines, open_invoice="100.00", balance="19.00")
RECEIPT = p.receipt("1000", "2026-04-01", "120.00", (BILL, "119.00"))
LOSS = p.write_off(BILL, "2026-12-01", a6500="100.00", a2120="19.00")
ENTRY = p.journal("2", "2026-03-31", "EUR", {"2300": "10.00"}, {"4000": "10.00"})


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


@pytest.mark.parametrize(
    ("whole", "change", "field"),
    [
        (BILL, {"net": eur("100.01")}, "net"),
        (BILL, {"tax": eur("19.01")}, "tax"),
        (BILL, {"gross": eur("119.01")}, "gross"),
        (BILL, {"lines": []}, "lines"),
        (BILL, {"due_date": "2026-03-14"}, "due_date"),
        (BILL, {"document_key": "DT-too-short"}, "document_key"),
        (MEMO, {"corrects": ""}, "corrects"),
        (MEMO, {"settlements": []}, "settlements"),
        (RECEIPT, {"unapplied": eur("0.99")}, "unapplied"),
        (RECEIPT, {"amount": eur("0.00")}, "amount"),
        (LOSS, {"gross": eur("118.99")}, "parts"),
        (ENTRY, {"lines": []}, "lines"),
    ],
)
def test_what_does_not_add_up_is_refused(whole: Any, change: dict[str, Any], field: str) -> None:
    """The message names the field."""
    values = {**whole.model_dump(mode="json"), **change}
    with pytest.raises(ValidationError, match=field):
        type(whole).model_validate(values)


@pytest.mark.parametrize("whole", [BILL, MEMO, RECEIPT, LOSS, ENTRY])
def test_a_document_survives_its_way_as_json(
    whole: LedgerInvoice | LedgerCreditMemo | LedgerReceipt | WriteOff | LedgerJournal,
) -> None:
    """What crosses Temporal comes out equal."""
    assert type(whole).model_validate_json(whole.model_dump_json()) == whole


def test_an_entry_that_does_not_balance_is_refused() -> None:
    """By a cent is too much."""
    lines = (
        EntryLine(account="2300", side=Side.DEBIT, amount=p.money("10.00", "EUR")),
        EntryLine(account="4000", side=Side.CREDIT, amount=p.money("9.99", "EUR")),
    )
    with pytest.raises(ValidationError, match="lines: do not balance"):
        ENTRY.model_validate({**ENTRY.model_dump(), "lines": lines})


def test_a_receipt_at_another_rate_says_what_was_lost() -> None:
    """D5: 12,000.00 EUR carried at 0.8500, received at 0.8420."""
    bill = p.invoice(
        "3", p.LIFFEY, "2026-06-01", p.line("2300", "12000.00", "GB-OOS", "0.00", "EUR")
    )
    rate = {"currency": "GBP", "rate": "0.8420", "rate_date": "2026-06-29", "source": "treasury"}
    whole = p.receipt("1000", "2026-06-29", "12000.00", (bill, "12000.00"))
    values = whole.model_dump(mode="json") | {"rate": rate}
    with pytest.raises(ValidationError, match="applications"):
        LedgerReceipt.model_validate(values)
    values["applications"][0]["ledger_amount"] = {"amount": "10200.00", "currency": "GBP"}
    assert LedgerReceipt.model_validate(values).exchange_loss() == p.money("96.00", "GBP")


def test_text_of_others_cannot_break_the_export() -> None:
    """A description may hold what means something to hledger."""
    amount = Money.of("10.00", "EUR")
    entry = PostedJournal(
        ref=Ref(system=System.ERP, account="tryton.2", kind="journal", native_id="1"),
        company="2",
        number="7",
        posting_date=date(2026, 3, 31),
        description="paid\n    1000  5 EUR ; (x) | y",
        lines=(
            EntryLine(account="1000", side=Side.DEBIT, amount=amount),
            EntryLine(account="4000", side=Side.CREDIT, amount=amount, customer_key="A-1"),
        ),
    )
    lines = to_hledger([entry]).splitlines()
    assert lines[-3:] == [
        "2026-03-31 (7) paid 1000 5 EUR x y",
        "    2:1000  10.00 EUR",
        "    2:4000  -10.00 EUR  ; customer:A-1",
    ]
