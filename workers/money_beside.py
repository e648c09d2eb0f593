"""The activities of what happens to money beside its payment: payouts, disputes, write-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from activities.closing_processor import ProcessorActivities
from activities.dispute import (
    DisputeActivities,
    DisputePostingActivities,
    DisputeTellingActivities,
)
from activities.settlement import PayoutActivities, PayoutPostingActivities
from activities.write_off import WriteOffActivities, WriteOffPostingActivities
from dealthread.domain.catalog import ConfigSet
from dealthread.ensure import Ensure
from dealthread.hub import Bills, Changes, Contracts
from dealthread.hub_closing import Closing
from dealthread.hub_payments import Payments
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.erp import ErpPort


def on_the_ledger(
    erps: Mapping[str, ErpPort], ensure: Ensure, clock: BusinessClock
) -> tuple[object, ...]:
    """Those that post."""
    return (
        PayoutPostingActivities(erps, ensure, clock),
        DisputePostingActivities(erps, ensure),
        WriteOffPostingActivities(erps, ensure),
    )


def at_the_biller(
    billing: BillingPort,
    ensure: Ensure,
    contracts: Contracts,
    bills: Bills,
    changes: Changes,
    config: Callable[[], ConfigSet],
    clock: BusinessClock,
    closing: Closing,
    payments: Payments,
) -> tuple[object, ...]:
    """Those that read at the biller, or mark there."""
    return (
        PayoutActivities(billing, config, payments),
        ProcessorActivities(billing, config, closing, clock),
        DisputeActivities(billing, contracts, bills, config),
        WriteOffActivities(billing, ensure, contracts, changes, config, clock),
    )


def in_the_crm(crm: CrmPort, ensure: Ensure, clock: BusinessClock) -> tuple[object, ...]:
    """Those that tell people."""
    return (DisputeTellingActivities(crm, ensure, clock),)
