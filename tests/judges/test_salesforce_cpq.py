"""jsforce, unmodified, sells and amends a subscription in an org with CPQ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.types import ASGIApp

from tests.judges.conftest import NodeRunner
from tests.judges.test_salesforce_clients import Place

pytestmark = pytest.mark.judges

DELAY_SECONDS = 30


def test_jsforce_sells_contracts_and_amends(
    node: NodeRunner, serve: Callable[[ASGIApp], str]
) -> None:
    """Ten seats for a year at 120; from the half of it on four: six less."""
    org = Place(serve, cpq=True, cpq_delay=timedelta(seconds=DELAY_SECONDS))
    assert node("salesforce_cpq.cjs", {"org": org.for_node, "delay": DELAY_SECONDS}) == {
        "amount": 10 * 120,
        "endDate": "2027-03-31",
        "action": [[-6, "Quantity Decrease"]],
        "subscriptions": [[10, "2026-04-01", "2027-03-31"], [-6, "2026-10-01", "2027-03-31"]],
        "refused": "NOT_SIMULATED",
    }
