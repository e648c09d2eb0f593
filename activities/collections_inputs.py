"""Inputs and results of the activities that pursue an overdue invoice."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.contract import ContractState
from dealthread.domain.dunning import CollectionsPolicy, NoticeKind, Pursuit
from dealthread.domain.transaction import SagaContext


class CollectionsInput(Carried):
    """Input of the Collections workflow."""

    billing_account: str
    invoice_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class OrderKind(StrEnum):
    PROMISE = "promise"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


class PursuitOrder(Carried):
    """What a person asks of a pursuit. Its update."""

    kind: OrderKind
    actor: str
    reason: str = ""
    until: date | None = None
    """Of a promise: the last day on which it may be kept. Of a pause: its last day; none: until
    somebody resumes it."""


class ReadOverdue(Carried):
    """Input of `collections.read`."""

    billing_account: str
    invoice_id: str


class Overdue(Carried):
    """The invoice as its owner has it now, whose it is, and how it is to be pursued.

    `ignored` says why nobody pursues it.
    """

    bill: Bill
    ignored: str = ""
    org: str = ""
    deal_id: str = ""
    account_id: str = ""
    customer_name: str = ""
    seller: str = ""
    region: str = ""
    contract_state: ContractState | None = None
    policy: CollectionsPolicy | None = None


class OpenPursuit(Carried):
    """Input of `collections.open`."""

    context: SagaContext
    wanted: Pursuit


class RecordPursuit(Carried):
    """Input of `collections.record`: where it stands, for people and for subscribers."""

    context: SagaContext
    pursuit: Pursuit
    notice: NoticeKind | None = None
    escalate: bool = False
    is_new: bool = False
    """The pursuit has just been opened."""
    restored: str = ""
    """The entitlement that may be used again; empty where nothing was given back, or another
    pursuit still holds it."""


class ShowPursuit(Carried):
    """Input of `collections.show`: the CRM tells those who sell."""

    context: SagaContext
    account_id: str
    pursuit: Pursuit


class HoldAccess(Carried):
    """Input of `collections.suspend` and `collections.restore`."""

    context: SagaContext
    seller: str
    customer_key: str


class HeldAccess(Carried):
    """Answer: what the entitlement service holds now. Without an entitlement there was nothing to
    withhold."""

    entitlement: str = ""
    is_suspended: bool = False
