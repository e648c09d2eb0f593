"""Issue 4, point 3: lines that come and go; another plan, price or cycle day."""

from __future__ import annotations

from datetime import date

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import (
    AddLine,
    ChangeCycleDay,
    ChangePlan,
    ChangePrice,
    ChangeTerms,
    RemoveLine,
)
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY
from tests.unit.money.amending import DAYS, JUNE, billed, june, on, run, segment, shown


def test_a_removed_line_is_credited_and_can_come_back() -> None:
    gone = run(june(), RemoveLine(line_key="L1", effective=on(11)))
    assert shown(gone) == [("-200.00", "2026-06-11", "2026-07-01", "INV-1/1")]
    back = AddLine(
        line_key="L1",
        effective=on(11),
        segment=segment(
            "30.00", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE), quantity="10"
        ),
    )
    again = amend(gone.standing, [back], key="A2", as_of=on(11), convention=DAYS)
    assert again.net + gone.net == Money.zero("USD")
    assert bill_due(again.standing, key="B", as_of=on(20), convention=DAYS).lines == ()


def test_an_added_line_is_charged_to_the_common_end() -> None:
    cycle = BillCycle(length=ANNUAL, anchor=date(2026, 1, 1))
    end = date(2027, 1, 1)
    addition = AddLine(
        line_key="L2",
        effective=date(2026, 7, 1),
        segment=segment("365.00", date(2026, 7, 1), end, cycle, product="SUPPORT"),
    )
    year = billed("100", date(2026, 1, 1), end, ANNUAL, DAYS)
    change = run(year, addition)
    assert shown(change) == [("184.00", "2026-07-01", "2027-01-01", "")]
    assert change.lines[0].product == "SUPPORT"
    assert {item.span.end for item in change.standing.items} == {end}


def test_a_plan_with_another_period_begins_its_own_cycle_or_keeps_the_anchor() -> None:
    price = UnitPrice.of("910.00", "USD")
    fresh = ChangePlan(
        line_key="L1", effective=on(11), product="PRO", unit_price=price, length=QUARTERLY
    )
    change = run(june(), fresh)
    assert shown(change)[1] == ("9100.00", "2026-06-11", "2026-09-11", "INV-1/1")
    kept = run(june(), fresh.model_copy(update={"keeps_anchor": True}))
    assert shown(kept)[1] == ("8110.87", "2026-06-11", "2026-09-01", "INV-1/1")
    same = run(june(), fresh.model_copy(update={"length": MONTHLY}))
    assert shown(same)[1] == ("6066.67", "2026-06-11", "2026-07-01", "INV-1/1")


def test_a_price_change_and_new_terms_at_once() -> None:
    price = ChangePrice(line_key="L1", effective=on(16), unit_price=UnitPrice.of("60", "USD"))
    terms = ChangeTerms(line_key="L1", effective=on(16), payment_terms="net_60")
    assert run(june(), terms).lines == ()
    change = run(june(), price, terms)
    assert [line[0] for line in shown(change)] == ["-150.00", "300.00"]


def test_a_new_cycle_day_ends_the_period_and_starts_a_stub() -> None:
    change = run(june(), ChangeCycleDay(line_key="L1", effective=on(11), cycle_day=21))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("96.77", "2026-06-11", "2026-06-21", "INV-1/1"),
    ]
