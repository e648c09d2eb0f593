"""Messages of the sagas: what starts them, what they answer, where they stand."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Ref
from dealthread.domain.contract import ContractState, RenewalTerms
from dealthread.domain.corrections import Corrections
from dealthread.domain.deal import Deal


class ChangeKind(StrEnum):
    QUOTE_TO_CASH = "quote_to_cash"
    ACTIVATION = "activation"
    """A contract set up ahead starts today."""
    TERM_END = "term_end"
    AMENDMENT = "amendment"
    RENEWAL_NOTICE = "renewal_notice"
    """The renewal is announced, with its price."""
    RENEWAL = "renewal"
    """Accepted, declined or, at the end of the notice period, automatic."""
    CANCELLATION = "cancellation"
    WITHDRAWAL = "withdrawal"
    """Takes back a change that was agreed and has not taken effect."""
    ADOPTION = "adoption"
    """A contract that was in force before it was ours."""
    TAX_RATE = "tax_rate"
    """A tax rate changes by finance's table; the contract stays as it is."""
    INVOICE_CREDIT = "invoice_credit"
    """A part of an invoice is given back; the contract stays as it is."""
    INVOICE_WRITE_OFF = "invoice_write_off"
    """What is open of an invoice is given up; the contract stays as it is."""


class ChangeRequest(Carried):
    """A change asked of a contract. `change_id` is the child workflow's id."""

    change_id: str
    kind: ChangeKind
    generation: int = 1
    org: str
    deal_id: str
    requested_by: str
    """`webhook:<org>` or the actor of the process API; an approver must be somebody else."""


class Environment(Carried):
    """What differs between environments and must not differ between replays."""

    tenant: str = "default"
    business_offset_seconds: int = 0


class QuoteToCashInput(Carried):
    """Input of the QuoteToCash saga."""

    request: ChangeRequest
    contract_key: str
    environment: Environment = Environment()
    corrections: Corrections = Corrections()


class RiskLevel(StrEnum):
    LOW = "low"
    HIGH = "high"


class RiskSignal(Carried):
    """Customer success says how likely the customer is to leave. It changes the forecast and who
    must agree to an automatic renewal, never the contract."""

    level: RiskLevel
    reason: str = ""


class ChangeInput(Carried):
    """Input of the sagas that change a running contract."""

    request: ChangeRequest
    contract_key: str
    environment: Environment = Environment()
    is_due: bool = False
    """The change was accepted before, and held until the day on which it takes effect."""
    risk: RiskLevel = RiskLevel.LOW


class ChangeOutcome(StrEnum):
    """How a change ended. `compensated` is a success of the saga, not a failure."""

    COMPLETED = "completed"
    SCHEDULED = "scheduled"
    """Accepted; takes effect on a later day."""
    WITHDRAWN = "withdrawn"
    """Accepted, and taken back before it took effect."""
    COMPENSATED = "compensated"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    """Ended by force: no undo ran. What is left is listed by `dealthread workflow terminate`."""
    FAILED = "failed"
    """A bug of ours ended it."""


class ChangeResult(Carried):
    """Answer of a child saga to its contract."""

    change_id: str
    outcome: ChangeOutcome
    contract_state: ContractState
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    auto_renew: bool = False
    renewal: RenewalTerms | None = None
    term_no: int = 1
    due_at: AwareDatetime | None = None
    """When a scheduled change takes effect."""
    residue: tuple[str, ...] = ()
    refs: tuple[Ref, ...] = ()


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    STUCK = "stuck"
    SKIPPED = "skipped"
    UNDOING = "undoing"
    UNDONE = "undone"


class StepRecord(Carried):
    """One line of a saga's ledger of steps."""

    name: str
    title: str
    state: StepState
    pivot: bool = False
    detail: str = ""


class SagaStatus(Carried):
    """Answer of the `status` query."""

    business_key: str
    generation: int
    contract_key: str
    stage: str
    headline: str
    steps: tuple[StepRecord, ...]
    waiting_for: str = ""
    case_id: str = ""
    case_version: int = 0
    pivot_crossed: bool = False


class SagaContext(Carried):
    """Who a step belongs to; every activity input carries one."""

    business_key: str
    generation: int
    contract_key: str
    org: str
    deal_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0
    actor: str = "saga"


class ReadDeal(Carried):
    """Input of `crm.read_deal`."""

    context: SagaContext


class FrozenDeal(Carried):
    """The deal as read, and its hash: what everything after is based on."""

    deal: Deal
    content_hash: str


def context_of(order: QuoteToCashInput | ChangeInput, *, actor: str = "") -> SagaContext:
    """Whose steps those of a saga are: of its change, asked by whoever asked unless said."""
    request = order.request
    return SagaContext(
        business_key=request.change_id,
        generation=request.generation,
        contract_key=order.contract_key,
        org=request.org,
        deal_id=request.deal_id,
        tenant=order.environment.tenant,
        business_offset_seconds=order.environment.business_offset_seconds,
        actor=actor or request.requested_by,
    )
