"""What is asked of a running contract: an amendment, a renewal, a cancellation, a withdrawal.

An order says what shall be, in the customer's terms; what it comes to in money is computed from
the contract as it stands. Dates are service days; ends are exclusive.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried, Ref
from dealthread.domain.money import ExactDecimal, UnitPrice
from dealthread.domain.revenue.modification import ScopeReason


class LineAction(StrEnum):
    """What happens to one line."""

    ADD = "add"
    """A new line; it ends with the contract unless `end_date` says otherwise."""
    QUANTITY = "quantity"
    PRICE = "price"
    SWAP = "swap"
    """Another product in place of this line's, same end."""
    REMOVE = "remove"


class LineOrder(Carried):
    """One line of an order. Quantity and price are those after the change."""

    action: LineAction
    line_key: str
    """An existing line's; of an added one, its own new key."""
    product_code: str = ""
    quantity: ExactDecimal | None = None
    unit_price: UnitPrice | None = None
    """Net of discount, for one unit and one period of the product's price."""
    end_date: date | None = None
    ref: Ref | None = None
    """The line in the system that asks."""


class ChangeTiming(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"
    """With the next billing period."""
    TERM_END = "term_end"
    ON_DATE = "on_date"
    """On `effective_from`, before or after today."""


class OrderKind(StrEnum):
    AMENDMENT = "amendment"
    RENEWAL = "renewal"
    CANCELLATION = "cancellation"
    WITHDRAWAL = "withdrawal"


class _Order(Carried):
    change_id: str
    contract_key: str
    source: Ref | None = None
    """The record that asks; None where a person asked by API or command line."""
    deal_id: str = ""
    """The CRM's opportunity for it, where there is one."""
    accepted_on: date
    """Day on which both sides had agreed: the accounting date of the modification."""
    base_version: int | None = None
    """Version it was quoted on; another one since then refuses the order."""
    reason: str = ""


class AmendmentOrder(_Order):
    """Lines and terms that change within the running term."""

    kind: OrderKind = OrderKind.AMENDMENT
    timing: ChangeTiming = ChangeTiming.NOW
    effective_from: date | None = None
    lines: tuple[LineOrder, ...] = ()
    payment_terms: str = ""
    """Code of new payment terms; due dates of issued invoices do not move."""
    regional_deals: tuple[str, ...] = ()
    """Won deals with other legal entities that join the contract's group."""
    scope_reason: ScopeReason = ScopeReason.CUSTOMER_REQUEST


class RenewalDecision(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    AUTOMATIC = "automatic"
    """The notice period passed in silence."""


class RenewalOrder(_Order):
    """What follows the present term."""

    kind: OrderKind = OrderKind.RENEWAL
    decision: RenewalDecision
    term_months: int | None = None
    """None = as the contract says."""
    uplift_percent: ExactDecimal | None = None
    """None = as the contract says."""
    lines: tuple[LineOrder, ...] = ()
    """Changes with the new term, before uplift; a price given here is final."""


class CancellationReason(StrEnum):
    CUSTOMER_REQUEST = "customer_request"
    NON_PAYMENT = "non_payment"
    RESCISSION = "rescission"
    """From the start: everything billed is credited."""


class CancellationOrder(_Order):
    """The contract ends before its term, or is not continued after it."""

    kind: OrderKind = OrderKind.CANCELLATION
    timing: ChangeTiming
    effective_from: date | None = None
    cause: CancellationReason = CancellationReason.CUSTOMER_REQUEST
    credit_unused: bool = True
    """Whether what was billed for the time after the end is credited."""
    refund: bool = False
    """Whether a credit of what was paid goes back instead of to the customer's balance."""


class WithdrawalOrder(_Order):
    """Takes back a scheduled amendment or cancellation."""

    kind: OrderKind = OrderKind.WITHDRAWAL
    target: str
    """`change_id` of the change that is taken back."""


ChangeOrder = AmendmentOrder | RenewalOrder | CancellationOrder | WithdrawalOrder

_BY_KIND: dict[OrderKind, type[_Order]] = {
    OrderKind.AMENDMENT: AmendmentOrder,
    OrderKind.RENEWAL: RenewalOrder,
    OrderKind.CANCELLATION: CancellationOrder,
    OrderKind.WITHDRAWAL: WithdrawalOrder,
}


def order_from_json(text: str | bytes) -> ChangeOrder:
    """An order as it was stored. Raises pydantic.ValidationError."""
    kind = _Kind.model_validate_json(text).kind
    found = _BY_KIND[kind].model_validate_json(text)
    assert isinstance(found, AmendmentOrder | RenewalOrder | CancellationOrder | WithdrawalOrder)  # noqa: S101 - _BY_KIND holds these four
    return found


class _Kind(Carried):
    kind: OrderKind
