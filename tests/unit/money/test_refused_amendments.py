"""Issue 4, point 3: changes, lines and billed items that cannot be are refused by field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billed import BilledItem, Credited
from dealthread.domain.amendment.change import AddLine, Change, ChangePrice, Pause, RemoveLine
from dealthread.domain.amendment.line import ServiceLine
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods import presets
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import MONTHLY
from dealthread.domain.periods.moment import Span
from tests.unit.money.amending import DAYS, JUNE, june, on, run, seats, segment


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (RemoveLine(line_key="L9", effective=on(11)), "effective: L9 is not served"),
        (RemoveLine(line_key="L1", effective=date(2026, 5, 1)), "effective: L1 is not served"),
        (
            AddLine(
                line_key="L1",
                effective=on(11),
                segment=segment("1", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE)),
            ),
            "line_key: L1 is served",
        ),
        (
            AddLine(
                line_key="L2",
                effective=on(11),
                segment=segment(
                    "1", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE), currency="EUR"
                ),
            ),
            "currency: L2",
        ),
        (
            ChangePrice(line_key="L1", effective=on(11), unit_price=UnitPrice.of(1, "EUR")),
            "currency: L1",
        ),
    ],
)
def test_changes_that_cannot_be_are_refused_by_field(change: Change, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        run(june(), change)


def test_days_and_instants_do_not_mix() -> None:
    with pytest.raises(ValueError, match="lines: stripe counts instants"):
        run(june(), seats(11, 12), convention=presets.STRIPE)
    noon = datetime(2026, 6, 11, 12, tzinfo=UTC)
    late = AddLine(
        line_key="L2",
        effective=noon,
        segment=segment("1", noon, None, BillCycle(length=MONTHLY, anchor=noon)),
    )
    with pytest.raises(ValueError, match="effective: days counts"):
        amend(june(), [late], key="A1", as_of=on(20), convention=DAYS)


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"unpaid": Money.of(301, "USD")}, "unpaid"),
        ({"unpaid": Money.of(-1, "USD")}, "unpaid"),
        ({"amount": Money.of(-1, "USD"), "unpaid": Money.of(0, "USD")}, "amount"),
        ({"unit_price": UnitPrice.of(1, "EUR")}, "unit_price"),
        ({"credits": (Credited(amount=Money.of(301, "USD")),)}, "credits"),
        ({"quantity": Decimal("-1")}, "quantity"),
    ],
)
def test_billed_items_that_cannot_be_are_refused_by_field(
    update: dict[str, object], why: str
) -> None:
    (item,) = june().items
    with pytest.raises(ValueError, match=why):
        BilledItem.model_validate({**dict(item), **update})


def test_lines_and_changes_that_cannot_be_are_refused_by_field() -> None:
    cycle = BillCycle(length=MONTHLY, anchor=JUNE)
    one = segment("1", JUNE, on(11), cycle)
    with pytest.raises(ValueError, match="end"):
        segment("1", JUNE, JUNE, cycle)
    with pytest.raises(ValueError, match="not a mixture"):
        segment("1", datetime(2026, 6, 1, tzinfo=UTC), None, cycle)
    for other in (segment("1", on(10), None, cycle), one):
        with pytest.raises(ValueError, match="segments"):
            ServiceLine(line_key="L1", segments=(one, other))
    with pytest.raises(ValueError, match="currency"):
        ServiceLine(
            line_key="L1",
            segments=(one, segment("1", on(11), None, cycle, currency="EUR")),
        )
    with pytest.raises(ValueError, match="until"):
        Pause(line_key="L1", effective=on(11), until=on(11))
    with pytest.raises(ValueError, match="effective"):
        AddLine(line_key="L1", effective=on(12), segment=one)
    with pytest.raises(ValueError, match="quantity"):
        seats(11, -1)
    assert Span(start=JUNE, end=on(11)).size == 10
