"""Which tests one worker runs in turn, where several share the work (`--dist loadgroup`).

Tests of a file stay together, so that they share its fixtures. All that prepare the real Tryton in
the project's own folder are one group, all that share the stack of the session another: prepared
twice at once, each takes longer than a test may.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    if item.get_closest_marker("stack") is not None and "e2e" in item.path.parts:
        return "stack"
    if item.get_closest_marker("tryton") is not None:
        return "tryton"
    return item.nodeid.partition("::")[0]
