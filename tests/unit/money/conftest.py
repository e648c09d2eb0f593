"""Each test computes its own shares: what it reaches does not depend on the one before."""

from __future__ import annotations

import pytest

from dealthread.domain.periods import measure


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget the shares that other tests computed."""
    measure._share_of_months.cache_clear()
