"""PF-09: what a person's credit takes from revenue, by month, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.recognition.credited import credited_rows
from tests.support import deals
from tests.support.invoice_lab import bill_of

CONTRACT = deals.d1()
SEATS, SERVICE = "L-D1-SEATS", "L-D1-ONB"


def _usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def _credited(line_key: str, net: str, on: str, *, is_asked: bool = True) -> Bill:
    bill = bill_of(CONTRACT, "in_1", date(2026, 1, 1))
    ref = Ref(system=System.BILLING, account="acct", kind="credit_note", native_id="cn_1")
    memo = CreditMemo(
        ref=ref,
        number="US-1-CN-1",
        corrects=bill.ref,
        lines=(CreditMemoLine(line_key=line_key, net=_usd(net), tax=_usd("0.00")),),
        net=_usd(net),
        tax=_usd("0.00"),
        gross=_usd(net),
        issue_date=date.fromisoformat(on),
    )
    reasons = {"cn_1": "goodwill"} if is_asked else {}
    return bill.model_copy(update={"credit_memos": (memo,), "credit_reasons": reasons})


def _months(bill: Bill, shares: dict[str, dict[str, Money]] | None = None) -> list[tuple[str, str]]:
    return [
        (f"{row.month:%Y-%m}", str(row.amount.amount))
        for row in credited_rows(bill, CONTRACT, shares)
    ]


def test_what_was_served_is_taken_in_the_month_of_the_credit_and_the_rest_by_day() -> None:
    """500.00 of a year from 1 January, on 10 April: 120 of 365 days in April, then each month."""
    assert _months(_credited(SEATS, "500.00", "2026-04-10")) == [
        ("2026-04", "-164.38"),
        ("2026-05", "-42.47"),
        ("2026-06", "-41.10"),
        ("2026-07", "-42.46"),
        ("2026-08", "-42.47"),
        ("2026-09", "-41.09"),
        ("2026-10", "-42.47"),
        ("2026-11", "-41.09"),
        ("2026-12", "-42.47"),
    ]


def test_a_charge_without_a_period_and_one_that_is_over_are_taken_at_once() -> None:
    assert _months(_credited(SEATS, "500.00", "2027-02-03")) == [("2027-02", "-500.00")]
    one_time = _credited(SERVICE, "100.00", "2026-04-10")
    lines = tuple(
        line.model_copy(update={"period_start": None, "period_end": None})
        for line in one_time.lines
    )
    one_time = one_time.model_copy(update={"lines": lines})
    assert _months(one_time) == [("2026-04", "-100.00")]


def test_a_credit_of_a_change_is_in_the_plan_of_its_version_already() -> None:
    assert credited_rows(_credited(SEATS, "500.00", "2026-04-10", is_asked=False), CONTRACT) == ()


def test_a_bundles_credit_is_divided_as_its_revenue_is() -> None:
    """By account: four fifths and one fifth of what is planned."""
    shares = {SEATS: {"4000": _usd("9600.00"), "4200": _usd("2400.00")}}
    rows = credited_rows(_credited(SEATS, "100.00", "2027-02-03"), CONTRACT, shares)
    assert [(row.account, str(row.amount.amount)) for row in rows] == [
        ("4000", "-80.00"),
        ("4200", "-20.00"),
    ]


def test_a_credit_falls_with_its_invoice_in_the_month_of_the_void() -> None:
    """500.00 on 10 April, void on 20 June: what April to June took comes back in June, the rest
    month by month, and nothing is left of it."""
    void = {"status": InvoiceStatus.VOID, "voided_on": date(2026, 6, 20)}
    months = _months(_credited(SEATS, "500.00", "2026-04-10").model_copy(update=void))
    # 181 of 365 days by the end of June.
    assert months[9] == ("2026-06", "247.95")
    left: dict[str, Decimal] = {}
    for month, amount in months:
        left[month] = left.get(month, Decimal(0)) + Decimal(amount)
    assert sum(left.values()) == 0
    assert all(abs(left[month]) <= Decimal("0.02") for month in left if month > "2026-06")
