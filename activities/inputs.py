"""Inputs and results of activities: one model in, one out."""

from __future__ import annotations

from dealthread.domain.base import Carried
from dealthread.domain.case import CaseOpening
from dealthread.domain.contract import ApprovalReason, Contract, ContractState
from dealthread.domain.corrections import Corrections
from dealthread.domain.documents import (
    Agreement,
    BillingCustomer,
    Booking,
    Entitlement,
    ErpCustomer,
)
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.domain.transaction import ChangeOutcome, FrozenDeal, SagaContext


class AssessDeal(Carried):
    """Input of `deal.assess`."""

    context: SagaContext
    frozen: FrozenDeal
    corrections: Corrections = Corrections()
    ask_erp: bool = True
    """False when the ERP is unavailable and the last known posting rules are taken on trust."""
    record: bool = True
    """False for a check that must leave no trace."""
    approved_hash: str = ""
    """Of what a person approved; where approval is needed, only that is accepted, and told."""


class Finding(Carried):
    """One rule that does not hold. `value` is a code, an amount, a date or an id; never a name."""

    rule: str
    severity: str
    field: str
    value: str
    owner: str
    case_kind: str
    message: str


class Assessment(Carried):
    """What `deal.assess` found. With stopping findings there is no contract to go on with."""

    stopping: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    approvals: tuple[ApprovalReason, ...] = ()
    contract: Contract | None = None
    party: Party | None = None
    parent: Party | None = None
    preview: BillingInvoice | None = None
    at_risk: Money | None = None
    content_hash: str = ""
    erp_patience_minutes: int = 15
    """How long the ERP may be unavailable before its steps move behind the pivot."""
    entitlement_patience_minutes: int = 30


class PrepareBooking(Carried):
    """Input of `erp.prepare_booking`: customer, parent and draft booking."""

    context: SagaContext
    contract: Contract
    party: Party
    parent: Party | None = None


class PreparedBooking(Carried):
    """The customer at the ERP and, where the policy books, the draft."""

    customer: ErpCustomer
    booking: Booking | None = None


class UndoBooking(Carried):
    """Input of `erp.undo_booking`."""

    context: SagaContext
    contract: Contract


class ConfirmBooking(Carried):
    """Input of `erp.confirm_booking`."""

    context: SagaContext
    contract: Contract
    booking: Booking


class ReadBooking(Carried):
    """Input of `erp.link_booking`: a document that a person named."""

    context: SagaContext
    contract: Contract
    native_id: str
    confirmed: bool = False
    """It takes the place of a confirmation: a quotation will not do."""


class StartBilling(Carried):
    """Input of `billing.start_agreement`: customer, then agreement."""

    context: SagaContext
    contract: Contract
    party: Party
    parent_key: str | None = None
    preview: BillingInvoice | None = None


class StartedBilling(Carried):
    """The customer and the agreement at the biller, first invoice included."""

    customer: BillingCustomer
    agreement: Agreement


class UndoBilling(Carried):
    """Input of `billing.undo_agreement`. The party finds a customer whose creation is uncertain."""

    context: SagaContext
    contract: Contract
    party: Party | None = None


class ReleaseInvoice(Carried):
    """Input of `billing.release_first_invoice`: compare with what was previewed, then finalise.

    Without a preview (an agreement set up ahead) the draft is compared with the contract's own
    first bill, which the preview was compared with before the agreement was made.
    """

    context: SagaContext
    contract: Contract
    agreement: Agreement
    preview: BillingInvoice | None = None


class GrantAccess(Carried):
    """Input of `entitlement.grant` and `entitlement.revoke`."""

    context: SagaContext
    contract: Contract


class WriteBack(Carried):
    """Input of `crm.write_back`: the last step, which also ends the run in our store."""

    context: SagaContext
    contract: Contract
    state: ContractState
    outcome: ChangeOutcome
    agreement: Agreement | None = None
    booking: Booking | None = None
    entitlement: Entitlement | None = None


class Withdraw(Carried):
    """Input of `crm.withdraw`: tell the CRM that the deal stopped, and why."""

    context: SagaContext
    account_id: str
    customer_key: str
    contract: Contract | None = None
    reason: str


class RecordOutcome(Carried):
    """Input of `hub.record_outcome`."""

    context: SagaContext
    outcome: ChangeOutcome
    state: ContractState
    reason: str = ""
    residue: tuple[str, ...] = ()
    tell_customer_success: bool = False


class OpenCase(Carried):
    """Input of `hub.open_case`."""

    context: SagaContext
    opening: CaseOpening


class AskedBefore(Carried):
    """Input of `hub.is_aborted`: the cases of a business key, whichever run asked them."""

    case_ids: tuple[str, ...]


class SettleCase(Carried):
    """Input of `hub.settle_case`: the case has answered itself, nobody needs to decide it."""

    case_id: str
    version: int
    note: str


class Undone(Carried):
    """Answer of an undo: what was found and removed; empty when there was nothing."""

    removed: str = ""


class AwaitChange(Carried):
    """Input of `hub.await_change`: the outcome of a child that an earlier run started."""

    change_id: str
    generation: int = 1


class ReadSetUp(Carried):
    """Input of `hub.read_setup`."""

    context: SagaContext


class SetUp(Carried):
    """What QuoteToCash made for a contract that starts later."""

    contract: Contract
    agreement: Agreement | None = None
    booking: Booking | None = None
    entitlement: Entitlement | None = None
