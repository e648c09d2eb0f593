"""Which tests one worker runs in turn, where several share the work.

Tests of a file stay together, so that they share its fixtures. Those of the real Tryton in the
project's own folder are one group, since its database serves one session at a time; those of the
whole stack another, since each session prepares one.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_TRYTON = "tests/adapters/test_tryton_"
_STACK = "tests/e2e/"


class GroupScheduling(LoadFileScheduling):
    """By file, but for the groups."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for group in (_TRYTON, _STACK) if file.startswith(group)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)
