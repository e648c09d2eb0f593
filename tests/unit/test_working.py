"""A figure's working reads as finance would write it down."""

from __future__ import annotations

from dealthread.domain.money import Money
from dealthread.domain.working import worked


def test_a_working_names_formula_inputs_source_and_the_steps_below() -> None:
    """One line a step, parts indented."""
    share = worked("share", "days left ÷ days", "0.5", days_left=15, days=30)
    credit = worked(
        "credit",
        "amount × share",
        Money.of("6.00", "USD"),
        source="half-open days",
        parts=[share],
        amount=Money.of("12.00", "USD"),
    )
    assert list(credit.lines()) == [
        "credit = 6.00 USD: amount × share with amount 12.00 USD [half-open days]",
        "  share = 0.5: days left ÷ days with days left 15, days 30",
    ]
    assert list(worked("nothing", "0", 0).lines(1)) == ["  nothing = 0: 0"]
