"""`make year`: contracts live for a year and more, and all systems agree to the cent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dealthread.stack.down import down
from tests.e2e.conftest import ROOT

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # A stack of its own is prepared first.
    pytest.mark.timeout(2400),
]


@pytest.fixture(scope="module")
def lived() -> str:
    """All lives on one stack, which is prepared first: what was printed."""
    root = Path(tempfile.mkdtemp(prefix="dt-year-"))
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.year", "--root", str(root)],
            cwd=ROOT,
            env=os.environ | {"DEALTHREAD_KEEP": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=2350,
        )
    finally:
        down(root, print)
        shutil.rmtree(root, ignore_errors=True)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert "✗" not in ran.stdout
    return ran.stdout


def test_five_contracts_live_their_year_and_every_system_agrees(lived: str) -> None:
    """Upgrade while the ERP is down, reduction, renewals, a regional entity, cancellation; then
    each kind of change, read back from every system (PF-10, PF-12)."""
    for letter in "ABCDE":
        assert f"\n{letter}: " in lived


def test_usage_is_sold_counted_billed_recognised_and_in_the_end_given_up(lived: str) -> None:
    """Deal D3 of facts/domain.md §9 from the CRM to its position at the end, to the cent: events,
    accrual, bill, ledger, the trace back to the events, suspension, part payment, write-off
    (PF-05, PF-13)."""
    assert "\nF: " in lived
    assert "✓ traced to its events: 1937.04, 30, " in lived
    assert "✓ ledger, open of it: 1,804.45" in lived
    assert "written_off 1804.45, receivable 0.00" in lived


def test_seats_within_the_term_and_then_a_failed_charge(lived: str) -> None:
    """CRM current, customer success told, dunning started; paid, it ends (SN-4)."""
    assert "\nG: " in lived
    assert "✓ pursuit: CRM, customer success: open, started" in lived
    assert "✓ pursuit: CRM, customer success: paid, ended" in lived


def test_a_year_of_platform_and_usage_in_two_regions_amended_and_renewed(lived: str) -> None:
    """From the CRM to two ledgers: each bill, its usage and its tax are posted to the cent although
    the ERP was away when they came; over-use is a person's, access goes on (SN-1, SN-3)."""
    assert "\nH: " in lived
    assert "✓ cases: entitlement.over_use" in lived
    assert "✓ ERP, bookings, net: 6000.00, 400.00, 6864.00" in lived
    assert " 1,380.00 + 262.20 = 1,642.20" in lived
    assert "invoiced_gross 13081.95, collected 13081.95, receivable 0.00" in lived
