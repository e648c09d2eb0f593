"""PF-08: which invoices a receipt of the bank pays, by the order of evidence."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import PaidBill, PaymentWay
from dealthread.domain.cash import BankReceipt, OwedBill, matched
from dealthread.domain.money import Money
from dealthread.domain.party import BuyerSnapshot
from tests.support import deals
from tests.support.invoice_lab import bill_of, paid_bill


def _bill(number: str, left: str, customer: str = "A-1", day: int = 1) -> OwedBill:
    return OwedBill(
        ref=Ref(system=System.BILLING, account="acct", kind="invoice", native_id=f"in_{number}"),
        number=number,
        contract_key=f"C-{number}",
        customer_key=customer,
        customer_name=f"{customer} Inc.",
        remaining=Money.of(left, "USD"),
        issue_date=date(2026, 1, day),
    )


def _receipt(amount: str, **more: object) -> BankReceipt:
    return BankReceipt(
        seller="US01",
        source="B-1",
        amount=Money.of(amount, "USD"),
        value_date=date(2026, 3, 3),
        **more,  # type: ignore[arg-type]
    )


def _numbers(receipt: BankReceipt, *bills: OwedBill) -> list[str]:
    return [one.number for one in matched(receipt, bills).bills]


def test_the_invoices_that_are_named_come_in_their_order() -> None:
    bills = (_bill("N-1", "10.00"), _bill("N-2", "20.00"))
    found = matched(_receipt("30.00", invoices=("N-2", "N-1")), bills)
    assert [one.number for one in found.bills] == ["N-2", "N-1"]
    assert (found.customer_key, found.customer_name, found.unknown) == ("A-1", "A-1 Inc.", ())


def test_numbers_in_the_remittance_text_are_looked_for_and_other_words_are_none() -> None:
    bills = (_bill("N-1", "10.00"), _bill("N-2", "20.00"))
    assert _numbers(_receipt("20.00", reference="Invoice N-2, thank you"), *bills) == ["N-2"]
    assert matched(_receipt("5.00", reference="thank you"), ()).unknown == ()


def test_without_a_name_the_amount_decides_where_it_is_exact() -> None:
    """One invoice that has it left, else all of them together, oldest first, else nobody."""
    old, new = _bill("N-2", "10.00", day=1), _bill("N-1", "20.00", day=9)
    payer = {"customer_key": "A-1"}
    assert _numbers(_receipt("20.00", **payer), old, new) == ["N-1"]
    assert _numbers(_receipt("30.00", **payer), old, new) == ["N-2", "N-1"]
    assert _numbers(_receipt("15.00", **payer), old, new) == []
    twice = _bill("N-3", "10.00")
    assert _numbers(_receipt("10.00", **payer), old, twice) == []


def test_money_is_one_customers() -> None:
    """Invoices of two, or of another than who is said to have paid, are a person's to match."""
    mine, other = _bill("N-1", "10.00"), _bill("N-2", "20.00", customer="A-2")
    both = matched(_receipt("30.00", invoices=("N-1", "N-2")), (mine, other))
    assert (both.customer_key, both.bills) == ("", ())
    wrong = _receipt("20.00", invoices=("N-2",), customer_key="A-1")
    assert matched(wrong, (mine, other)).customer_key == ""


def test_a_number_that_nobody_knows_yet_is_waited_for() -> None:
    found = matched(_receipt("10.00", invoices=("N-9",), customer_key="A-1"), ())
    assert (found.customer_key, found.unknown, found.bills) == ("A-1", ("N-9",), ())


def test_an_invoice_in_another_currency_says_whose_money_it_is_and_is_not_paid_by_it() -> None:
    bill = _bill("N-1", "10.00").model_copy(update={"remaining": Money.of("10.00", "EUR")})
    found = matched(_receipt("10.00", invoices=("N-1",)), (bill,))
    assert (found.customer_key, found.bills, found.unknown) == ("A-1", (), ())


def test_what_was_kept_of_a_recorded_payment_is_read_whatever_else_stands_there() -> None:
    """Older rows of the journal hold the whole bill."""
    bill = bill_of(deals.d2(), "in_1", date(2026, 3, 1))
    paid = paid_bill(bill, Money.of("5.00", "EUR"), date(2026, 3, 3), PaymentWay.BANK)
    older = paid.model_copy(update={"buyer": BuyerSnapshot(name="Ada")}).model_dump_json()
    kept = PaidBill.model_validate_json(older)
    assert kept == PaidBill.of(paid)
    assert (kept.payments, kept.remaining) == (paid.payments, paid.remaining)
    assert "Ada" not in kept.model_dump_json()
