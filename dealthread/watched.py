"""A port whose calls a circuit breaker sees: what was answered, what was not, what may not go out.

It stands in front of any adapter and changes nothing of what its methods are and answer.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, TypeVar, cast

from dealthread.breaker import Breaker, is_away, is_away_code
from dealthread.errors import DealthreadError
from dealthread.outcome import Unknown

P = TypeVar("P")


def watched(port: P, vendor: str, breaker: Breaker) -> P:
    """The port, seen by the breaker."""
    return cast(P, _Watched(port, vendor, breaker))


class _Watched:
    def __init__(self, port: object, vendor: str, breaker: Breaker) -> None:
        self._port = port
        self._vendor = vendor
        self._breaker = breaker

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found

        @functools.wraps(found)
        async def call(*given: Any, **named: Any) -> Any:
            refused = self._breaker.refusal(self._vendor)
            if refused is not None:
                raise refused
            try:
                answer = await found(*given, **named)
            except DealthreadError as error:
                if is_away(error):
                    await self._breaker.failed(self._vendor, error.code)
                else:
                    await self._breaker.succeeded(self._vendor)
                raise
            if isinstance(answer, Unknown) and is_away_code(answer.code):
                await self._breaker.failed(self._vendor, answer.code)
            else:
                await self._breaker.succeeded(self._vendor)
            return answer

        return call
