"""Every exchange of every Stripe simulator of a test run is judged by Stripe's own types.

Simulators in this process are listened to; those in processes of their own write a tape
(`DEALTHREAD_SIM_TAPE`), which is judged at the end. A violation fails the test that made it, or the
run. The closing lines count what was judged.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from dealthread.simulators.stripe.gateway import Gateway
from tests.simulators.stripe.types import KNOWN_EXCEPTIONS, Exchange, judge

NAME = "stripe-judge"
TAPE = "DEALTHREAD_SIM_TAPE"
SHOWN = 20


class StripeJudge:
    """Listens, judges, counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: list[Exchange] = []
        self._patch = pytest.MonkeyPatch()
        self.judged: Counter[str] = Counter()
        self.violations: list[str] = []

    def pytest_sessionstart(self) -> None:
        """Listen to each simulator of this process; ask those of others for a tape."""
        answer = Gateway.answer

        async def listened(gateway: Gateway, request: Request) -> Response:
            said = await answer(gateway, request)
            exchange = Exchange(
                request.method,
                request.url.path,
                request.url.query,
                (await request.body()).decode("utf-8", "replace"),
                said.status_code,
                bytes(said.body).decode("utf-8", "replace"),
            )
            with self._lock:
                self._waiting.append(exchange)
            return said

        self._patch.setattr(Gateway, "answer", listened)
        self._patch.setenv(TAPE, str(self._folder))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """A test whose exchanges break the types fails."""
        outcome = yield
        with self._lock:
            heard, self._waiting = self._waiting, []
        problems = self.judge(heard)
        if problems:
            pytest.fail("\n".join(problems[:SHOWN]), pytrace=False)
        return outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Judge the tapes of other processes before the exit status is told."""
        self._patch.undo()
        for path in sorted(self._folder.glob("*.jsonl")):
            self.judge(read_tape(path))
            path.unlink()
        self._folder.rmdir()
        if self.violations and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What was judged, and by which exceptions."""
        if not self.judged:
            return
        terminalreporter.write_line(
            f"Stripe's types judged {self.judged['accepted']:,} accepted exchanges (request and "
            f"answer) and {self.judged['refused']:,} refusals: {len(self.violations)} violations; "
            f"{len(KNOWN_EXCEPTIONS)} known exceptions, with reasons, in "
            "tests/simulators/stripe/types.py"
        )
        for violation in self.violations[:SHOWN]:
            terminalreporter.write_line(f"  {violation}")

    def judge(self, exchanges: Iterable[Exchange]) -> list[str]:
        """Count the exchanges; what breaks the types is remembered and returned."""
        found: list[str] = []
        for exchange in exchanges:
            self.judged["accepted" if exchange.status < 400 else "refused"] += 1
            problems = judge(exchange)
            found += [f"{exchange.method} {exchange.path}: {problem}" for problem in problems]
        self.violations += found
        return found


def read_tape(path: Path) -> Iterator[Exchange]:
    """The exchanges a simulator noted."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            # A process that was killed may have left half a line, always the last.
            if line.endswith("\n"):
                yield Exchange(**json.loads(line))


def pytest_configure(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix="dt-tape-"))
    config.pluginmanager.register(StripeJudge(folder), NAME)
