"""`make year`: five contracts live for a year and more, and all systems agree to the cent."""

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
    pytest.mark.timeout(900),
]


def test_five_contracts_live_their_year_and_every_system_agrees() -> None:
    """Upgrade while the ERP is down, reduction, renewals, a regional entity, cancellation; then
    each kind of change, read back from every system (PF-10, PF-12)."""
    root = Path(tempfile.mkdtemp(prefix="dt-year-"))
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.year", "--root", str(root)],
            cwd=ROOT,
            env=os.environ | {"DEALTHREAD_KEEP": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=850,
        )
    finally:
        down(root, print)
        shutil.rmtree(root, ignore_errors=True)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert "✗" not in ran.stdout
    for letter in "ABCDE":
        assert f"\n{letter}: " in ran.stdout
