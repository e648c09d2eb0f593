"""stripe for Node, unmodified, carries a deal through the Stripe simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import ASGIApp

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from tests.judges.conftest import NodeRunner

pytestmark = pytest.mark.judges
KEY = "sk_test_judged_by_node_0001"


@pytest.fixture
def seen(node: NodeRunner, serve: Callable[[ASGIApp], str]) -> dict[str, Any]:
    account = AccountConfig(id="acct_judged", secret_key=KEY, number_format="J-{:06d}")
    config = SimulatorConfig(accounts=(account,), tick_seconds=0.02, search_lag_seconds=0)
    clock = SimClock(frozen_at=datetime(2026, 1, 1, tzinfo=UTC))
    answer: dict[str, Any] = node(
        "stripe_scenario.cjs", {"url": serve(create_app(config, clock)), "key": KEY}
    )
    return answer


def test_x(seen):
    print(json.dumps(seen, indent=1))
