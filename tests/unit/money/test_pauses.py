"""Issue 4, point 3: a pause credits its days, a resume charges them again."""

from __future__ import annotations

from datetime import date

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import Pause, RemoveLine, Resume
from dealthread.domain.amendment.replay import replay
from dealthread.domain.periods.length import MONTHLY
from tests.unit.money.amending import DAYS, JUNE, billed, june, on, run, shown


def test_a_pause_credits_its_days_and_a_resume_charges_the_rest_again() -> None:
    pause = run(june(), Pause(line_key="L1", effective=on(11), until=on(21)))
    assert shown(pause) == [("-100.00", "2026-06-11", "2026-06-21", "INV-1/1")]
    open_end = run(june(), Pause(line_key="L1", effective=on(11)))
    assert shown(open_end) == [("-200.00", "2026-06-11", "2026-07-01", "INV-1/1")]
    again = amend(
        open_end.standing,
        [Resume(line_key="L1", effective=on(21))],
        key="A2",
        as_of=on(21),
        convention=DAYS,
    )
    assert shown(again) == [("100.00", "2026-06-21", "2026-07-01", "")]
    assert bill_due(open_end.standing, key="B", as_of=date(2026, 7, 5), convention=DAYS).lines == ()


def test_a_pause_leaves_both_sides_to_be_credited_later() -> None:
    pause = run(june(), Pause(line_key="L1", effective=on(11), until=on(21)))
    gone = amend(
        pause.standing,
        [RemoveLine(line_key="L1", effective=on(6))],
        key="A2",
        as_of=on(21),
        convention=DAYS,
    )
    assert [line[:3] for line in shown(gone)] == [
        ("-50.00", "2026-06-06", "2026-06-11"),
        ("-100.00", "2026-06-21", "2026-07-01"),
    ]


def test_a_pause_inside_a_pause_and_a_service_with_an_end() -> None:
    standing = billed("30.00", JUNE, on(26), MONTHLY, DAYS)
    change = run(
        standing,
        Pause(line_key="L1", effective=on(6), until=on(16)),
        Pause(line_key="L1", effective=on(11), until=on(21)),
    )
    assert [line[:3] for line in shown(change)] == [("-15.00", "2026-06-06", "2026-06-21")]
    back = amend(
        change.standing,
        [Resume(line_key="L1", effective=on(11))],
        key="A2",
        as_of=on(28),
        convention=DAYS,
    )
    assert [line[:3] for line in shown(back)] == [("10.00", "2026-06-11", "2026-06-21")]
    assert len(replay(back.standing.lines, back.standing.changes, DAYS)["L1"].segments) == 3
