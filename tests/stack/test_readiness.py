"""Signs of life of programs without a port. Mission row OB-10."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from dealthread import readiness
from dealthread.readiness import VARIABLE, signs_of_life
from dealthread.stack.health import SIGN_OF_LIFE_SECONDS, sign_of_life


async def test_a_program_is_alive_while_its_loop_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there from the start, is touched again and again, and goes at the end."""
    monkeypatch.setattr(readiness, "INTERVAL_SECONDS", 0.01)
    path = tmp_path / "worker.ready"
    alive = sign_of_life(path)
    assert not alive()
    async with signs_of_life({VARIABLE: str(path)}):
        assert alive()
        os.utime(path, (0, 0))
        assert not alive()
        async with asyncio.timeout(10):
            while not alive():  # noqa: ASYNC110  the file is all there is to wait for
                await asyncio.sleep(0.01)
    assert not path.exists()


async def test_without_a_supervisor_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In production there may be no such file."""
    monkeypatch.chdir(tmp_path)
    async with signs_of_life({}):
        assert os.listdir() == []


def test_the_beat_is_well_within_the_patience() -> None:
    """One late beat on a busy machine is no death."""
    assert readiness.INTERVAL_SECONDS * 3 < SIGN_OF_LIFE_SECONDS
