"""Which workflows and activities run on which task queue.

Activities of an instance are found by their `@activity.defn` mark, so a new method needs no
registration here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workflows.activation import ActivationWorkflow
from workflows.adoption import (
    AdoptionProposalWorkflow,
    AdoptionRunWorkflow,
    AdoptionWorkflow,
)
from workflows.amendment import AmendmentWorkflow
from workflows.cancellation import CancellationWorkflow
from workflows.cash_receipt import CashReceiptWorkflow
from workflows.change_preview import ChangePreviewWorkflow
from workflows.collections import CollectionsWorkflow
from workflows.contract_check import ContractCheckWorkflow
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.credit_preview import CreditPreviewWorkflow
from workflows.deal_check import DealCheckWorkflow
from workflows.dispute_to_end import DisputeToEndWorkflow
from workflows.invoice_credit import InvoiceCreditWorkflow
from workflows.invoice_to_cash import InvoiceToCashWorkflow
from workflows.invoice_write_off import InvoiceWriteOffWorkflow, WriteOffRecoveryWorkflow
from workflows.money_check import MoneyCheckWorkflow
from workflows.payout_to_bank import PayoutToBankWorkflow
from workflows.period_close import PeriodCloseWorkflow
from workflows.posting_summary import PostingSummaryWorkflow
from workflows.quote_to_cash import QuoteToCashWorkflow
from workflows.recognition_questions import (
    DeferredRollForwardWorkflow,
    RecognitionPreviewWorkflow,
)
from workflows.recognition_run import RecognitionRunWorkflow
from workflows.renewal import RenewalWorkflow
from workflows.renewal_notice import RenewalNoticeWorkflow
from workflows.rescission import RescissionWorkflow
from workflows.tax_rate import TaxRateWorkflow
from workflows.term_end import TermEndWorkflow
from workflows.usage_sending import UsageSendingWorkflow
from workflows.write_off_preview import WriteOffPreviewWorkflow

WORKFLOWS: tuple[type, ...] = (
    ContractLifecycleWorkflow,
    QuoteToCashWorkflow,
    ActivationWorkflow,
    AdoptionWorkflow,
    AmendmentWorkflow,
    RenewalNoticeWorkflow,
    RenewalWorkflow,
    CancellationWorkflow,
    RescissionWorkflow,
    TermEndWorkflow,
    TaxRateWorkflow,
    InvoiceToCashWorkflow,
    InvoiceCreditWorkflow,
    CashReceiptWorkflow,
    CollectionsWorkflow,
    PayoutToBankWorkflow,
    DisputeToEndWorkflow,
    InvoiceWriteOffWorkflow,
    WriteOffRecoveryWorkflow,
    RecognitionRunWorkflow,
    PeriodCloseWorkflow,
    PostingSummaryWorkflow,
    UsageSendingWorkflow,
    AdoptionProposalWorkflow,
    AdoptionRunWorkflow,
    DealCheckWorkflow,
    ChangePreviewWorkflow,
    MoneyCheckWorkflow,
    ContractCheckWorkflow,
    CreditPreviewWorkflow,
    WriteOffPreviewWorkflow,
    RecognitionPreviewWorkflow,
    DeferredRollForwardWorkflow,
)


@dataclass(frozen=True)
class QueuePlan:
    """One task queue: what it runs and how much at once."""

    task_queue: str
    activities: tuple[Callable[..., Any], ...]
    workflows: tuple[type, ...] = ()
    max_concurrent_activities: int = 20
    vendor: str = ""
    """The system behind a queue that is held back while it is away; "" of a queue that never is."""
    account: str = ""


def activities_of(*instances: object) -> tuple[Callable[..., Any], ...]:
    """Bound methods marked as activities."""
    found = []
    for instance in instances:
        for _, method in inspect.getmembers(instance, inspect.ismethod):
            if hasattr(method, "__temporal_activity_definition"):
                found.append(method)
    return tuple(found)
