"""Makes the Salesforce adapter from the environment."""

from __future__ import annotations

from adapters.http import CallMeter
from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.settings import SalesforceSettings
from dealthread.ports.clock import BusinessClock


def create(
    clock: BusinessClock,
    *,
    meter: CallMeter | None = None,
    settings: SalesforceSettings | None = None,
) -> SalesforceCrm:
    """Reads `DEALTHREAD_SALESFORCE_…` unless settings are given. Nothing connects yet."""
    return SalesforceCrm(settings or SalesforceSettings(), clock, meter)
