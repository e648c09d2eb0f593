"""Issue 4, point 3: what changes credit and charge, in the order in which they take effect."""

from __future__ import annotations

from datetime import date

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.change import Pause, RemoveLine
from dealthread.domain.amendment.standing import Standing
from dealthread.domain.periods import presets
from dealthread.domain.periods.length import MONTHLY
from tests.unit.money.amending import DAYS, JUNE, billed, june, on, run, seats, shown


def test_more_seats_credit_the_old_and_charge_the_new() -> None:
    change = run(june(), seats(11, 12))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("240.00", "2026-06-11", "2026-07-01", "INV-1/1"),
    ]
    assert str(change.net.amount) == "40.00"
    assert change.standing.items[-1].item_key == "A1/1"
    assert not change.standing.items[-1].is_issued


def test_several_changes_in_one_period_credit_once_and_charge_each_part() -> None:
    change = run(june(), seats(11, 12), seats(21, 5))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("120.00", "2026-06-11", "2026-06-21", "INV-1/1"),
        ("50.00", "2026-06-21", "2026-07-01", "INV-1/1"),
    ]


def test_two_changes_of_one_moment_take_effect_in_order_of_acceptance() -> None:
    assert str(run(june(), seats(11, 12), seats(11, 5)).net.amount) == "-100.00"
    assert str(run(june(), seats(11, 5), seats(11, 12)).net.amount) == "40.00"


def test_a_backdated_change_leaves_what_was_agreed_for_later() -> None:
    first = run(june(), seats(21, 20))
    late = amend(first.standing, [seats(11, 12)], key="A2", as_of=on(25), convention=DAYS)
    assert shown(late) == [
        ("-100.00", "2026-06-11", "2026-06-21", "INV-1/1"),
        ("120.00", "2026-06-11", "2026-06-21", "INV-1/1"),
    ]


def test_a_backdated_change_over_several_periods_corrects_each_invoice() -> None:
    standing = june(until=date(2026, 8, 1))
    change = amend(standing, [seats(16, 20)], key="A1", as_of=date(2026, 7, 10), convention=DAYS)
    assert [(line.invoice, line.corrects) for line in change.lines[:2]] == [
        ("INV-1", ("INV-1/1",)),
        ("INV-2", ("INV-2/1",)),
    ]
    assert [str(line.amount.amount) for line in change.lines] == [
        "-150.00",
        "-300.00",
        "300.00",
        "600.00",
    ]
    assert [line.corrects for line in change.lines[2:]] == [("INV-1/1",), ("INV-2/1",)]


def test_a_change_of_a_later_moment_stays_pending() -> None:
    later = seats(21, 20)
    change = amend(june(), [later, seats(11, 12)], key="A1", as_of=on(15), convention=DAYS)
    assert change.pending == (later,)
    assert len(change.standing.changes) == 1
    assert str(change.net.amount) == "40.00"


def test_every_line_explains_itself() -> None:
    change = run(june(), seats(11, 12))
    text = "\n".join(change.working.lines())
    assert "net of A1 = 40.00 USD" in text
    assert "credit of INV-1/1 = -200.00 USD: quantity × price × share" in text
    assert "share 2/3" in text
    assert "[days]" in text
    whole = run(june(), RemoveLine(line_key="L1", effective=on(1)))
    assert "the billed amount" in "\n".join(whole.working.lines())


def test_a_contract_as_it_stands_survives_json() -> None:
    for standing in (
        run(june(), seats(11, 12), Pause(line_key="L1", effective=on(21))).standing,
        billed("10", JUNE, None, MONTHLY, presets.STRIPE),
    ):
        assert Standing.model_validate_json(standing.model_dump_json()) == standing
