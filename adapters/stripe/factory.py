"""Makes the Stripe adapter from the environment."""

from __future__ import annotations

from adapters.http import CallMeter
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.ports.clock import BusinessClock


def create(
    clock: BusinessClock,
    *,
    meter: CallMeter | None = None,
    settings: StripeSettings | None = None,
) -> StripeBilling:
    """Reads `DEALTHREAD_STRIPE_…` unless settings are given. Nothing connects yet."""
    return StripeBilling(settings or StripeSettings(), clock, meter)
