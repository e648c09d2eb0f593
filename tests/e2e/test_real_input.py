"""A sales pipeline that others made goes through Salesforce, webhooks and all (DM-08, SN-9, OB-04).

What must come out is computed from the files by a reader that knows nothing of the product.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from dealthread.sandbox.load import load_won
from dealthread.stack.info import StackInfo

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(1800),
]

OWN = Path(__file__).resolve().parents[1] / "data" / "crm"
OTHERS = Path(
    os.environ.get("DEALTHREAD_PIPELINE")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "crm-sales-opportunities"
)


def _load(stack: StackInfo, folder: Path, limit: int) -> str:
    told = io.StringIO()
    audit = load_won(stack, Console(file=told, width=140), folder, limit)
    print(told.getvalue())
    assert list(audit.mismatches) == [], told.getvalue()
    return told.getvalue()


@pytest.mark.usefixtures("office")
def test_our_own_small_pipeline_comes_out_as_its_files_say(stack: StackInfo) -> None:
    """Completed, unmapped, without account; nothing twice in any system. Loading it a second
    time makes nothing new."""
    first = _load(stack, OWN, 20)
    assert first
    _load(stack, OWN, 20)


@pytest.mark.acceptance
@pytest.mark.skipif(not OTHERS.is_dir(), reason="the sales pipeline of others is not at hand")
@pytest.mark.usefixtures("office")
def test_two_hundred_deals_of_others_come_out_as_their_files_say(stack: StackInfo) -> None:
    """N = 200 of the public sales data set, and ten deals without an account."""
    _load(stack, OTHERS, 200)
