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
from workflows.amendment import AmendmentWorkflow
from workflows.cancellation import CancellationWorkflow
from workflows.change_preview import ChangePreviewWorkflow
from workflows.collections import CollectionsWorkflow
from workflows.contract_lifecycle import ContractLifecycleWorkflow
from workflows.credit_preview import CreditPreviewWorkflow
from workflows.deal_check import DealCheckWorkflow
from workflows.invoice_credit import InvoiceCreditWorkflow
from workflows.invoice_to_cash import InvoiceToCashWorkflow
from workflows.money_check import MoneyCheckWorkflow
from workflows.quote_to_cash import QuoteToCashWorkflow
from workflows.recognition_questions import (
    DeferredRollForwardWorkflow,
    RecognitionPreviewWorkflow,
)
from workflows.recognition_run import RecognitionRunWorkflow
from workflows.renewal import RenewalWorkflow
from workflows.renewal_notice import RenewalNoticeWorkflow
from workflows.rescission import RescissionWorkflow
from workflows.term_end import TermEndWorkflow

WORKFLOWS: tuple[type, ...] = (
    ContractLifecycleWorkflow,
    QuoteToCashWorkflow,
    ActivationWorkflow,
    AmendmentWorkflow,
    RenewalNoticeWorkflow,
    RenewalWorkflow,
    CancellationWorkflow,
    RescissionWorkflow,
    TermEndWorkflow,
    InvoiceToCashWorkflow,
    InvoiceCreditWorkflow,
    CollectionsWorkflow,
    RecognitionRunWorkflow,
    DealCheckWorkflow,
    ChangePreviewWorkflow,
    MoneyCheckWorkflow,
    CreditPreviewWorkflow,
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


def activities_of(*instances: object) -> tuple[Callable[..., Any], ...]:
    """Bound methods marked as activities."""
    found = []
    for instance in instances:
        for _, method in inspect.getmembers(instance, inspect.ismethod):
            if hasattr(method, "__temporal_activity_definition"):
                found.append(method)
    return tuple(found)
