"""Inputs and results of the activities that change a running contract."""

from __future__ import annotations

from datetime import date

from activities.inputs import Finding
from dealthread.domain.base import Carried
from dealthread.domain.contract import ApprovalReason, Contract, ContractState
from dealthread.domain.documents import Booking, ChangedAgreement, Entitlement
from dealthread.domain.events import EventType
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, RiskLevel, SagaContext
from dealthread.ports.billing import ChangeAgreement


class AssessChange(Carried):
    """Input of `change.assess`. `order` (JSON) is given for a preview only: what a saga carries
    out was stored, comes from the CRM, or follows from the calendar."""

    context: SagaContext
    kind: ChangeKind
    order: str = ""
    is_due: bool = False
    risk: RiskLevel = RiskLevel.LOW
    ask_erp: bool = True
    record: bool = True


class ChangedAmount(Carried):
    """What the change comes to for one line. A credit is negative. Net of tax."""

    line_key: str
    net: Money
    tax: Money
    start_date: date
    end_date: date


class AssessedChange(Carried):
    """What a change would do. With stopping findings there is nothing to go on with."""

    stopping: tuple[Finding, ...] = ()
    approvals: tuple[ApprovalReason, ...] = ()
    before: Contract | None = None
    """The contract as it stands, for who has to be told what is stuck."""
    contract: Contract | None = None
    """The contract after the change."""
    booking: Contract | None = None
    """The lines that the ERP books for the change; None where it books nothing."""
    billing: ChangeAgreement | None = None
    """What the biller is asked for; None where nothing changes there."""
    preview: ChangedAgreement | None = None
    amounts: tuple[ChangedAmount, ...] = ()
    """What the change comes to today by our own calculation, which the preview was held to."""
    effective_from: date | None = None
    accepted_on: date | None = None
    hold_until: date | None = None
    """A day within a billing period to come: the change is run on it."""
    regional_deals: tuple[str, ...] = ()
    declined: bool = False
    """The order refuses a renewal: the contract ends with its term."""
    at_risk: Money | None = None
    renewal_price: Money | None = None
    """Of a renewal: net of a year of the next term, or of the term where it is shorter."""
    customer_key: str = ""
    deal_id: str = ""
    """The opportunity that asks; "" where none does."""
    content_hash: str = ""
    """Of order, version and preview: an approval is of these."""
    working: str = ""
    """Amounts and treatments with their inputs, as JSON."""
    amends: str = ""
    """Document key of the contract's booking in the ERP that the change adds to."""
    erp_patience_minutes: int = 15
    entitlement_patience_minutes: int = 30


class DraftAdjustment(Carried):
    """Input of `erp.draft_adjustment`: the lines that the change adds to, or takes off, what is
    booked, as an order of its own under the change's key."""

    context: SagaContext
    booking: Contract
    amends: str = ""


class ConfirmAdjustment(Carried):
    """Input of `erp.confirm_adjustment` and `erp.undo_adjustment`."""

    context: SagaContext
    booking: Contract
    draft: Booking | None = None


class BillChange(Carried):
    """Input of `billing.change`."""

    context: SagaContext
    change: ChangeAgreement
    preview: ChangedAgreement | None = None
    money: Money | None = None


class BilledChange(Carried):
    """What the biller made, and in what it differs from its own preview ("" = in nothing)."""

    changed: ChangedAgreement
    difference: str = ""


class ChangeAccess(Carried):
    """Input of `entitlement.change`: the rights that the contract gives after the change."""

    context: SagaContext
    contract: Contract


class RecordChange(Carried):
    """Input of `crm.record_change`: the last step, which also ends the run in our store and makes
    the new version of the contract the present one."""

    context: SagaContext
    contract: Contract
    kind: ChangeKind
    state: ContractState
    outcome: ChangeOutcome
    event: EventType
    effective_from: date
    accepted_on: date
    deal_id: str = ""
    reason: str = ""
    is_new_version: bool = True
    working: str = ""
    booking: Booking | None = None
    entitlement: Entitlement | None = None
    billed: ChangedAgreement | None = None
    forecast_renewal: bool = False
    renewal_price: Money | None = None


class RecordTermEnd(Carried):
    """Input of `crm.term_ended`."""

    context: SagaContext


class RecordHeld(Carried):
    """Input of `hub.record_held`: accepted, and held until its day."""

    context: SagaContext
    due_on: date
    deal_id: str = ""


class RegionalDeals(Carried):
    """Input of `hub.join_regional`: deals with other legal entities that join the group."""

    context: SagaContext
    deals: tuple[str, ...]
    requested_by: str


class AwaitRegional(Carried):
    """Input of `hub.await_regional`."""

    context: SagaContext
    deals: tuple[str, ...]


class RegionalOutcome(Carried):
    """Deals that ended without a contract; none of the others can fall any more."""

    stopped: tuple[str, ...] = ()
