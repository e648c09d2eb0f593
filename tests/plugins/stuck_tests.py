"""An asynchronous test that is stuck is cancelled at half of its time limit, from within its loop.

pytest-timeout's own signal strikes in the middle of the loop: workers and servers that the test
holds are then never closed, the tests after it find them, and the session hangs at its end.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable

import pytest

PART = 0.5
"""Of the limit; the rest is for closing what the test holds."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Each coroutine test has its own limit."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        limit = _limit_of(item)
        if limit > 0:
            item.obj = limited(item.obj, limit * PART)


def limited(test: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    """The test, cancelled after a while with a failure that says so."""

    @functools.wraps(test)
    async def within_limit(*arguments: object, **named: object) -> None:
        try:
            async with asyncio.timeout(seconds) as time_left:
                await test(*arguments, **named)
        except TimeoutError as error:
            if not time_left.expired():
                raise
            raise AssertionError(f"the test is stuck: not over after {seconds:g} s") from error

    return within_limit


def _limit_of(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    if marker is not None and marker.args:
        return float(marker.args[0])
    option = item.config.getoption("timeout", None)
    return float(option if option is not None else item.config.getini("timeout") or 0)
