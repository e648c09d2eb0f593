"""How a change of a contract is accounted for, decided per change and per obligation.

The rows are those of the design's table M0–M14: ASC 606-10-25-10…13, 32-42…45, 55-41…45 and
IFRS 15.18–21. A decision keeps its inputs. It is overridden by the revenue role only, with a
reason; the computed one stays beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, UnitPrice
from dealthread.domain.working import Working

REVENUE_ROLE = "revenue"
"""The only role that overrides a treatment."""


class ChangeKind(StrEnum):
    """What changes for one obligation."""

    ADD = "add"
    REDUCE = "reduce"
    PRICE = "price"
    SWAP = "swap"
    EXTEND = "extend"
    TERMINATE = "terminate"
    RENEW = "renew"
    VARIABLE_ESTIMATE = "variable_estimate"
    TERMS_ONLY = "terms_only"
    """Payment terms, purchase order, contact, billing frequency."""


class ScopeReason(StrEnum):
    """Why it changes: not each change is a modification."""

    CUSTOMER_REQUEST = "customer_request"
    ERROR = "error"
    CONCESSION = "concession"
    SERVICE_FAILURE = "service_failure"
    COLLECTIONS_SETTLEMENT = "collections_settlement"


class Treatment(StrEnum):
    """What happens to revenue."""

    NO_MODIFICATION = "no_modification"
    RESTATE = "restate"
    """As if right from the start."""
    SEPARATE_CONTRACT = "separate_contract"
    PROSPECTIVE = "prospective"
    CATCH_UP = "catch_up"
    CATCH_UP_AND_PROSPECTIVE = "catch_up_and_prospective"
    """Catch-up on the satisfied part, prospective on the rest."""
    TO_ORIGIN = "to_origin"
    """To the contract, old or new, that the variability belongs to."""
    DERECOGNISE = "derecognise"
    """What remains is taken out."""
    NEW_CONTRACT = "new_contract"
    NO_EFFECT = "no_effect"


class Change(Frozen):
    """The inputs of the table for one change and one obligation."""

    obligation: str
    kind: ChangeKind
    accepted_at: date | None = None
    """The day both sides had approved: the accounting date. None while one has not."""
    is_scope_enforceable: bool = True
    is_price_agreed: bool = True
    scope_reason: ScopeReason = ScopeReason.CUSTOMER_REQUEST
    is_past_service: bool = False
    """Whether a concession is on amounts billed for service already given."""
    is_distinct: bool = True
    """Whether what remains, and what is added, is distinct from what was transferred; each day
    of a subscription is."""
    is_old_price_changed: bool = False
    """For an extension: whether the price of the running term changes too."""
    unit_price: UnitPrice | None = None
    ssp_low: UnitPrice | None = None
    ssp_high: UnitPrice | None = None
    """Range of standalone selling prices on `accepted_at`."""
    selling_cost_percent: ExactDecimal = Decimal(0)
    """Discount for selling costs saved, which the price may lie below the range (25-12 b)."""

    @model_validator(mode="after")
    def _complete(self) -> Change:
        prices = (self.unit_price, self.ssp_low, self.ssp_high)
        if len({price.currency for price in prices if price is not None}) > 1:
            raise ValueError("unit_price: currencies of price and range do not mix")
        if self.ssp_low and self.ssp_high and self.ssp_high.amount < self.ssp_low.amount:
            raise ValueError("ssp_high: below ssp_low")
        if not 0 <= self.selling_cost_percent < 100:
            raise ValueError("selling_cost_percent: between 0 and 100")
        return self

    def is_within_range(self) -> bool:
        """Whether the price reflects the standalone selling price.

        Raises ValueError when the price or the range is not known: then nobody can tell.
        """
        if self.unit_price is None:
            raise ValueError("unit_price: needed to decide about added service")
        if self.ssp_low is None or self.ssp_high is None:
            raise ValueError("ssp_low, ssp_high: needed to decide about added service")
        low = self.ssp_low.amount * (100 - self.selling_cost_percent) / 100
        return low <= self.unit_price.amount <= self.ssp_high.amount


class Override(Frozen):
    """A person's treatment instead of the computed one."""

    treatment: Treatment
    by: str
    reason: str


class Decision(Frozen):
    """The row that a change falls into, with its inputs."""

    row: str
    treatment: Treatment
    paragraph: str
    change: Change
    override: Override | None = None

    @property
    def applied(self) -> Treatment:
        """What is done: the override where there is one."""
        return self.treatment if self.override is None else self.override.treatment

    def working(self) -> Working:
        """Inputs and outcome, for an auditor."""
        given = self.change.model_dump(mode="json", exclude_none=True)
        outcome = self.applied.value
        if self.override is not None:
            outcome += f" (overridden by {self.override.by}: {self.override.reason})"
        return Working(
            what=f"treatment of the change of {self.change.obligation}",
            formula=f"row {self.row} of the table of modifications",
            inputs=tuple((name, _text(value)) for name, value in given.items()),
            result=self.applied.value
            + (
                f" (overridden by {self.override.by}: {self.override.reason})"
                if self.override
                else ""
            ),
            source=self.paragraph,
        )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}"
    return str(value)


def decide(change: Change) -> Decision:
    """The row of the table. Raises ValueError naming an input that the row needs and lacks."""
    row, treatment, paragraph = _row(change)
    return Decision(row=row, treatment=treatment, paragraph=paragraph, change=change)


def decide_all(changes: Iterable[Change]) -> tuple[Decision, ...]:
    """Each by its own row; where catch-up and prospective meet in one change, that is row M9."""
    decisions = [decide(change) for change in changes]
    kinds = {decision.treatment for decision in decisions}
    if not {Treatment.CATCH_UP, Treatment.PROSPECTIVE} <= kinds:
        return tuple(decisions)
    return tuple(
        decision.model_copy(
            update={"row": f"M9/{decision.row}", "paragraph": f"25-13(c), {decision.paragraph}"}
        )
        for decision in decisions
    )


def override(
    decision: Decision, treatment: Treatment, *, by: str, roles: Sequence[str], reason: str
) -> Decision:
    """Replace the treatment; the computed one and its inputs stay.

    Raises ValueError when the person lacks the revenue role or gives no reason.
    """
    if REVENUE_ROLE not in roles:
        raise ValueError(f"roles: {by} lacks the role {REVENUE_ROLE!r}")
    if not reason.strip():
        raise ValueError("reason: an override needs one")
    return decision.model_copy(
        update={"override": Override(treatment=treatment, by=by, reason=reason)}
    )


_Row = tuple[str, Treatment, str]
_WITHOUT_MODIFICATION: dict[ChangeKind, _Row] = {
    ChangeKind.TERMS_ONLY: ("M14", Treatment.NO_EFFECT, "no price, no scope"),
    ChangeKind.VARIABLE_ESTIMATE: ("M10", Treatment.TO_ORIGIN, "606-10-32-42…45"),
    ChangeKind.RENEW: ("M13", Treatment.NEW_CONTRACT, "606-10-55-41…45"),
    ChangeKind.TERMINATE: ("M12", Treatment.DERECOGNISE, "606-10-25-13"),
}
_PROSPECTIVE: dict[ChangeKind, _Row] = {
    ChangeKind.REDUCE: ("M4", Treatment.PROSPECTIVE, "606-10-25-13(a)"),
    ChangeKind.PRICE: ("M5", Treatment.PROSPECTIVE, "606-10-25-13(a)"),
    ChangeKind.SWAP: ("M6", Treatment.PROSPECTIVE, "606-10-25-13(a)"),
}


def _row(change: Change) -> _Row:
    if change.accepted_at is None or not change.is_price_agreed:
        return "M0", Treatment.NO_MODIFICATION, "606-10-25-10, 25-11"
    if change.scope_reason is ScopeReason.ERROR:
        return "M1", Treatment.RESTATE, "not a modification"
    if change.kind in _WITHOUT_MODIFICATION:
        return _WITHOUT_MODIFICATION[change.kind]
    if change.is_past_service:
        return "M11", Treatment.CATCH_UP_AND_PROSPECTIVE, "606-10-32-42…45"
    if not change.is_distinct:
        return "M8", Treatment.CATCH_UP, "606-10-25-13(b)"
    if change.kind in _PROSPECTIVE:
        return _PROSPECTIVE[change.kind]
    if change.kind is ChangeKind.EXTEND:
        if not change.is_old_price_changed and change.is_within_range():
            return "M7", Treatment.SEPARATE_CONTRACT, "606-10-25-12"
        return "M7", Treatment.PROSPECTIVE, "606-10-25-13(a)"
    if change.is_within_range():
        return "M2", Treatment.SEPARATE_CONTRACT, "606-10-25-12"
    return "M3", Treatment.PROSPECTIVE, "606-10-25-13(a)"
