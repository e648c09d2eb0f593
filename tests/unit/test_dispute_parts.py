"""Which invoices are owed again where a payment of several is taken back: facts/domain.md §5,
"Partial": a payment settles the oldest first (PF-08)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.dispute_parts import PaidInvoice, taken_parts
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def paid(number: str, day: int, amount: Money) -> PaidInvoice:
    """An invoice of a day of January that the payment paid whole."""
    ref = Ref(system=System.BILLING, account="acct_1", kind="invoice", native_id=f"in_{number}")
    nought = Money.zero("USD")
    payment = BillPayment(
        ref=ref, amount=amount, paid_on=date(2026, 1, 31), way=PaymentWay.PROCESSOR
    )
    bill = Bill(
        ref=ref,
        number=number,
        status=InvoiceStatus.PAID,
        contract_key="C",
        customer_key="A",
        currency="USD",
        lines=(),
        net=amount,
        tax=nought,
        gross=amount,
        balance_used=nought,
        remaining=nought,
        issue_date=date(2026, 1, day),
        finalised_at=datetime(2026, 1, day, tzinfo=UTC),
        payments=(payment,),
    )
    return PaidInvoice(bill=bill, payment=payment)


def taken(amount: str, *of: PaidInvoice) -> dict[str, tuple[str, str]] | None:
    """By number, what is taken and what is left."""
    parts = taken_parts(usd(amount), of)
    if parts is None:
        return None
    return {one.paid.bill.number: (str(one.taken.amount), str(one.left.amount)) for one in parts}


OLDER, NEWER = paid("1", 3, usd("300.00")), paid("2", 9, usd("200.00"))


def test_the_newest_is_taken_back_first_whatever_order_they_are_told_in() -> None:
    for told in ((OLDER, NEWER), (NEWER, OLDER)):
        assert taken("150.00", *told) == {"2": ("150.00", "50.00")}
        assert taken("200.00", *told) == {"2": ("200.00", "0.00")}
        assert taken("350.00", *told) == {"2": ("200.00", "0.00"), "1": ("150.00", "150.00")}
        assert taken("500.00", *told) == {"2": ("200.00", "0.00"), "1": ("300.00", "0.00")}


def test_of_one_day_the_higher_number_is_the_newer() -> None:
    assert taken("1.00", paid("8", 3, usd("5.00")), paid("7", 3, usd("5.00"))) == {
        "8": ("1.00", "4.00")
    }


def test_more_than_the_payment_is_another_payment() -> None:
    assert taken("500.01", OLDER, NEWER) is None
    assert taken("0.01") is None


@given(
    parts=st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    share=st.integers(1, 10**6),
)
def test_afterwards_each_is_paid_as_if_the_payment_had_been_smaller(
    parts: list[int], share: int
) -> None:
    """The oldest first, out of what is left of the payment; to the cent."""
    of = [paid(str(day), day, Money.from_minor(cents, "USD")) for day, cents in enumerate(parts, 1)]
    lost = max(1, sum(parts) * share // 10**6)
    found = taken_parts(Money.from_minor(lost, "USD"), of)
    assert found is not None
    assert sum(one.taken.to_minor() for one in found) == lost
    left = {one.paid.bill.number: one.left.to_minor() for one in found}
    money = sum(parts) - lost
    for day, cents in enumerate(parts, 1):
        settled = min(cents, money)
        money -= settled
        assert left.get(str(day), cents) == settled
