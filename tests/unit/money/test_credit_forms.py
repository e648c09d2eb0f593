"""Issue 4, point 3: in which form a credit is given, and how much is left to credit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dealthread.domain.amendment.billed import Credited, CreditForm
from dealthread.domain.amendment.change import RemoveLine
from dealthread.domain.money import Money
from dealthread.domain.periods.knobs import CreditBasis, PaidCredit
from tests.unit.money.amending import DAYS, june, on, run


@pytest.mark.parametrize(
    ("unpaid", "issued", "forms"),
    [
        ("0", True, [(CreditForm.BALANCE, "200.00")]),
        ("300", True, [(CreditForm.CREDIT_MEMO, "200.00")]),
        ("50", True, [(CreditForm.CREDIT_MEMO, "50.00"), (CreditForm.BALANCE, "150.00")]),
        ("300", False, [(CreditForm.WITHDRAWN, "200.00")]),
    ],
)
def test_a_credit_takes_its_form_from_the_state_of_payment(
    unpaid: str, issued: bool, forms: Sequence[tuple[CreditForm, str]]
) -> None:
    standing = june()
    (item,) = standing.items
    item = item.model_copy(update={"unpaid": Money.of(unpaid, "USD"), "is_issued": issued})
    standing = standing.model_copy(update={"items": (item,)})
    change = run(standing, RemoveLine(line_key="L1", effective=on(11)))
    (line,) = change.lines
    assert [(one.form, str(one.amount.amount)) for one in line.settlements] == list(forms)
    assert line.invoice == "INV-1"
    left = change.standing.items[0]
    assert left.unpaid == Money.of(max(0, int(unpaid) - 200), "USD")
    assert left.left == Money.of(100, "USD")


def test_a_convention_may_refund_what_was_paid() -> None:
    refunding = DAYS.named("refunding", paid_credit=PaidCredit.REFUND)
    change = run(june(), RemoveLine(line_key="L1", effective=on(11)), convention=refunding)
    assert change.lines[0].settlements[0].form is CreditForm.REFUND


def test_an_item_that_is_used_up_is_not_credited_again() -> None:
    standing = june()
    (item,) = standing.items
    spent = item.model_copy(update={"credits": (Credited(amount=item.amount),)})
    standing = standing.model_copy(update={"items": (spent,)})
    assert run(standing, RemoveLine(line_key="L1", effective=on(11))).lines == ()


def test_a_discounted_item_is_credited_by_what_was_billed() -> None:
    standing = june()
    (item,) = standing.items
    cheap = item.model_copy(update={"amount": Money.of(240, "USD")})
    standing = standing.model_copy(update={"items": (cheap,)})
    by_price = DAYS.named("by_price", credit_basis=CreditBasis.CURRENT_PRICE)
    gone = RemoveLine(line_key="L1", effective=on(11))
    assert str(run(standing, gone).net.amount) == "-160.00"
    assert str(run(standing, gone, convention=by_price).net.amount) == "-200.00"
    whole = RemoveLine(line_key="L1", effective=on(1))
    assert str(run(standing, whole, convention=by_price).net.amount) == "-240.00"
