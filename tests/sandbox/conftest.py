"""A stack of two parties only, Salesforce and Stripe simulators, each in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app as salesforce_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.stripe.app import create_app as stripe_app
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from dealthread.stack import defaults
from dealthread.stack.credentials import generate
from dealthread.stack.info import StackInfo, StackUrls

ROOT = Path(__file__).resolve().parents[2]
CRM_FOLDER = ROOT / "tests" / "data" / "crm"
_CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def stack() -> Iterator[StackInfo]:
    """Addresses and credentials as stack.json has them; everything else answers nothing."""
    secrets = generate()
    salesforce = BackgroundServer(
        salesforce_app(
            SalesforceConfig(
                org_id=defaults.SALESFORCE_ORG_ID,
                client_id=secrets.salesforce_client_id,
                client_secret=secrets.salesforce_client_secret,
            )
        )
    )
    stripe = BackgroundServer(
        stripe_app(
            SimulatorConfig(
                accounts=tuple(
                    AccountConfig(id=account, secret_key=key)
                    for account, key in secrets.stripe_secret_keys.items()
                )
            )
        )
    )
    salesforce.start()
    stripe.start()
    try:
        yield StackInfo(
            root=ROOT,
            created_at=datetime(2026, 3, 15, tzinfo=UTC),
            business_offset_seconds=0,
            config_dir=ROOT / "config",
            postgres_socket_folder=ROOT,
            ports={},
            urls=StackUrls(
                **{
                    **dict.fromkeys(StackUrls.model_fields, _CLOSED),
                    "salesforce": salesforce.url,
                    "stripe": stripe.url,
                }
            ),
            credentials=secrets,
        )
    finally:
        stripe.stop()
        salesforce.stop()
