"""PF-13: what a credit on use takes back of the bill, and what it gives of the revenue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.documents import document_entries
from dealthread.domain.position.entry import Figure
from dealthread.domain.position.figures import sum_of
from dealthread.domain.usage.credited import credits_of_use

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
CALLS = frozenset({"L2"})
ZERO = Money.zero("GBP")


def gbp(amount: str) -> Money:
    return Money.of(amount, "GBP")


def ref(kind: str, native_id: str) -> Ref:
    return Ref(system=System.BILLING, account="acct", kind=kind, native_id=native_id)


def memo(number: int, net: str) -> CreditMemo:
    return CreditMemo(
        ref=ref("credit_note", f"CN-{number}"),
        number=f"CN-{number}",
        corrects=ref("invoice", "in_1"),
        lines=(CreditMemoLine(line_key="L2", net=gbp(net), tax=ZERO),),
        net=gbp(net),
        tax=ZERO,
        gross=gbp(net),
        issue_date=date(2026, 5, 10 + number),
    )


def bill(
    periods: Sequence[tuple[date, date, str]],
    *credited: str,
    status: InvoiceStatus = InvoiceStatus.OPEN,
) -> Bill:
    net = Money.total((gbp(amount) for _, _, amount in periods), "GBP")
    return Bill(
        ref=ref("invoice", "in_1"),
        number="UK-1",
        status=status,
        contract_key="C-1",
        customer_key="A-1",
        currency="GBP",
        lines=tuple(
            InvoiceLine(
                line_key="L2", net=gbp(amount), tax=ZERO, period_start=start, period_end=end
            )
            for start, end, amount in periods
        ),
        net=net,
        tax=ZERO,
        gross=net,
        balance_used=ZERO,
        remaining=net,
        issue_date=MAY,
        finalised_at=datetime(2026, 5, 1, tzinfo=UTC),
        voided_on=date(2026, 5, 25),
        credit_memos=tuple(memo(number, net) for number, net in enumerate(credited)),
    )


@pytest.mark.parametrize(
    ("billed", "credited", "given"),
    [
        ("103.00", ("3.00",), ["0.00"]),
        ("103.00", ("1.00", "5.00", "4.00"), ["0.00", "3.00", "4.00"]),
        ("100.00", ("7.00",), ["7.00"]),
        ("90.00", ("7.00",), ["7.00"]),
        ("103.00", ("103.00",), ["100.00"]),
    ],
)
def test_what_was_too_much_is_taken_back_before_anything_is_given(
    billed: str, credited: tuple[str, ...], given: list[str]
) -> None:
    """100.00 were counted."""
    worth = {("L2", APRIL): gbp("100.00")}
    told = bill([(APRIL, MAY, billed)], *credited)
    found = credits_of_use((told,), worth, CALLS, JUNE)
    assert [str(one.given.amount) for one in found] == given
    assert [one.obligation for one in found] == [f"credit CN-{n}:1" for n in range(len(credited))]
    assert {one.period_start for one in found} == {APRIL}


def test_a_credit_is_of_the_newest_period_of_its_bill() -> None:
    """April's rest and May on one bill: May was too much."""
    worth = {("L2", APRIL): gbp("10.00"), ("L2", MAY): gbp("100.00")}
    told = bill([(APRIL, MAY, "10.00"), (MAY, JUNE, "103.00")], "3.00")
    (found,) = credits_of_use((told,), worth, CALLS, JUNE)
    assert (found.period_start, found.given.amount) == (MAY, Decimal(0))


def test_a_credit_of_a_later_day_is_not_there_yet() -> None:
    told = bill([(APRIL, MAY, "103.00")], "3.00")
    assert credits_of_use((told,), {}, CALLS, date(2026, 5, 9)) == ()


def test_a_bill_that_is_voided_after_a_credit_leaves_nothing_billed() -> None:
    told = bill([(APRIL, MAY, "103.00")], "3.00", status=InvoiceStatus.VOID)
    entries = list(document_entries(told, {}, CALLS))
    for figure in (Figure.USAGE_BILLED, Figure.BILLED, Figure.SOLD):
        assert sum_of(entries, figure, "GBP") == ZERO
