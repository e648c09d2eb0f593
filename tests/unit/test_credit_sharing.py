"""PF-09: a credit of its own wording takes from each line its share of what was left of it, exact
to the cent. Expected figures are counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.base import Ref, System
from dealthread.domain.credit_sharing import largest_remainder, shared_out
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.errors import StepRejected

INVOICE = Ref(system=System.BILLING, account="acct", kind="invoice", native_id="in_1")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def billed(key: str, net: str, tax: str = "0.00", rate: str = "DE-19") -> InvoiceLine:
    return InvoiceLine(line_key=key, net=eur(net), tax=eur(tax), tax_rate=rate)


def own(net: str, tax: str = "0.00", rate: str = "") -> CreditMemoLine:
    return CreditMemoLine(
        line_key="", net=eur(net), tax=eur(tax), wording="Courtesy", tax_rate=rate
    )


def on_line(key: str, net: str, tax: str = "0.00") -> CreditMemoLine:
    return CreditMemoLine(line_key=key, net=eur(net), tax=eur(tax))


def memo(*lines: CreditMemoLine) -> CreditMemo:
    net = Money.total((one.net for one in lines), "EUR")
    tax = Money.total((one.tax for one in lines), "EUR")
    return CreditMemo(
        number="N-CN-01", corrects=INVOICE, lines=lines, net=net, tax=tax, gross=net + tax
    )


def parts(found: CreditMemo) -> list[tuple[str, str, str]]:
    return [(one.line_key, str(one.net.amount), str(one.tax.amount)) for one in found.lines]


def test_three_equal_lines_share_a_cent_to_the_first() -> None:
    """100.00 over three lines of 50.00: 33.34, 33.33, 33.33; tax of 19.00: 6.34, 6.33, 6.33."""
    lines = [billed(key, "50.00", "9.50") for key in ("A", "B", "C")]
    found = shared_out(lines, memo(own("100.00", "19.00", "DE-19")), ())
    assert parts(found) == [
        ("A", "33.34", "6.34"),
        ("B", "33.33", "6.33"),
        ("C", "33.33", "6.33"),
    ]
    assert {one.wording for one in found.lines} == {"Courtesy"}


def test_what_is_left_is_the_weight_and_not_what_was_billed() -> None:
    """300.00 and 100.00; 200.00 of the first were credited before: both have 100.00 left."""
    lines = [billed("A", "300.00"), billed("B", "100.00")]
    found = shared_out(lines, memo(own("50.00")), (memo(on_line("A", "200.00")),))
    assert parts(found) == [("A", "25.00", "0.00"), ("B", "25.00", "0.00")]


def test_lines_that_the_same_credit_names_come_first() -> None:
    """The note itself takes 300.00 of A: nothing of its own words is left to A."""
    lines = [billed("A", "300.00"), billed("B", "100.00")]
    found = shared_out(lines, memo(own("40.00"), on_line("A", "300.00")), ())
    assert parts(found) == [("B", "40.00", "0.00"), ("A", "300.00", "0.00")]


def test_two_lines_of_own_words_never_take_the_same_twice() -> None:
    lines = [billed("A", "10.00"), billed("B", "10.00")]
    found = shared_out(lines, memo(own("12.00"), own("8.00")), ())
    sums = {key: Money.zero("EUR") for key in ("A", "B")}
    for one in found.lines:
        sums[one.line_key] += one.net
    assert sums == {"A": eur("10.00"), "B": eur("10.00")}


def test_tax_stays_with_the_lines_that_bear_its_rate() -> None:
    """19 % is on the first line alone; 7 % of the second does not take part."""
    lines = [billed("A", "100.00", "19.00"), billed("B", "100.00", "7.00", "DE-07")]
    found = shared_out(lines, memo(own("10.00", "1.90", "DE-19")), ())
    assert parts(found) == [("A", "10.00", "1.90")]


def test_a_rate_that_the_invoice_does_not_have_is_a_persons() -> None:
    with pytest.raises(StepRejected) as refused:
        shared_out([billed("A", "100.00", "19.00")], memo(own("10.00", "2.00", "FR-20")), ())
    assert (refused.value.code, refused.value.field) == (
        "tax_rate_not_on_invoice",
        "lines.tax_rates",
    )
    assert refused.value.evidence["tax_rate"] == "FR-20"


def test_a_credit_without_tax_of_the_whole_total_takes_more_than_the_net() -> None:
    """119.00 without tax of 100.00 and 19.00: 75 and 25 first, then 14.25 and 4.75."""
    lines = [billed("A", "75.00", "14.25"), billed("B", "25.00", "4.75")]
    found = shared_out(lines, memo(own("119.00")), ())
    assert parts(found) == [("A", "89.25", "0.00"), ("B", "29.75", "0.00")]


def test_a_line_that_was_reduced_and_charged_anew_counts_once() -> None:
    """120.00 - 50.00 + 30.00 of A are 100.00, as B."""
    lines = [billed("A", "120.00"), billed("A", "-50.00"), billed("A", "30.00")]
    found = shared_out([*lines, billed("B", "100.00")], memo(own("20.00")), ())
    assert parts(found) == [("A", "10.00", "0.00"), ("B", "10.00", "0.00")]


def test_a_credit_of_lines_is_left_as_it_is() -> None:
    given = memo(on_line("A", "10.00"), on_line("", "5.00"))
    assert shared_out([billed("A", "100.00")], given, ()) is given


cents = st.integers(min_value=1, max_value=10**9)


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(cents, min_size=1, max_size=9))
def test_parts_sum_to_the_whole_and_none_is_off_by_a_cent(total: int, weights: list[int]) -> None:
    given_weights = {str(at): Money.from_minor(one, "EUR") for at, one in enumerate(weights)}
    found = largest_remainder(Money.from_minor(total, "EUR"), given_weights)
    assert sum(one.to_minor() for one in found.values()) == total
    for at, weight in enumerate(weights):
        if total:
            off = found[str(at)].to_minor() * sum(weights) - total * weight
            assert abs(off) < sum(weights)
