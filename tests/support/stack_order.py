"""In which order the tests of the whole stack run: they share one, and one leaves what the next
one finds."""

from __future__ import annotations

from pathlib import Path

import pytest

ORDER = (
    "test_demo",
    "test_one_story",
    "test_credit_story",
    "test_changed_by_hand",
    "test_kills",
    "test_real_input",
    "test_canary",
)
"""The demonstration's first run is the worked customers'; the canary looks last, at everything."""
APART = ("test_month", "test_year")
"""On a stack of their own, or on none: at any time."""


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """A file without a place would run somewhere, and change the figures of those that have one."""
    if module_path.stem not in (*ORDER, *APART):
        raise pytest.Collector.CollectError(
            f"{module_path.name} has no place among the tests of the whole stack: put "
            f"{module_path.stem} into ORDER (it uses the stack they share) or into APART (it does "
            "not) of tests/support/stack_order.py"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of the order into it; the others keep theirs."""
    ours = [item for item in items if item.path.stem in ORDER]
    ours.sort(key=lambda item: ORDER.index(item.path.stem))
    others = [item for item in items if item.path.stem not in ORDER]
    items[:] = [*others, *ours]
