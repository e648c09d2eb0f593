"""Which activities are worked on at which queue."""

from __future__ import annotations

from activities.adoption import (
    AdoptionActivities,
    TakeOverActivities,
    TakeOverLedgerActivities,
)
from activities.assessment import AssessmentActivities
from activities.billing import BillingActivities
from activities.billing_change import BillingChangeActivities
from activities.cash import CashActivities, LedgerCashActivities
from activities.change_assessment import ChangeAssessmentActivities
from activities.change_hub import ChangeHubActivities
from activities.closing import ClosingActivities, ClosingHubActivities
from activities.collections import (
    AccessHoldActivities,
    OverdueActivities,
    PursuitActivities,
    PursuitMirrorActivities,
)
from activities.credit import CreditActivities
from activities.crm import CrmActivities
from activities.crm_change import CrmChangeActivities
from activities.entitlement import EntitlementActivities
from activities.entitlement_change import EntitlementChangeActivities
from activities.erp import ErpActivities
from activities.erp_adjustment import ErpAdjustmentActivities
from activities.hub import HubActivities
from activities.invoice import BillActivities, InvoiceMirrorActivities, LedgerActivities
from activities.posting_place import PostingPlaces
from activities.posting_summary import (
    HeldInvoiceActivities,
    SummaryMembersActivities,
    SummaryPostingActivities,
)
from activities.recognition import RecognitionActivities
from activities.recognition_posting import RecognitionPostingActivities
from activities.rescission import RescissionActivities
from activities.service_status import ServiceActivities
from activities.service_telling import ServiceTelling
from activities.tax_rates import TaxRateActivities
from activities.usage import UsageActivities
from dealthread.ensure import Ensure, Limits
from dealthread.naming import (
    BILLING_QUEUE,
    CRM_QUEUE,
    CUSTOMER_SUCCESS_QUEUE,
    ENTITLEMENT_QUEUE,
    WORKFLOW_QUEUE,
    erp_task_queue,
)
from workers import looking, money_beside
from workers.ownership import refuse_unowned_writes
from workers.ports import Ports, companies_of
from workers.registry import WORKFLOWS, QueuePlan, activities_of


def plan_queues(ports: Ports, limits: Limits) -> list[QueuePlan]:
    """One queue for workflows, one per vendor account, one per company of a ledger."""
    refuse_unowned_writes()
    ensure = Ensure(ports.journal, limits)
    telling = ServiceTelling(ports.entitlement, ports.services, ports.clock)
    take_over = TakeOverActivities(
        ports.crm, ports.billing, ensure, ports.contracts, ports.adoption, ports.clock
    )
    held_invoice = HeldInvoiceActivities(ports.erps, ensure, ports.summaries, ports.clock)
    erp = activities_of(
        ErpActivities(ports.erps, ensure, ports.contracts, ports.clock),
        ErpAdjustmentActivities(ports.erps, ensure),
        LedgerActivities(ports.erps, ensure, ports.contracts, ports.config),
        LedgerCashActivities(ports.erps, ensure),
        SummaryPostingActivities(ports.erps, ensure, ports.summaries),
        held_invoice,
        *looking.on_the_ledger(ports.erps),
        *money_beside.on_the_ledger(ports.erps, ensure, ports.clock),
        RecognitionActivities(ports.erps, ports.recognition, ports.config, ports.clock),
        RecognitionPostingActivities(ports.erps, ensure, ports.recognition, ports.clock),
        ClosingActivities(
            ports.erps, ensure, ports.closing, ports.recognition, ports.config, ports.clock
        ),
        TakeOverLedgerActivities(ports.erps, ensure, ports.adoption),
    )
    return [
        QueuePlan(
            WORKFLOW_QUEUE,
            activities_of(
                HubActivities(ports.cases, ports.contracts, ports.clock),
                ChangeHubActivities(ports.contracts, ports.changes, ports.clock),
                PursuitActivities(ports.pursuits, ports.clock),
                ClosingHubActivities(ports.closing, ports.clock),
                RescissionActivities(ports.contracts, ports.changes, ports.config),
                held_invoice,
            ),
            WORKFLOWS,
        ),
        QueuePlan(
            CRM_QUEUE,
            activities_of(
                CrmActivities(ports.crm, ensure, ports.contracts, ports.config, ports.clock),
                CrmChangeActivities(
                    ports.crm, ensure, ports.contracts, ports.changes, ports.config, ports.clock
                ),
                InvoiceMirrorActivities(ports.crm, ensure, ports.contracts, ports.clock),
                PursuitMirrorActivities(ports.crm, ensure),
                take_over,
                *money_beside.in_the_crm(ports.crm, ensure, ports.clock),
                *looking.in_the_crm(ports.crm),
            ),
        ),
        QueuePlan(
            BILLING_QUEUE,
            activities_of(
                BillingActivities(ports.billing, ensure, ports.contracts, ports.clock),
                AssessmentActivities(
                    ports.billing,
                    ports.erps,
                    ports.contracts,
                    ports.pursuits,
                    ports.config,
                    ports.clock,
                ),
                BillingChangeActivities(ports.billing, ensure),
                TaxRateActivities(ports.contracts, ports.changes, ports.config, ports.clock),
                take_over,
                AdoptionActivities(
                    ports.crm,
                    ports.billing,
                    ports.erps,
                    ports.adoption,
                    ports.config,
                    ports.clock,
                ),
                CreditActivities(
                    ports.billing, ensure, ports.contracts, ports.changes, ports.config
                ),
                BillActivities(
                    ports.billing,
                    ports.contracts,
                    ports.bills,
                    PostingPlaces(ports.summaries, ports.config, ports.clock),
                    ports.clock,
                ),
                SummaryMembersActivities(
                    ports.billing, ports.contracts, ports.summaries, ports.config
                ),
                CashActivities(ports.billing, ports.bills, ensure, ports.config),
                *looking.at_the_biller(ports.billing),
                *money_beside.at_the_biller(
                    ports.billing,
                    ensure,
                    ports.contracts,
                    ports.bills,
                    ports.changes,
                    ports.config,
                    ports.clock,
                    ports.closing,
                    ports.payments,
                ),
                UsageActivities(ports.billing, ports.usage, ports.config, ports.clock),
                OverdueActivities(ports.billing, ports.contracts, ports.config),
                ChangeAssessmentActivities(
                    ports.crm,
                    ports.billing,
                    ports.erps,
                    ports.contracts,
                    ports.changes,
                    ports.config,
                    ports.clock,
                ),
            ),
        ),
        QueuePlan(
            ENTITLEMENT_QUEUE,
            activities_of(
                EntitlementActivities(ports.entitlement, ensure, telling, ports.clock),
                EntitlementChangeActivities(ports.entitlement, ensure, telling),
                AccessHoldActivities(ports.entitlement, ensure, telling, ports.clock),
                ServiceActivities(telling),
                *looking.at_the_service(ports.entitlement),
            ),
        ),
        *(
            # A queue of its own: one that hangs holds nobody else up.
            [
                QueuePlan(
                    CUSTOMER_SUCCESS_QUEUE,
                    activities_of(*looking.in_customer_success(ports.customer_success)),
                )
            ]
            if ports.customer_success
            else []
        ),
        *(
            # A ledger of a company is posted serially: one slot.
            QueuePlan(
                erp_task_queue(name, company),
                erp,
                max_concurrent_activities=1,
                vendor=name,
                account=company,
            )
            for name, company in companies_of(ports)
        ),
    ]
