"""What is left on an invoice for a credit, and how an amount is spread over its lines (PF-09)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.credit_order import (
    CreditAsk,
    CreditedLine,
    left_by_line,
    planned,
    spread,
)
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from tests.fakes.bills import credited


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def bill(*lines: tuple[str, str], status: InvoiceStatus = InvoiceStatus.OPEN) -> Bill:
    """An invoice of lines at 19 %, rounded by hand where a test needs it."""
    made = tuple(
        InvoiceLine(
            line_key=key, net=eur(net), tax=Money.rounded(eur(net).amount * 19 / 100, "EUR")
        )
        for key, net in lines
    )
    net = Money.total((line.net for line in made), "EUR")
    tax = Money.total((line.tax for line in made), "EUR")
    return Bill(
        ref=Ref(system=System.BILLING, account="acct_de", kind="invoice", native_id="in_1"),
        number="DE-1",
        status=status,
        contract_key="C-1",
        customer_key="A-1",
        currency="EUR",
        lines=made,
        net=net,
        tax=tax,
        gross=net + tax,
        balance_used=eur("0.00"),
        remaining=net + tax,
    )


TWO = bill(("L-1", "100.00"), ("L-2", "50.00"))


def test_what_was_credited_and_what_was_a_credit_itself_is_not_left() -> None:
    """100.00 less 30.00; a proration's credit is no charge."""
    one = bill(("L-1", "-40.00"), ("L-1", "100.00"), ("L-2", "50.00"))
    less = credited(
        one, eur("30.00"), eur("5.70"), date(2026, 1, 1), CreditForm.OPEN_INVOICE, "L-1"
    )
    assert left_by_line(less) == {"L-1": eur("70.00"), "L-2": eur("50.00")}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            CreditAsk(lines=(CreditedLine(line_key="L-1", net=eur("100.01")),)),
            ("more_than_is_left", "lines.0.net", "L-1 has 100.00 EUR net left"),
        ),
        (
            CreditAsk(
                lines=(
                    CreditedLine(line_key="L-1", net=eur("60.00")),
                    CreditedLine(line_key="L-1", net=eur("60.00")),
                )
            ),
            ("more_than_is_left", "lines.1.net", "L-1 has 100.00 EUR net left"),
        ),
        (
            CreditAsk(lines=(CreditedLine(line_key="L-9", net=eur("1.00")),)),
            ("nothing_left_on_line", "lines.0.line_key", "lines with something left: L-1, L-2"),
        ),
        (
            CreditAsk(amount=eur("150.01")),
            ("more_than_is_left", "amount", "150.00 EUR net is left"),
        ),
        (
            CreditAsk(amount=Money.of("1.00", "USD")),
            ("currency_differs", "currency", "the invoice is in EUR"),
        ),
    ],
)
def test_a_refusal_names_the_field_and_what_is_left(
    ask: CreditAsk, said: tuple[str, str, str]
) -> None:
    """And asks for nothing."""
    _, (found,) = planned(TWO, ask)
    assert (found.code, found.field, found.action) == said


@pytest.mark.parametrize("status", ["draft", "void", "uncollectible"])
def test_only_an_invoice_that_is_open_or_paid_is_credited(status: str) -> None:
    """Whatever is asked of it."""
    one = bill(("L-1", "100.00"), status=InvoiceStatus(status))
    for ask in (CreditAsk(everything=True), CreditAsk(amount=eur("1.00"))):
        _, (found,) = planned(one, ask)
        assert (found.code, found.field) == (f"invoice_is_{status}", "invoice")


def test_all_that_is_left_is_each_lines_rest() -> None:
    """Asked again afterwards, nothing is left."""
    lines, against = planned(TWO, CreditAsk(everything=True))
    assert not against
    assert {line.line_key: line.net for line in lines} == left_by_line(TWO)
    whole = TWO
    for line in lines:
        whole = credited(
            whole, line.net, eur("0.00"), date(2026, 1, 1), CreditForm.BALANCE, line.line_key
        )
    _, (found,) = planned(whole, CreditAsk(everything=True))
    assert found.code == "nothing_left"


@given(
    st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=8),
    st.data(),
)
def test_a_spread_adds_up_and_takes_no_line_beyond_what_it_has_left(
    left: list[int], data: st.DataObject
) -> None:
    """To the cent, whatever the shares round to."""
    room = {f"L-{at}": Money.from_minor(minor, "EUR") for at, minor in enumerate(left)}
    wanted = Money.from_minor(data.draw(st.integers(1, sum(left))), "EUR")
    lines = spread(wanted, room)
    assert Money.total((line.net for line in lines), "EUR") == wanted
    assert all(0 < line.net.amount <= room[line.line_key].amount for line in lines)
