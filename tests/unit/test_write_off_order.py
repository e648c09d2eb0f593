"""What is given up of an invoice: D3 of facts/domain.md §9.6, §9.8; what speaks against it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.write_off_order import parts_of, refusals, relief_day

CODES = {"L-1": "GB-20", "L-2": "GB-20"}


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


def ref(kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account="acct_1", kind=kind, native_id=native_id)


def d3s_second(remaining: str = "1804.45") -> Bill:
    """2,337.04 net, 467.41 VAT; 1,000.00 of it was received."""
    lines = (
        InvoiceLine(
            line_key="L-1",
            net=gbp("400.00"),
            tax=gbp("80.00"),
            period_start=date(2026, 5, 1),
            period_end=date(2026, 6, 1),
        ),
        InvoiceLine(
            line_key="L-2",
            net=gbp("1937.04"),
            tax=gbp("387.41"),
            period_start=date(2026, 4, 1),
            period_end=date(2026, 5, 1),
        ),
    )
    return Bill(
        ref=ref("invoice", "in_1"),
        number="UK-000002",
        status=InvoiceStatus.OPEN,
        contract_key="C-1",
        customer_key="A-1",
        currency="GBP",
        lines=lines,
        net=gbp("2337.04"),
        tax=gbp("467.41"),
        gross=gbp("2804.45"),
        balance_used=gbp("0.00"),
        remaining=gbp(remaining),
        issue_date=date(2026, 5, 1),
        due_date=date(2026, 5, 1),
    )


def split(bill: Bill, codes: dict[str, str], *, relief: bool = True) -> list[tuple[str, str, str]]:
    made = parts_of(bill, codes, expense="6500", tax_account="2120", has_relief=relief)
    return [(one.account, str(one.amount.amount), one.tax_code) for one in made]


def test_d3s_claim_is_1503_71_of_bad_debt_and_300_74_of_vat() -> None:
    """6500 1,503.71 and 2120 300.74 against 1100 1,804.45, on 2026-12-05."""
    bill = d3s_second()
    assert refusals(bill, date(2026, 12, 5), 6, without_relief=False) == ()
    assert split(bill, CODES) == [("6500", "1503.71", ""), ("2120", "300.74", "GB-20")]


def test_without_relief_all_of_it_is_an_expense() -> None:
    assert split(d3s_second(), CODES, relief=False) == [("6500", "1804.45", "")]


def test_before_the_six_months_are_over_it_waits_or_is_said_to_be_without() -> None:
    """VAT Notice 700/18, six months after it was due."""
    bill = d3s_second()
    assert relief_day(bill, 6) == date(2026, 11, 1)
    (early,) = refusals(bill, date(2026, 10, 31), 6, without_relief=False)
    assert (early.code, early.field) == ("relief_not_due", "without_relief")
    assert "2026-11-01" in early.action
    assert refusals(bill, date(2026, 10, 31), 6, without_relief=True) == ()
    assert refusals(bill, date(2026, 11, 1), 6, without_relief=False) == ()
    assert refusals(bill, date(2026, 6, 2), None, without_relief=False) == ()


def test_six_months_after_the_end_of_august_is_the_end_of_february() -> None:
    bill = d3s_second().model_copy(update={"due_date": date(2026, 8, 31)})
    assert relief_day(bill, 6) == date(2027, 2, 28)


@pytest.mark.parametrize("status", [InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.DRAFT])
def test_what_is_no_claim_is_not_given_up(status: InvoiceStatus) -> None:
    bill = d3s_second().model_copy(update={"status": status})
    (found,) = refusals(bill, date(2026, 12, 5), 6, without_relief=False)
    assert (found.code, found.field) == ("nothing_open", "invoice")


def test_what_is_not_served_is_credited_first() -> None:
    """Half of May is to come; credited, the served half may be given up."""
    bill = d3s_second()
    (found,) = refusals(bill, date(2026, 5, 16), None, without_relief=False)
    assert (found.code, found.field) == ("service_runs_on", "invoice")
    net, tax = gbp("206.45"), gbp("41.29")
    memo = CreditMemo(
        ref=ref("credit_memo", "cn_1"),
        number="UK-000002-CN-1",
        corrects=bill.ref,
        lines=(CreditMemoLine(line_key="L-1", net=net, tax=tax),),
        net=net,
        tax=tax,
        gross=net + tax,
        forms={CreditForm.OPEN_INVOICE: net + tax},
        issue_date=date(2026, 5, 16),
    )
    credited = bill.model_copy(
        update={"credit_memos": (memo,), "remaining": bill.remaining - memo.gross}
    )
    assert refusals(credited, date(2026, 5, 16), None, without_relief=False) == ()
    # 426.12 of 2,556.71 is tax: of 1,556.71 that is 259.45.
    assert split(credited, CODES) == [("6500", "1297.26", ""), ("2120", "259.45", "GB-20")]


@given(
    remaining=st.integers(1, 2_804_45),
    codes=st.tuples(st.sampled_from("AB"), st.sampled_from("ABC")),
)
def test_the_parts_are_what_is_open_whatever_was_paid(
    remaining: int, codes: tuple[str, str]
) -> None:
    """To the cent, by however many tax codes; the tax is its share, rounded once."""
    bill = d3s_second(str(Decimal(remaining).scaleb(-2)))
    made = split(bill, dict(zip(CODES, codes, strict=True)))
    amounts = [Decimal(amount) for _, amount, _ in made]
    assert sum(amounts) == Decimal(remaining).scaleb(-2)
    assert all(amount > 0 for amount in amounts)
    taxes = (Decimal(amount) for account, amount, _ in made if account == "2120")
    tax = sum(taxes, Decimal(0))
    exact = Decimal(remaining) * Decimal(467_41) / Decimal(2_804_45)
    assert abs(tax.scaleb(2) - exact) <= Decimal("0.5")
