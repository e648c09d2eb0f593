"""How a run ended, in words: a deal is billed, booked and entitled, a change need not be."""

from __future__ import annotations

import pytest

from dealthread.cli.words import state

AT = "2026-03-15T09:00:00Z"


@pytest.mark.parametrize(
    ("business_key", "outcome", "said"),
    [
        ("quote-to-cash:o:d", "completed", "completed: billed, booked, entitled"),
        ("quote-to-cash:o:d", "scheduled", "set up everywhere, starts on its start date"),
        ("cancellation:C-1:X1", "completed", "completed in every system"),
        ("amendment:C-1:A1", "scheduled", "accepted, held for its day"),
        ("amendment:C-1:A1", "compensated", "stopped before the pivot, what was done is undone"),
    ],
)
def test_the_end_of_a_run_is_said_as_what_it_was(
    business_key: str, outcome: str, said: str
) -> None:
    run = {"business_key": business_key, "outcome": outcome, "ended_at": AT}
    assert state(run).startswith(f"{said} (2026-03-15 09:00:00")
