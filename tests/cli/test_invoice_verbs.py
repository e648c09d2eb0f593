"""`dealthread invoices credit`: wrong usage and refusals are told in a line, with their field."""

from __future__ import annotations

import pytest

from dealthread.stack.info import StackInfo
from tests.cli.conftest import Run

pytestmark = pytest.mark.postgres
REASON = ("--reason", "late")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--amount", "5.00", *REASON),
        ("--amount", "5.00", "--all", "--currency", "EUR", *REASON),
        ("--amount", "5.00", "--currency", "EUR"),
        ("--line", "L-1", "--currency", "EUR", *REASON),
    ],
    ids=["nothing", "no currency", "two ways", "no reason", "no amount"],
)
def test_wrong_usage_asks_nobody(run: Run, words: tuple[str, ...]) -> None:
    """Code 2, without a bridge."""
    assert run("invoices", "credit", "DE-1", *words).code == 2


def test_a_refusal_of_the_bridge_is_told_in_a_line(run: Run, stack: StackInfo) -> None:
    """An invoice that nobody has read, and an amount below nought."""
    asked = ("invoices", "credit", "DE-1", "--line", "L-1=5.00", "--currency", "EUR")
    assert run(*asked, *REASON).error.startswith("invoice not found")
    assert run(*asked, "--preview").error.startswith("invoice not found")
    negative = run("invoices", "credit", "DE-1", "--amount", "-5.00", "--currency", "EUR", *REASON)
    assert "body.amount" in negative.error
