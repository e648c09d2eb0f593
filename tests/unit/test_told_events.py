"""A test that claims to tell an event and does not, or tells it wrongly, fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import pytest
from datetime import UTC, datetime
from dealthread.domain.events import BusinessEvent, EventType

def tell(data):
    return BusinessEvent(id="evt_1", type=EventType.CASE_OPENED, subject="C-1",
                         time=datetime(2026, 1, 1, tzinfo=UTC), data=data).cloud_event()

@pytest.mark.tells(EventType.CASE_OPENED)
def test_it() -> None:
"""
RIGHT = {"case_id": "CASE-0123456789AB", "kind": "deal.approval", "queue": "deal-desk"}


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (f"tell({RIGHT})", "1 passed"),
        ("pass", "claimed and not told"),
        ('tell({"kind": "deal.approval"})', "missing"),
    ],
)
def test_a_claim_is_proved_by_its_own_test(tmp_path: Path, flow: str, said: str) -> None:
    (tmp_path / "test_flow.py").write_text(f"{HEAD}    {flow}\n")
    plugin = ("-p", "tests.plugins.told_events", "-p", "no:cacheprovider", "-p", "no:xdist")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ran.stdout, ran.stdout + ran.stderr
