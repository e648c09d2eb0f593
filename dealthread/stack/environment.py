"""The environment of each part: the one place where settings and secrets are handed over.

Secrets travel by environment only, never by argument: arguments are visible to every user of
the machine.
"""

from __future__ import annotations

import json

from dealthread.stack import defaults
from dealthread.stack.info import StackInfo

ENTITLEMENT = "entitlement"
CUSTOMER_SUCCESS = "customer-success"
COMMUNICATIONS = "communications"

# The relay tells customer success; entitlement is asked by a step of its own, which needs the
# answer.
CUSTOMER_SUCCESS_EVENTS: list[str] = [
    "contract.*",
    "subscription.*",
    "collections.*",
    "entitlement.*",
    "invoice.*",
    "payment.*",
    "credit_memo.*",
    "account.*",
    "service_status.*",
]
# What a customer is told; which of them become a notice is the service's own matter.
COMMUNICATIONS_EVENTS: list[str] = [
    "contract.*",
    "renewal.*",
    "invoice.*",
    "payment.*",
    "credit_memo.*",
    "collections.*",
    "usage_threshold.*",
    "service_status.*",
]


def app_environment(stack: StackInfo) -> dict[str, str]:
    """Settings of bridge, relay and worker; also right for a command-line tool by hand."""
    org = stack.salesforce_org_id
    secrets = stack.credentials
    webhook_secrets: dict[str, list[str]] = {
        f"salesforce:{org}": [secrets.salesforce_webhook_secret],
        f"salesforce-outbound:{org}": [secrets.salesforce_outbound_token],
    }
    for account, secret in secrets.stripe_webhook_secrets.items():
        webhook_secrets[f"stripe:{account}"] = [secret]
    return {
        "DEALTHREAD_DATABASE_URL": stack.urls.database,
        "DEALTHREAD_TEMPORAL_ADDRESS": stack.urls.temporal_address,
        "DEALTHREAD_TEMPORAL_NAMESPACE": stack.namespace,
        "DEALTHREAD_CODEC_KEYS": json.dumps(secrets.codec_keys),
        "DEALTHREAD_CODEC_TOKEN": secrets.codec_token,
        "DEALTHREAD_CODEC_ORIGINS": json.dumps(_ui_origins(stack)),
        "DEALTHREAD_CONFIG_DIR": str(stack.config_dir),
        "DEALTHREAD_BUSINESS_OFFSET_SECONDS": str(stack.business_offset_seconds),
        "DEALTHREAD_API_TOKENS": json.dumps(_api_tokens(stack)),
        "DEALTHREAD_WEBHOOK_SECRETS": json.dumps(webhook_secrets),
        "DEALTHREAD_UI_URL": stack.urls.temporal_ui,
        "DEALTHREAD_BRIDGE_URL": stack.urls.bridge,
        "DEALTHREAD_INVOICE_TO_CASH": "true",
        "DEALTHREAD_SUBSCRIBERS": json.dumps(_subscribers(stack)),
        "DEALTHREAD_SALESFORCE_ORG_ID": org,
        "DEALTHREAD_SALESFORCE_INSTANCE_URL": stack.urls.salesforce,
        "DEALTHREAD_SALESFORCE_CLIENT_ID": secrets.salesforce_client_id,
        "DEALTHREAD_SALESFORCE_CLIENT_SECRET": secrets.salesforce_client_secret,
        "DEALTHREAD_SALESFORCE_API_VERSION": stack.salesforce_api_version,
        "DEALTHREAD_STRIPE_ACCOUNTS": json.dumps(secrets.stripe_secret_keys),
        "DEALTHREAD_STRIPE_API_BASE": stack.urls.stripe,
        "DEALTHREAD_TRYTON_URL": stack.urls.tryton,
        "DEALTHREAD_TRYTON_DATABASE": defaults.TRYTON_DATABASE,
        "DEALTHREAD_ENTITLEMENT_URL": stack.urls.entitlement,
        "DEALTHREAD_ENTITLEMENT_SECRET": secrets.entitlement_secret,
        "DEALTHREAD_ENTITLEMENT_TOKEN": secrets.entitlement_token,
        "DEALTHREAD_WEBHOOK_SECRET_ENTITLEMENT": secrets.entitlement_secret,
        "DEALTHREAD_WEBHOOK_SECRET_CUSTOMER_SUCCESS": secrets.customer_success_secret,
        "DEALTHREAD_READ_TOKEN_CUSTOMER_SUCCESS": secrets.customer_success_token,
        "DEALTHREAD_WEBHOOK_SECRET_COMMUNICATIONS": secrets.communications_secret,
        # User, password, companies: known when Tryton has been prepared.
        **stack.tryton.settings,
    }


def salesforce_environment(stack: StackInfo) -> dict[str, str]:
    """Settings of the Salesforce simulator."""
    org = stack.salesforce_org_id
    secrets = stack.credentials
    return _simulator(stack, "salesforce") | {
        "DEALTHREAD_SIM_SF_ORG_ID": org,
        "DEALTHREAD_SIM_SF_CLIENT_ID": secrets.salesforce_client_id,
        "DEALTHREAD_SIM_SF_CLIENT_SECRET": secrets.salesforce_client_secret,
        "DEALTHREAD_SIM_WEBHOOK_URL": f"{stack.urls.bridge}/webhooks/salesforce/{org}",
        "DEALTHREAD_SIM_WEBHOOK_SECRETS": secrets.salesforce_webhook_secret,
    }


def stripe_environment(stack: StackInfo) -> dict[str, str]:
    """Settings of the Stripe simulator: one account per legal entity."""
    secrets = stack.credentials
    accounts = [
        {
            "id": account.id,
            "secret_key": secrets.stripe_secret_keys[account.id],
            "number_format": account.number_format,
            "webhook_url": f"{stack.urls.bridge}/webhooks/stripe/{account.id}",
            "webhook_secret": secrets.stripe_webhook_secrets[account.id],
            "tax_rounding": account.tax_rounding,
        }
        for account in defaults.BILLING_ACCOUNTS
    ]
    return _simulator(stack, "stripe") | {"DEALTHREAD_SIM_STRIPE_ACCOUNTS": json.dumps(accounts)}


def receiver_environment(stack: StackInfo, role: str) -> dict[str, str]:
    """Settings of a receiver of signed events."""
    secrets = stack.credentials
    secret, token = {
        ENTITLEMENT: (secrets.entitlement_secret, secrets.entitlement_token),
        CUSTOMER_SUCCESS: (secrets.customer_success_secret, secrets.customer_success_token),
        COMMUNICATIONS: (secrets.communications_secret, secrets.communications_token),
    }[role]
    return _simulator(stack, role) | {
        "DEALTHREAD_SIM_WEBHOOK_SECRETS": secret,
        "DEALTHREAD_SIM_TOKEN": token,
    }


def _simulator(stack: StackInfo, part: str) -> dict[str, str]:
    return {
        "DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS": str(stack.business_offset_seconds),
        "DEALTHREAD_SIM_STATE": str(stack.layout.state_file(part)),
    }


def _ui_origins(stack: StackInfo) -> list[str]:
    """The codec answers these pages only; a browser takes 127.0.0.1 and localhost for two."""
    port = stack.ports["temporal_ui"]
    return [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]


def _api_tokens(stack: StackInfo) -> dict[str, dict[str, object]]:
    # Two people: who asked for something cannot approve it.
    return {
        stack.credentials.operator_token: {
            "actor": defaults.OPERATOR,
            "roles": ["operator", "deal-desk", "finance-systems"],
        },
        stack.credentials.approver_token: {
            "actor": defaults.APPROVER,
            "roles": ["approver", "finance", "deal-desk"],
        },
    }


def _subscribers(stack: StackInfo) -> list[dict[str, object]]:
    return [
        {
            "name": CUSTOMER_SUCCESS,
            "url": f"{stack.urls.customer_success}/events",
            "secret_name": "CUSTOMER_SUCCESS",
            "types": CUSTOMER_SUCCESS_EVENTS,
            "read_url": stack.urls.customer_success,
            "token_name": "CUSTOMER_SUCCESS",
        },
        {
            "name": COMMUNICATIONS,
            "url": f"{stack.urls.communications}/events",
            "secret_name": "COMMUNICATIONS",
            "types": COMMUNICATIONS_EVENTS,
            "kind": "communications",
        },
    ]
