"""What is asked of the CRM, the source of deals: deals and changes read, and what is told back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from dealthread.domain.base import Carried, Ref
from dealthread.domain.change_order import AmendmentOrder, RenewalOrder
from dealthread.domain.comparison.seen import CrmContract
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal, DealKind
from dealthread.domain.documents import CrmRecord
from dealthread.domain.money import Money
from dealthread.outcome import Outcome

CONTRACT_RECORD_MISSING = "contract_record_missing"
"""Code of the refusal of what belongs under a contract that the CRM holds no record of."""


class CrmWriteBack(Carried):
    """What the CRM is told about a contract. Only fields the hub owns (ownership table)."""

    deal_id: str
    account_id: str
    contract_key: str
    contract: Contract | None = None
    """None only where a deal stopped before it was one."""
    status: str
    """active, scheduled, stopped: <reason>, rescinded."""
    status_at: datetime
    sequence: int
    """Rises with every write-back of a contract; the CRM refuses a lower one."""
    workflow_id: str
    customer_key: str
    subscription: Ref | None = None
    booking: Ref | None = None
    entitlement: Ref | None = None
    forecast_renewal: bool = False
    """As of `CrmChange`: whether the CRM shall hold an open renewal for the next term."""
    renewal_price: Money | None = None


class CrmChange(Carried):
    """What the CRM is told about a change of a contract. Only fields the hub owns."""

    contract: Contract
    """As it is after the change."""
    change_id: str
    deal_id: str = ""
    """The opportunity that asked for the change; "" where none did."""
    status: str
    """Of the contract: active, scheduled, cancelled, ended, renewal announced."""
    change_status: str
    """Of the change: completed, scheduled, stopped: <reason>, withdrawn."""
    status_at: datetime
    sequence: int
    effective_from: date | None = None
    booking: Ref | None = None
    forecast_renewal: bool = False
    """Whether the CRM shall hold an open renewal for the contract's next term: found before it is
    made, by CPQ's own fields where CPQ is present."""
    renewal_price: Money | None = None
    """Net of one year, or of the term where it is shorter, as it is offered."""


class CreditMirror(Carried):
    """A credit note of an invoice as the CRM shows it."""

    credit: Ref
    number: str
    gross: Money
    """Positive: what is given back."""
    reason: str
    issue_date: date | None
    is_void: bool = False
    """The biller took it back: the record stays, and says so."""
    voided_on: date | None = None


class InvoiceMirror(Carried):
    """An invoice as the CRM shows it to the people who sell."""

    contract_key: str
    account_id: str
    invoice: Ref
    number: str
    status: str
    currency: str
    gross: Money
    remaining: Money
    issue_date: date | None
    due_date: date | None
    paid_on: date | None = None
    document: Ref | None = None
    """The ledger's document."""
    credits: tuple[CreditMirror, ...] = ()
    """Every credit note that names it, those that were taken back too."""


class CollectionsMirror(Carried):
    """Where the pursuit of an overdue invoice stands, on the invoice's record in the CRM."""

    contract_key: str
    account_id: str
    invoice: Ref
    state: str
    """open, paused, with_person, handed_over, written_off; or how it ended: paid, credited,
    voided, stopped."""
    stage: int
    suspended: bool
    promised_until: date | None = None


class WonDeal(Carried):
    """A deal that is won, by its id alone."""

    org: str
    deal_id: str
    kind: DealKind
    changed_at: datetime
    """When anybody last wrote to it."""


class CrmPort(Protocol):
    """The CRM: source of deals; told the state of the contract."""

    settle_window: timedelta

    async def read_deal(self, deal_id: str) -> Deal:
        """The deal with its account, parents, lines and contacts. Raises NotFound."""

    async def won_deals(self, closed_from: date, *, after: str, limit: int) -> tuple[WonDeal, ...]:
        """Deals that are won and were closed on a day or later, by id, from the first one after
        an id on."""

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the contract record and the status fields, all or nothing."""

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        """The contract's record if the write-back with this key has been applied."""

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Undo: status says why it stopped; ids leave the active fields and stay in history."""

    async def read_change(self, deal_id: str, contract: Contract) -> AmendmentOrder | RenewalOrder:
        """What a won amendment or renewal asks of a contract, in whatever form the CRM keeps it
        (deltas are folded onto the contract's lines). Raises NotFound, and StepRejected for one
        that is not won, belongs to another contract or cannot be told."""

    async def record_change(
        self, command: CrmChange, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Bring the contract's record to its present version: status, term, value, quantities,
        the change's own status, the renewal's forecast; all or nothing."""

    async def mirror_invoice(
        self, command: InvoiceMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Create or update the CRM's record of an invoice, by its billing account and id."""

    async def show_collections(
        self, command: CollectionsMirror, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        """Put the pursuit's state on the invoice's record, which is made where it is missing; what
        `mirror_invoice` keeps there stays as it is."""

    async def find_recorded_change(
        self, contract_key: str, *, idempotency_key: str
    ) -> CrmRecord | None:
        """The contract's record if the last write applied to it had this key."""

    async def contracts_now(self, contract_keys: tuple[str, ...]) -> tuple[CrmContract, ...]:
        """The records of contracts as they stand, in one call; those that have none are not among
        them."""
