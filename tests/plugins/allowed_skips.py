"""A skip that is not on the list fails the session, and the closing line counts skips.

The list is `tests/allowed_skips.txt`: one `nodeid pattern | reason pattern` a line, with shell
wildcards (a literal bracket is `?`); a line that begins with `#` is a comment. Load it with
`pytest_plugins = ["tests.plugins.allowed_skips"]` or `-p tests.plugins.allowed_skips`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

LIST = Path("tests") / "allowed_skips.txt"
NAME = "allowed-skips"


@dataclass(frozen=True)
class AllowedSkip:
    """One line of the list."""

    nodeid: str
    reason: str

    def covers(self, nodeid: str, reason: str) -> bool:
        return fnmatchcase(nodeid, self.nodeid) and fnmatchcase(reason, self.reason)


def parse(text: str) -> list[AllowedSkip]:
    """The list; a line without a reason is refused, since a reason is the point of it."""
    allowed = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        nodeid, bar, reason = (part.strip() for part in content.partition(" | "))
        if not (nodeid and bar and reason):
            raise pytest.UsageError(f"{LIST}:{number}: expected 'nodeid | reason', got {content!r}")
        allowed.append(AllowedSkip(nodeid, reason))
    return allowed


class SkipGuard:
    """Counts outcomes and remembers each skip nobody allowed."""

    def __init__(self, allowed: list[AllowedSkip]) -> None:
        self._allowed = allowed
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.refused: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            # An expected failure is a test that shows nothing: it needs the list like a skip.
            self._skip(report.nodeid, getattr(report, "wasxfail", report.longrepr))
        elif report.failed:
            self.failed += 1
        elif report.passed and report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module may skip itself as a whole, an error while collecting is a failure."""
        if report.skipped:
            self._skip(report.nodeid, report.longrepr)
        elif report.failed:
            self.failed += 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Set the exit status before the others see it, write the closing line after them."""
        if self.refused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        try:
            return (yield)
        finally:
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            if reporter:
                for line in self.closing_lines():
                    reporter.write_line(line)

    def closing_lines(self) -> list[str]:
        lines = [f"skip not on {LIST}: {refused}" for refused in self.refused]
        return [
            *lines,
            f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped",
        ]

    def _skip(self, nodeid: str, detail: object) -> None:
        self.skipped += 1
        # (file, line, "Skipped: reason") for a skip.
        text = str(detail[2]) if isinstance(detail, tuple) and len(detail) == 3 else str(detail)
        reason = text.removeprefix("Skipped: ")
        if not any(one.covers(nodeid, reason) for one in self._allowed):
            self.refused.append(f"{nodeid} | {reason}")


def pytest_configure(config: pytest.Config) -> None:
    path = config.rootpath / LIST
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    config.pluginmanager.register(SkipGuard(parse(text)), NAME)
