"""Credentials of one local installation, made at its first start.

They guard nothing but a demonstration on this machine's loopback address, and yet each
installation has its own: no credential stands in the source.
"""

from __future__ import annotations

import base64
import secrets

from pydantic import BaseModel, ConfigDict

from dealthread.stack.defaults import BILLING_ACCOUNTS


class Credentials(BaseModel):
    """Every secret of the local stack; lives in stack.json and in the parts' environment only."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    operator_token: str
    approver_token: str
    # Key id to base64 of 32 bytes; the first is the one that encrypts.
    codec_keys: dict[str, str]
    # Part of the codec's path: who knows it may read payloads in clear.
    codec_token: str
    salesforce_client_id: str
    salesforce_client_secret: str
    salesforce_webhook_secret: str
    salesforce_outbound_token: str
    stripe_secret_keys: dict[str, str]
    stripe_webhook_secrets: dict[str, str]
    entitlement_secret: str
    entitlement_token: str
    customer_success_secret: str
    customer_success_token: str
    communications_secret: str
    communications_token: str


def generate() -> Credentials:
    """Fresh credentials in the shape each vendor gives them."""
    accounts = [account.id for account in BILLING_ACCOUNTS]
    return Credentials(
        operator_token=_token("dt_operator_"),
        approver_token=_token("dt_approver_"),
        codec_keys={"local/1": base64.b64encode(secrets.token_bytes(32)).decode()},
        codec_token=_token(""),
        salesforce_client_id="3MVG9" + secrets.token_hex(32),
        salesforce_client_secret=secrets.token_hex(32).upper(),
        salesforce_webhook_secret=_signing_secret(),
        salesforce_outbound_token=_token(""),
        stripe_secret_keys={account: "sk_test_" + secrets.token_hex(24) for account in accounts},
        stripe_webhook_secrets={account: "whsec_" + secrets.token_hex(32) for account in accounts},
        entitlement_secret=_signing_secret(),
        entitlement_token=_token(""),
        customer_success_secret=_signing_secret(),
        customer_success_token=_token(""),
        communications_secret=_signing_secret(),
        communications_token=_token(""),
    )


def _token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def _signing_secret() -> str:
    """Standard Webhooks: `whsec_` and the base64 of 24 to 64 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
