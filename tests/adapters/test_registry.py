"""The registry gives every port from the environment alone, and connects to nothing."""

from __future__ import annotations

import json

import pytest

from adapters import registry
from tests.adapters.fake_clock import OffsetClock

ENVIRONMENT = {
    "DEALTHREAD_SALESFORCE_ORG_ID": "00D000000000001EAA",
    "DEALTHREAD_SALESFORCE_INSTANCE_URL": "http://127.0.0.1:1",
    "DEALTHREAD_SALESFORCE_CLIENT_ID": "client",
    "DEALTHREAD_SALESFORCE_CLIENT_SECRET": "client-secret",
    "DEALTHREAD_STRIPE_ACCOUNTS": json.dumps({"acct_us01": "sk_test_secret"}),
    "DEALTHREAD_STRIPE_API_BASE": "http://127.0.0.1:1",
    "DEALTHREAD_ENTITLEMENT_URL": "http://127.0.0.1:1",
    "DEALTHREAD_ENTITLEMENT_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "DEALTHREAD_ENTITLEMENT_TOKEN": "token",
    "DEALTHREAD_TRYTON_URL": "http://127.0.0.1:1",
    "DEALTHREAD_TRYTON_DATABASE": "erp",
    "DEALTHREAD_TRYTON_USER": "dealthread",
    "DEALTHREAD_TRYTON_PASSWORD": "password",
    "DEALTHREAD_TRYTON_COMPANIES": json.dumps({"1": 1}),
}


async def test_every_port_is_made_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """ER-01, ER-02: the ERP by its system's name."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clock = OffsetClock()
    for opened in (
        registry.crm(clock),
        registry.billing(clock),
        registry.entitlement(clock),
        registry.events(),
        registry.ERPS["tryton"](clock, None),
    ):
        assert opened.port is not None
        await opened.aclose()
