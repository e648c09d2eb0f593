"""Makes the event adapters from the environment."""

from __future__ import annotations

from adapters.events.customer_success import ContractLookUp
from adapters.events.entitlement import SignedEventEntitlement
from adapters.events.settings import (
    READ_TOKEN_PREFIX,
    EntitlementSettings,
    read_tokens,
    webhook_secrets,
)
from adapters.events.subscribers import SignedEventDelivery
from adapters.http import CallMeter
from dealthread.errors import BadInput
from dealthread.ports.clock import BusinessClock


def create_entitlement(
    clock: BusinessClock,
    *,
    meter: CallMeter | None = None,
    settings: EntitlementSettings | None = None,
) -> SignedEventEntitlement:
    """Reads `DEALTHREAD_ENTITLEMENT_…` unless settings are given. Nothing connects yet."""
    return SignedEventEntitlement(settings or EntitlementSettings(), clock, meter)


def create_delivery(*, meter: CallMeter | None = None) -> SignedEventDelivery:
    """Reads `DEALTHREAD_WEBHOOK_SECRET_<NAME>`."""
    return SignedEventDelivery(webhook_secrets(), meter)


def create_look_up(
    read_url: str, token_name: str, *, meter: CallMeter | None = None
) -> ContractLookUp:
    """Reads `DEALTHREAD_READ_TOKEN_<NAME>`. Raises BadInput where it is not set."""
    token = read_tokens().get(token_name)
    if token is None:
        raise BadInput(
            "read_token_missing",
            field=f"{READ_TOKEN_PREFIX}{token_name}",
            action="give the bearer token of the look-up that a subscriber names by token_name",
        )
    return ContractLookUp(read_url, token, meter)
