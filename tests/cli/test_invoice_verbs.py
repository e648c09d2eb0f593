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
    """Where the ledger would not hear of it, and an invoice that nobody has read."""
    asked = ("invoices", "credit", "DE-1", "--line", "L-1=5.00", "--currency", "EUR")
    assert "DEALTHREAD_INVOICE_TO_CASH" in run(*asked, *REASON).error
    assert run(*asked, "--preview").error.startswith("invoice not found")
    negative = run("invoices", "credit", "DE-1", "--amount", "-5.00", "--currency", "EUR", *REASON)
    assert "body.amount" in negative.error
