"""Makes the event adapters from the environment."""

from __future__ import annotations

from adapters.events.entitlement import SignedEventEntitlement
from adapters.events.settings import EntitlementSettings, webhook_secrets
from adapters.events.subscribers import SignedEventDelivery
from adapters.http import CallMeter
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
