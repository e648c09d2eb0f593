"""A test that is stuck fails with its name, and closes what it holds before the next one begins."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.stuck_tests import limited


async def test_a_stuck_test_is_cancelled_and_closes_what_it_holds() -> None:
    closed = asyncio.Event()

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(AssertionError, match="the test is stuck"):
        await limited(stuck, 0.01)()
    assert closed.is_set()


async def test_a_time_out_of_the_test_itself_stays_what_it_is() -> None:
    async def refused(_: int) -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await limited(refused, 60)(1)
