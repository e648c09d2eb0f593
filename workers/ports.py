"""Everything that activities reach, by what it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dealthread.domain.catalog import ConfigSet
from dealthread.hub import Bills, Cases, Changes, Contracts, Journal, Pursuits
from dealthread.hub_adoption import Adoption
from dealthread.hub_closing import Closing
from dealthread.hub_payments import Payments
from dealthread.hub_recognition import Recognition
from dealthread.hub_service import Services
from dealthread.hub_summaries import Summaries
from dealthread.hub_usage import UsageSendingStore
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.customer_success import CustomerSuccessPort
from dealthread.ports.entitlement import EntitlementPort
from dealthread.ports.erp import ErpPort


@dataclass(frozen=True)
class Ports:
    """Everything activities reach."""

    crm: CrmPort
    billing: BillingPort
    erps: Mapping[str, ErpPort]
    entitlement: EntitlementPort
    journal: Journal
    contracts: Contracts
    changes: Changes
    bills: Bills
    cases: Cases
    pursuits: Pursuits
    services: Services
    recognition: Recognition
    closing: Closing
    payments: Payments
    usage: UsageSendingStore
    adoption: Adoption
    summaries: Summaries
    clock: BusinessClock
    config: Callable[[], ConfigSet]
    customer_success: Mapping[str, CustomerSuccessPort] = field(default_factory=dict)
    """Those that can be read, by the subscriber's name."""


def companies_of(ports: Ports) -> list[tuple[str, str]]:
    """Every ledger that is posted to: ERP and company."""
    return sorted({(one.erp_instance, one.erp_company) for one in ports.config().legal_entities})
