"""What the core asks of its own store: journal, contracts, cases. Implemented in `store/`.

Every method is one transaction. Nothing here knows SQL.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from pydantic import BaseModel

from dealthread.domain.adoption.carried import OldInvoice
from dealthread.domain.base import Ref
from dealthread.domain.bill import Bill
from dealthread.domain.case import Case, CaseAnswered, CaseOpening
from dealthread.domain.cash import OwedBill
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.credit_order import CreditOrder
from dealthread.domain.documents import Agreement
from dealthread.domain.dunning import Pursuit
from dealthread.domain.events import BusinessEvent
from dealthread.domain.money import Money
from dealthread.domain.recognition.rows import RecognitionState
from dealthread.domain.transaction import (
    ChangeOutcome,
    ChangeRequest,
    ChangeResult,
    SagaContext,
)
from dealthread.domain.validation import ActiveContract
from dealthread.domain.write_off_order import WriteOffOrder

T = TypeVar("T", bound=BaseModel)


class WriteState(StrEnum):
    """Life of one write. `sent` and `unknown` are the uncertain ones."""

    INTENT = "intent"
    SENT = "sent"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    DONE = "done"


@dataclass(frozen=True)
class WriteSpec:
    """One write under one deterministic key."""

    key: str
    step: str
    system: str
    account: str
    context: SagaContext
    request_hash: str
    money: Money | None = None


@dataclass(frozen=True)
class WriteRow:
    """A journal row as read. `first` is true only for the very first opening, in any run."""

    key: str
    state: WriteState
    first: bool
    request_hash: str
    revision: int
    """Raised when a refused or poisoned request is sent anew; suffixes the vendor's key."""
    attempts: int
    unknowns: int
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    result: str | None
    fenced: bool
    """An undo was asked: nothing may be created under this key any more."""


@dataclass(frozen=True)
class ContractVersionRecord:
    """A version of a contract with what made it and what follows from it for revenue."""

    contract: Contract
    """`contract.version` is its number."""
    change_id: str
    effective_from: date
    accepted_on: date
    kind: str
    reason: str = ""
    working: str = ""
    """Charges, credits and treatments with their inputs, as JSON."""
    schedule: tuple[RevenueRow, ...] = ()
    """The whole revenue schedule after the change."""


@dataclass(frozen=True)
class RevenueRow:
    """Revenue of one obligation in one month, in the contract's currency. Its source is the
    version that planned it."""

    obligation: str
    line_key: str
    account: str
    month: date
    """First day of the month."""
    amount: Money
    treatment: str = ""


@dataclass(frozen=True)
class Effects:
    """What is recorded in the same transaction as a result."""

    refs: tuple[Ref, ...] = ()
    events: tuple[BusinessEvent, ...] = ()
    stage: str = ""
    contract_state: ContractState | None = None
    outcome: ChangeOutcome | None = None
    version: ContractVersionRecord | None = None
    """A new accepted version of the contract, which becomes the present one."""
    recognition: RecognitionMark | None = None
    """What became of a document of recognised revenue."""


@dataclass(frozen=True)
class RecognitionMark:
    """A document of recognised revenue is posted under the ledger's number, or reversed."""

    document_key: str
    state: RecognitionState
    entry: str = ""
    reversal_key: str = ""


@dataclass(frozen=True)
class OpenWrite:
    """A journal row for people, above all one that is uncertain (`dealthread uncertain`).

    `how` says how a done write came to be known: `created` by its answer, `found` by a look-up
    after its answer was lost; an undo's may be `kept` or `absent`. Empty while it is not done.
    """

    key: str
    step: str
    system: str
    contract_key: str
    state: WriteState
    first_sent_at: datetime | None
    attempts: int
    money: Money | None = None
    evidence: dict[str, str] = dataclasses.field(default_factory=dict)
    how: str = ""


class Journal(Protocol):
    """The write journal: intent is committed before the call, the result after it."""

    async def open(self, spec: WriteSpec) -> WriteRow:
        """Insert the intent, or read the row an earlier attempt left."""

    async def lease(self, spec: WriteSpec, until: datetime) -> bool:
        """Claim the row for one attempt; False while another attempt may be alive."""

    async def sent(self, spec: WriteSpec, revision: int) -> None:
        """Record that the request goes out now. Commits before the call."""

    async def not_sent(self, spec: WriteSpec) -> None:
        """The call failed before any effect: release the lease, keep the state before it."""

    async def release(self, spec: WriteSpec) -> None:
        """Give up the lease; what is known of the write stays as it is."""

    async def unknown(self, spec: WriteSpec, code: str) -> WriteRow:
        """The answer is lost; counts towards the budget."""

    async def rejected(self, spec: WriteSpec, code: str, evidence: dict[str, str]) -> None:
        """Refused without effect."""

    async def done(self, spec: WriteSpec, result: str, how: str, effects: Effects) -> None:
        """Result, audit entry, cross-references, events and stage in one transaction."""

    async def fence(self, do_key: str, spec: WriteSpec) -> WriteRow | None:
        """Mark a do row so that no late attempt creates; the row as it stood, or None."""

    async def note(self, key: str, words: Sequence[str]) -> None:
        """Keep what an act is about to change, before it is sent; in place of what was kept.
        Names of fields, never their values, and whether the record is made."""

    async def noted(self, key: str) -> tuple[str, ...]:
        """What was kept for the acts under this key, by any attempt."""


class Contracts(Protocol):
    """Contracts and the runs of their changes."""

    async def record_pending(
        self,
        context: SagaContext,
        contract: Contract,
        name: str,
        events: tuple[BusinessEvent, ...] = (),
    ) -> None:
        """The contract with its number, before anything is written elsewhere; and what is told
        with it."""

    async def accepted_hashes(self, contract_key: str, business_key: str) -> tuple[str, ...]:
        """Content hashes of deals that other runs of this contract completed with."""

    async def active_contracts(
        self, customer_key: str, seller: str, other_than: str
    ) -> tuple[ActiveContract, ...]:
        """Recurring products of the customer's other live contracts at a seller."""

    async def is_served_through(self, customer_key: str, erp: str, other_than: str) -> bool:
        """Whether another live contract of the customer is kept in an ERP, at any company of it:
        the companies of one ERP may share the customer's record."""

    async def record_stage(self, context: SagaContext, stage: str) -> None:
        """Where a run stands, for people and for `list`."""

    async def record_outcome(
        self,
        context: SagaContext,
        outcome: ChangeOutcome,
        state: ContractState | None,
        events: tuple[BusinessEvent, ...],
        residue: tuple[str, ...] = (),
    ) -> None:
        """How a run ended, and what it could not undo; without a state the contract stays in its
        own."""

    async def read(self, contract_key: str) -> Contract | None:
        """The contract as recorded."""

    async def results(self, business_key: str, generation: int | None = None) -> dict[str, str]:
        """Journal step → recorded result (JSON) of one run; of the latest that wrote anything
        where no generation is named. What another generation made is not among it."""

    async def change_result(self, change_id: str, generation: int) -> ChangeResult | None:
        """How a change ended; None while it runs."""

    async def state(self, contract_key: str) -> ContractState | None:
        """The contract's state; None where there is no such contract."""

    async def version(self, contract_key: str, number: int) -> Contract | None:
        """An accepted version of the contract."""

    async def schedule(
        self, contract_key: str, through: date | None = None
    ) -> tuple[RevenueRow, ...]:
        """The revenue schedule as the present version plans it; of a contract without end, also
        the billing periods that begin by `through`."""

    async def planned_until(self, contract_key: str) -> date | None:
        """First day that the schedule does not plan without being asked; None where the contract
        has a term."""

    async def next_sequence(self, contract_key: str) -> int:
        """A number that rises with each use: the CRM refuses a lower one."""


class Changes(Protocol):
    """Orders of changes, as asked, and what was computed for them before anything was written."""

    async def order(self, change_id: str) -> ChangeOrder | None:
        """The order; None where the change comes from the CRM and was not read yet."""

    async def credit_order(self, change_id: str) -> CreditOrder | None:
        """The credit on an invoice that a person asked for."""

    async def write_off_order(self, change_id: str) -> WriteOffOrder | None:
        """The giving up of an invoice that a person asked for."""

    async def record_order(self, order: ChangeOrder, requested_by: str) -> None:
        """Store an order; the same again changes nothing. Raises Conflict for another content
        under a known id."""

    async def record_preview(self, change_id: str, preview: str) -> None:
        """The latest preview (JSON) of a change: lines, taxes, documents, treatments."""

    async def agreement(self, contract_key: str) -> Agreement | None:
        """The contract's billing agreement as the journal last recorded it."""

    async def booking_keys(self, contract_key: str) -> tuple[str, ...]:
        """Document keys of the contract's bookings in the ERP, oldest first."""

    async def claim(self, request: ChangeRequest, contract_key: str) -> bool:
        """Make a run for a change unless it exists; the relay hands it to its contract."""

    async def stage_of(
        self, business_key: str, generation: int | None = None
    ) -> tuple[str, str | None]:
        """(stage, outcome) of a run, by default the newest; ("", None) where there is none."""

    async def newest_generation(self, business_key: str) -> int:
        """Number of the newest run; 0 where there is none."""

    async def version_of(self, change_id: str) -> int | None:
        """Number of the contract's version that a change made; None where it made none."""

    async def join_group(self, contract_keys: tuple[str, ...], group: str) -> None:
        """Note that contracts belong together, whichever of their ids is asked for."""

    async def was_told(self, event_id: str, subscriber_kind: str) -> bool:
        """Whether an event was confirmed by every subscriber of a kind (proof of a notice); False
        where there is no such subscriber."""


class Bills(Protocol):
    """The biller's invoices of our contracts, as they were last read."""

    async def seen(
        self,
        bill: Bill,
        read_at: datetime,
        events: tuple[BusinessEvent, ...] = (),
        cases: tuple[CaseOpening, ...] = (),
        answered: tuple[CaseAnswered, ...] = (),
    ) -> None:
        """Keep how a bill stood; an older look never takes the place of a newer one. And what is
        told of it, each event once, and opened for people, each case once, or closed again."""

    async def owed(
        self, seller: str, numbers: Sequence[str], customer_key: str
    ) -> tuple[OwedBill, ...]:
        """A seller's invoices with one of these numbers, and all of a customer ("" of none)."""

    async def old_invoice(self, bill: Bill) -> OldInvoice | None:
        """What a bill was matched with when its contract was adopted; None where nothing of it was
        open then."""

    async def buys(self, seller: str, customer_key: str) -> bool:
        """Whether a seller has a contract with a customer."""


class Cases(Protocol):
    """Exception cases."""

    async def open(self, opening: CaseOpening) -> Case:
        """Open, or read what an earlier attempt opened (case id, run and occurrence)."""

    async def restate(self, opening: CaseOpening) -> bool:
        """An open case says this evidence and money from now on, its clock going on; False where
        it says so already, or is not open."""

    async def is_aborted(self, case_ids: tuple[str, ...]) -> bool:
        """Whether a person has ended a run at one of these cases, at any version of it."""

    async def settle(self, case_id: str, version: int, note: str) -> None:
        """Close an open case that nobody needs to decide any more; one that somebody decided
        meanwhile stays as it is."""


class Pursuits(Protocol):
    """Pursuits of overdue invoices."""

    async def open(self, wanted: Pursuit) -> Pursuit:
        """The open pursuit of an invoice; where there is none, a new one, of the next
        generation."""

    async def record(self, pursuit: Pursuit, events: tuple[BusinessEvent, ...], actor: str) -> None:
        """Where it stands, its events and the audit entry, in one transaction. An older sequence
        never takes the place of a newer one."""

    async def of_invoice(self, any_id: str) -> Pursuit | None:
        """The newest one by the invoice's number, its id, or the business key. Raises BadInput
        where that names invoices of several billing accounts."""

    async def listing(
        self, *, contract_key: str = "", customer_key: str = "", closed: bool, limit: int
    ) -> list[Pursuit]:
        """Oldest due date first."""


def parsed(model: type[T], text: str | None) -> T | None:
    """A recorded result as a model; None where there is none."""
    return model.model_validate_json(text) if text else None
