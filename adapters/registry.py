"""Which adapter stands behind which port. The bootstrap asks here and nowhere else.

Every factory reads its own settings from the environment, connects to nothing yet, and gives the
port together with the way to close it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from adapters.erp.tryton.factory import create as create_tryton
from adapters.erp.tryton.settings import TrytonSettings
from adapters.events.factory import create_delivery, create_entitlement, create_look_up
from adapters.http import CallMeter, make_client
from adapters.salesforce.factory import create as create_salesforce
from adapters.stripe.factory import create as create_stripe
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.customer_success import CustomerSuccessPort
from dealthread.ports.entitlement import EntitlementPort
from dealthread.ports.erp import ErpPort
from dealthread.ports.events import EventPort

P = TypeVar("P")


@dataclass(frozen=True)
class Opened(Generic[P]):
    """A port and how to close what it holds open."""

    port: P
    aclose: Callable[[], Awaitable[None]]


ErpFactory = Callable[[BusinessClock, CallMeter | None], Opened[ErpPort]]


def crm(clock: BusinessClock, meter: CallMeter | None = None) -> Opened[CrmPort]:
    """Salesforce."""
    adapter = create_salesforce(clock, meter=meter)
    return Opened(adapter, adapter.aclose)


def billing(clock: BusinessClock, meter: CallMeter | None = None) -> Opened[BillingPort]:
    """Stripe."""
    adapter = create_stripe(clock, meter=meter)
    return Opened(adapter, adapter.aclose)


def entitlement(clock: BusinessClock, meter: CallMeter | None = None) -> Opened[EntitlementPort]:
    """A service that is told by signed events."""
    adapter = create_entitlement(clock, meter=meter)
    return Opened(adapter, adapter.aclose)


def customer_success(
    read_url: str, token_name: str, meter: CallMeter | None = None
) -> Opened[CustomerSuccessPort]:
    """The look-up of a system that is told by events."""
    adapter = create_look_up(read_url, token_name, meter=meter)
    return Opened(adapter, adapter.aclose)


def events(meter: CallMeter | None = None) -> Opened[EventPort]:
    """Delivery of the outbox's events."""
    adapter = create_delivery(meter=meter)
    return Opened(adapter, adapter.aclose)


def _tryton(clock: BusinessClock, meter: CallMeter | None) -> Opened[ErpPort]:
    del clock  # posting dates come with each question
    settings = TrytonSettings()
    http = make_client(settings.url)
    return Opened(create_tryton(settings, http, meter), http.aclose)


ERPS: dict[str, ErpFactory] = {"tryton": _tryton}
"""By the system named in an ERP instance's configuration."""
