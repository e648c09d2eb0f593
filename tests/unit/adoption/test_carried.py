"""Which payments of an invoice of before came after its contract was adopted."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.adoption.carried import paid_since
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.bills import credited
from tests.support import deals
from tests.support.invoice_lab import bill_of, paid_bill

JUNE, SEPTEMBER = date(2026, 6, 1), date(2026, 9, 1)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def _bill(*payments: tuple[str, date]) -> Bill:
    bill = bill_of(deals.d1(), "in_1", date(2026, 1, 1))
    for amount, day in payments:
        bill = paid_bill(bill, usd(amount), day, PaymentWay.BANK)
    return bill


@pytest.mark.parametrize(
    ("payments", "owed", "since"),
    [
        ((), "15891.00", ()),
        ((("5000.00", SEPTEMBER),), "15891.00", ("5000.00",)),
        ((("5000.00", JUNE),), "10891.00", ()),
        (
            (("5000.00", JUNE), ("891.00", SEPTEMBER), ("10000.00", SEPTEMBER)),
            "10891.00",
            ("891.00", "10000.00"),
        ),
        # Part of a payment cannot have been applied by others.
        ((("5000.00", JUNE),), "12891.00", None),
        ((), "10891.00", None),
    ],
)
def test_what_was_settled_before_is_a_number_of_whole_payments(
    payments: tuple[tuple[str, date], ...], owed: str, since: tuple[str, ...] | None
) -> None:
    found = paid_since(_bill(*payments), usd(owed))
    told = None if found is None else tuple(str(one.amount.amount) for one in found)
    assert told == since


def test_balance_that_the_invoice_used_was_applied_by_others() -> None:
    bill = _bill(("5000.00", SEPTEMBER)).model_copy(update={"balance_used": usd("891.00")})
    (found,) = paid_since(bill, usd("15000.00")) or ()
    assert found.amount == usd("5000.00")


def test_an_invoice_that_was_credited_is_left_to_people() -> None:
    bill = credited(_bill(), usd("10.00"), usd("0.00"), SEPTEMBER, CreditForm.OPEN_INVOICE)
    assert bill.status is InvoiceStatus.OPEN
    assert paid_since(bill, usd("15891.00")) is None
