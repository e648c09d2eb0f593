"""What holds for every change, whatever the numbers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dealthread.domain.change_order import LineAction
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.delta import booking_delta
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.lookup import line_keys, spans_of
from dealthread.domain.versions.money import change_money, charge_lines, credit_lines
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.revenue import first_schedule, replanned
from dealthread.domain.versions.treatment import treatments
from tests.unit.versions import worked as w

START, END = date(2026, 1, 1), date(2027, 1, 1)
DAYS = st.integers(0, 364).map(lambda days: START + timedelta(days=days))
SEATS = st.integers(1, 500)
PRICES = st.decimals("0.01", "900", places=2)
CHANGES = st.lists(st.tuples(DAYS, SEATS, st.none() | PRICES), min_size=1, max_size=4)


def change(contract: Contract, on: date, seats: int, price: object = None) -> Contract:
    given = {} if price is None else {"unit_price": w.price(str(price))}
    order = w.amendment(w.line(LineAction.QUANTITY, quantity=seats, **given), on=on)
    try:
        return amended(contract, order, w.config(), on)
    except OrderRefused:
        return contract


@given(CHANGES)
@settings(deadline=None)
def test_the_value_moves_by_exactly_the_money_of_the_change(changes) -> None:
    """D1 and D2: 15,000.00 → 17,722.19 and 17,760.00 → 15,558.25, for any of them."""
    contract = w.d1()
    for on, seats, price in changes:
        after = change(contract, on, seats, price)
        money = change_money(contract, after, on, as_of=END)
        assert after.tcv() - contract.tcv() == money.net
        delta = booking_delta(contract, after, on)
        assert (Money.zero("USD") if delta is None else delta.booking_net()) == money.net
        given_back = Money.total((one.net for one in credit_lines(money)), "USD")
        charged = Money.total((money.net_of(key) for key in charge_lines(money)), "USD")
        assert charged - given_back == money.net
        contract = after


@given(CHANGES, DAYS, SEATS)
@settings(deadline=None)
def test_a_change_and_its_inverse_at_one_instant_net_to_nothing(changes, on, seats) -> None:
    """To the cent for a state that was billed from its period's start; a state that began within
    the period gives back its share of what was billed then, which may be a cent beside the price
    of what is left."""
    contract = w.d1()
    for day, amount, price in changes:
        contract = change(contract, min(day, on), amount, price)
    held = next(one for one in spans_of(contract, "L1") if one.end_date and on < one.end_date)
    there = change(contract, on, seats)
    back = change(there, on, int(held.quantity))
    first = change_money(contract, there, on, as_of=END)
    second = change_money(there, back, on, as_of=END)
    cent = Decimal(0) if held.start_date in (START, on) else Decimal("0.01")
    assert abs((first.net + second.net).amount) <= cent
    assert abs((first.tax + second.tax).amount) <= cent
    assert back.tcv() - contract.tcv() == first.net + second.net


@given(CHANGES)
@settings(deadline=None)
def test_spans_follow_one_another_and_lines_end_together(changes) -> None:
    contract = w.d1()
    for number, (on, seats, price) in enumerate(changes):
        contract = change(contract, on, seats, price)
        added = w.line(LineAction.ADD, f"N{number}", product_code="SEAT-PRO", quantity=seats)
        contract = amended(contract, w.amendment(added, on=on), w.config(), on)
    for key in line_keys(contract):
        spans = spans_of(contract, key)
        for one, other in pairwise(spans):
            assert one.end_date == other.start_date
        assert key == "L2" or spans[-1].end_date == END
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


@given(CHANGES)
@settings(deadline=None)
def test_a_rescission_gives_back_all_that_was_billed(changes) -> None:
    contract = w.d1()
    for on, seats, price in changes:
        contract = change(contract, on, seats, price)
    after = ended(contract, w.cancellation(**w.RESCISSION), date(2026, 12, 31))
    money = change_money(contract, after, START, as_of=date(2026, 12, 31))
    assert money.net == -contract.tcv()


@given(CHANGES, st.integers(0, 60))
@settings(deadline=None)
def test_the_plan_always_sums_to_what_is_booked(changes, late: int) -> None:
    contract, config = w.d2(), w.config()
    rows = first_schedule(contract, config)
    for day, seats, price in sorted(changes, key=lambda one: one[0]):
        on = day + timedelta(days=73)
        given = {} if price is None else {"unit_price": w.price(str(price), "EUR")}
        line = w.line(LineAction.QUANTITY, quantity=seats, **given)
        order = w.amendment(line, on=on, accepted_on=on + timedelta(days=late))
        try:
            after = amended(contract, order, config, on)
        except OrderRefused:
            continue
        decided = treatments(contract, after, order, config)
        accepted = order.accepted_on
        rows = replanned(rows, contract, after, on, accepted, decided, config)
        contract = after
    assert w.total(rows) == contract.tcv().amount
