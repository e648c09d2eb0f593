"""`dealthread demo` on the whole stack: the scenes of quote-to-cash, figures read back to the cent.

Every amount is compared by the demonstration itself with the published figures of the worked
deals: first invoice, tax and booking of D1, D2 and D4, read from Stripe's simulator and Tryton.
"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dealthread.sandbox import demo
from dealthread.stack.info import StackInfo

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(900),
]


@pytest.mark.usefixtures("office")
def test_the_demo_comes_out_as_published_and_again_with_new_deals(stack: StackInfo) -> None:
    """PF-01…06, SN-5, S1, S9, ER-01: complete, corrected, aborted, corrected after the pivot."""
    for run in (1, 2):
        told = io.StringIO()
        assert demo.run(stack, Console(file=told, width=140)) == 0, told.getvalue()
        assert f"run {run}" in told.getvalue()
