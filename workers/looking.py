"""The activities that only look: what systems say of money and of contracts now."""

from __future__ import annotations

from collections.abc import Mapping

from activities.contract_check import (
    AgreementCheckActivities,
    BookingCheckActivities,
    CrmCheckActivities,
    EntitlementCheckActivities,
    HeldCheckActivities,
)
from activities.money_check import BillCheckActivities, LedgerCheckActivities
from dealthread.ports.billing import BillingPort
from dealthread.ports.crm import CrmPort
from dealthread.ports.customer_success import CustomerSuccessPort
from dealthread.ports.entitlement import EntitlementPort
from dealthread.ports.erp import ErpPort


def on_the_ledger(erps: Mapping[str, ErpPort]) -> tuple[object, ...]:
    """Documents and orders."""
    return (LedgerCheckActivities(erps), BookingCheckActivities(erps))


def at_the_biller(billing: BillingPort) -> tuple[object, ...]:
    """Bills and agreements."""
    return (BillCheckActivities(billing), AgreementCheckActivities(billing))


def in_the_crm(crm: CrmPort) -> tuple[object, ...]:
    """Contract records."""
    return (CrmCheckActivities(crm),)


def at_the_service(entitlement: EntitlementPort) -> tuple[object, ...]:
    """What is granted."""
    return (EntitlementCheckActivities(entitlement),)


def in_customer_success(systems: Mapping[str, CustomerSuccessPort]) -> tuple[object, ...]:
    """Contracts as customer success holds them."""
    return (HeldCheckActivities(systems),)
