"""Deltas folded to what holds when, and onto the lines of a contract."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.salesforce.commercial_change import CommercialChange, effective_day, line_orders
from adapters.salesforce.fold import Held, fold
from adapters.salesforce.record import Record
from adapters.salesforce.revenue_cloud import changes_of
from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import LineAction
from dealthread.domain.money import UnitPrice
from dealthread.errors import ContractDrift, StepRejected
from dealthread.naming import line_key
from tests.support import deals

START, END, DAY = date(2026, 1, 1), date(2027, 1, 1), date(2026, 7, 1)
SEATS = deals.d1().lines[0]

DAYS = st.integers(0, 40).map(lambda days: START + timedelta(days=days))


@st.composite
def rows(draw: st.DrawFn) -> Held:
    """Any row of two roots, two products, two prices."""
    start = draw(DAYS)
    end = draw(st.none() | DAYS.map(lambda day: max(day, start + timedelta(days=1))))
    return Held(
        contract="C",
        root=draw(st.sampled_from("ab")),
        product=draw(st.sampled_from("xy")),
        price=draw(st.sampled_from([Decimal(1), Decimal("1.00"), Decimal(2)])),
        quantity=Decimal(draw(st.integers(-5, 5))),
        start=start,
        end=end,
    )


@given(st.lists(rows(), max_size=12), st.randoms())
def test_any_order_of_arrival_gives_the_same_phases(held: list[Held], chance: Any) -> None:
    shuffled = list(held)
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(held)


@given(st.lists(rows(), max_size=12), DAYS)
def test_on_every_day_the_phases_add_up_to_the_rows(held: list[Held], day: date) -> None:
    def on(found: Any) -> dict[Any, Decimal]:
        total: dict[Any, Decimal] = {}
        for one in found:
            if one.start <= day and (one.end is None or day < one.end):
                total[one.group] = total.get(one.group, Decimal(0)) + one.quantity
        return {group: quantity for group, quantity in total.items() if quantity}

    phases = fold(held)
    assert on(phases) == on(held)
    spans = [(one.group, one.start) for one in phases]
    assert spans == sorted(set(spans))


def test_a_row_that_takes_back_cuts_the_span() -> None:
    """Ten for a year, less three from July on."""
    group = ("C", "root", "SEAT", Decimal(270))
    found = fold([Held(*group, Decimal(-3), DAY, END), Held(*group, Decimal(10), START, END)])
    assert [(one.quantity, one.start, one.end) for one in found] == [
        (10, START, DAY),
        (7, DAY, END),
    ]


# ---------------------------------------------------------------- onto a contract's lines


def change(quantity: str, key: str = SEATS.line_key, **more: Any) -> CommercialChange:
    """A delta of the seats of D1 from July on."""
    given_: dict[str, Any] = {
        "line_key": key,
        "product": "SEAT-STD",
        "quantity": Decimal(quantity),
        "price": UnitPrice.of(270, "USD"),
        "start": DAY,
        "end": END,
        "ref": Ref(system=System.CRM, account=deals.ORG, kind="quote_line", native_id="a0l"),
    }
    return CommercialChange(**{**given_, **more})


def test_a_delta_becomes_the_quantity_after_the_change() -> None:
    (order,) = line_orders(deals.d1(), [change("20"), change("-5")], DAY)
    assert (order.action, order.line_key) == (LineAction.QUANTITY, SEATS.line_key)
    assert (order.quantity, order.unit_price) == (65, None)


def test_a_line_that_comes_to_nothing_is_removed() -> None:
    (order,) = line_orders(deals.d1(), [change("-50")], DAY)
    assert (order.action, order.quantity) == (LineAction.REMOVE, None)


def test_a_line_booked_off_and_on_again_has_a_new_price() -> None:
    """Debook and rebook: sellers cannot edit the price of an existing line."""
    booked = change("50", "L-NEW", price=UnitPrice.of(250, "USD"))
    (order,) = line_orders(deals.d1(), [change("-50"), booked], DAY)
    assert (order.action, order.line_key) == (LineAction.PRICE, SEATS.line_key)
    assert (order.quantity, order.unit_price) == (50, UnitPrice.of(250, "USD"))


def test_another_product_or_another_end_is_not_a_new_price() -> None:
    for more in ({"product": "SEAT-PRO"}, {"end": date(2026, 10, 1)}):
        booked = change("50", "L-NEW", **more)
        remove, add = line_orders(deals.d1(), [change("-50"), booked], DAY)
        assert (remove.action, add.action) == (LineAction.REMOVE, LineAction.ADD)
    assert add.end_date == date(2026, 10, 1)


def test_two_lines_booked_on_again_are_not_guessed_to_be_a_price() -> None:
    halves = [change("25", key, price=UnitPrice.of(250, "USD")) for key in ("L-1", "L-2")]
    actions = [one.action for one in line_orders(deals.d1(), [change("-50"), *halves], DAY)]
    assert actions == [LineAction.REMOVE, LineAction.ADD, LineAction.ADD]


def test_what_cannot_be_told_in_one_order_is_refused() -> None:
    contract = deals.d1()
    second = SEATS.model_copy(update={"start_date": DAY, "quantity": Decimal(60)})
    first = SEATS.model_copy(update={"end_date": DAY})
    ramp = contract.model_copy(update={"lines": (first, second)})
    for deltas, held, day, code in (
        ([change("-51")], contract, DAY, "quantity_below_zero"),
        ([change("-1", "L-NEW")], contract, DAY, "quantity_below_zero"),
        ([change("5")], ramp, START, "later_quantity_agreed"),
        ([change("5")], contract, END, "line_has_ended"),
    ):
        with pytest.raises(StepRejected) as refused:
            line_orders(held, deltas, day)
        assert (refused.value.case_kind, refused.value.code) == ("deal.invalid_terms", code)


def test_lines_that_change_on_several_days_are_refused() -> None:
    with pytest.raises(StepRejected) as refused:
        effective_day([change("1"), change("1", start=START)], None)
    assert refused.value.code == "several_effective_days"
    assert effective_day([], DAY) == DAY


# ---------------------------------------------------------------- Revenue Cloud


def item(**more: Any) -> Record:
    """An order item that takes fifty seats to seventy."""
    sample: dict[str, Any] = {
        "Id": "802000000000001AAA",
        "Product2": {"ProductCode": "SEAT-STD"},
        "Quantity": Decimal(20),
        "StartQuantity": Decimal(50),
        "EndQuantity": Decimal(70),
        "UnitPrice": Decimal(270),
        "ServiceDate": "2026-07-01",
        "EndDate": "2026-12-31",
        "Dealthread_Changes_Line__c": SEATS.line_key,
    }
    return Record({**sample, **more}, "OrderItem")


def test_an_order_item_of_revenue_cloud_is_a_delta() -> None:
    """Quantity is the change; start and end quantity say what it changes."""
    contract = deals.d1()
    (found,) = changes_of([item()], contract, deals.ORG)
    (order,) = line_orders(contract, [found], found.start)
    assert (order.action, order.quantity) == (LineAction.QUANTITY, 70)
    assert (found.start, found.end) == (DAY, END)


def test_a_new_order_item_adds_a_line_and_one_that_ends_removes_it() -> None:
    contract = deals.d1()
    new = item(StartQuantity=None, EndQuantity=Decimal(20), Dealthread_Changes_Line__c=None,
               Product2={"ProductCode": "SEAT-PRO"})  # fmt: skip
    gone = item(Quantity=Decimal(-50), EndQuantity=Decimal(0))
    same = item(Quantity=Decimal(0), EndQuantity=Decimal(50))
    found = changes_of([gone, new, same], contract, deals.ORG)
    remove, add = line_orders(contract, found, DAY)
    assert remove.action is LineAction.REMOVE
    assert (add.action, add.product_code, add.quantity) == (LineAction.ADD, "SEAT-PRO", 20)
    assert add.line_key == line_key(deals.ORG, "802000000000001AAA")


@pytest.mark.parametrize(
    "more", [{"EndQuantity": Decimal(71)}, {"Quantity": None}, {"ServiceDate": None}]
)
def test_an_order_item_that_does_not_add_up_is_drift(more: dict[str, Any]) -> None:
    with pytest.raises(ContractDrift):
        changes_of([item(**more)], deals.d1(), deals.ORG)
