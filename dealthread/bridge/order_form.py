"""Bodies of orders as the process API takes them, and the orders that they make.

Money and quantities are strings; what a body does not know is refused.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from dealthread.bridge.free_text import Code, Words, storable
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    CancellationReason,
    ChangeOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.money import ExactDecimal, UnitPrice
from dealthread.domain.revenue.modification import ScopeReason
from dealthread.errors import BadInput
from dealthread.naming import (
    amendment_id,
    cancellation_id,
    is_salesforce_id,
    line_key,
    order_source_id,
    renewal_id,
    salesforce_id_18,
    withdrawal_id,
)

_FIRST, _LAST = date(1990, 1, 1), date(2199, 12, 31)
_PLACES = 12
_DIGITS = 9
"""Most digits of a quantity before the point; a price has up to `_PLACES`. Their product over a
term stays within what a sum of money holds."""
_PERCENT_DIGITS = 4
"""A longer percentage is a slip of the hand."""


def _within_reach(day: date) -> date:
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"a day from {_FIRST} to {_LAST} is needed")
    return day


def _shortest(number: Decimal, digits: int) -> Decimal:
    """Without trailing zeros: 130.0 orders what 130 does."""
    exponent = int(number.as_tuple().exponent)
    if exponent < -_PLACES or (number and number.adjusted() >= digits):
        raise ValueError(f"at most {digits} digits before the point and {_PLACES} after it")
    return Decimal(f"{number.normalize():f}")


def _sane(number: Decimal) -> Decimal:
    return _shortest(number, _DIGITS)


def _sane_percent(number: Decimal) -> Decimal:
    return _shortest(number, _PERCENT_DIGITS)


def _sane_price(price: UnitPrice) -> UnitPrice:
    return UnitPrice.of(_shortest(price.amount, _PLACES), price.currency)


def _deal(deal_id: str) -> str:
    if not is_salesforce_id(deal_id):
        raise ValueError("give the opportunity's 18-character id")
    return salesforce_id_18(deal_id)


Day = Annotated[date, AfterValidator(_within_reach)]
Number = Annotated[ExactDecimal, AfterValidator(_sane)]
Percent = Annotated[ExactDecimal, AfterValidator(_sane_percent)]
Price = Annotated[UnitPrice, AfterValidator(_sane_price)]
DealId = Annotated[str, AfterValidator(_deal)]
SourceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
"""The caller's own id of an order: letters, digits, `.`, `_`, `-`."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source_id: SourceId | None = None
    """The caller's own id; without one, the same order twice is one change."""
    accepted_on: Day | None = None
    """Day on which both sides agreed; today unless given."""
    base_version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    reason: Words = ""
    again: bool = False
    """Run anew an order that ended compensated or cancelled."""

    def source(self) -> str:
        """Its id at its source."""
        if self.source_id is not None:
            return self.source_id
        said = self.model_dump(mode="json", exclude={"source_id", "accepted_on", "again"})
        return order_source_id(json.dumps(said, sort_keys=True, separators=(",", ":")))


class LineBody(BaseModel):
    """One line. Quantity and price are those after the change."""

    model_config = ConfigDict(extra="forbid")

    action: LineAction
    line_key: Code = ""
    """Of an added line it may be left out."""
    product_code: Code = ""
    quantity: Number | None = None
    unit_price: Price | None = None
    end_date: Day | None = None


Lines = Annotated[list[LineBody], Field(max_length=200)]


def _lines(given: list[LineBody], contract: Contract, source: str) -> tuple[LineOrder, ...]:
    return tuple(
        LineOrder(
            action=line.action,
            line_key=line.line_key
            or (line_key(contract.org, f"{source}/{at}") if line.action is LineAction.ADD else ""),
            product_code=line.product_code,
            quantity=line.quantity,
            unit_price=line.unit_price,
            end_date=line.end_date,
        )
        for at, line in enumerate(given)
    )


class AmendmentBody(_Body):
    """Lines and terms that change within the running term."""

    timing: ChangeTiming = ChangeTiming.NOW
    effective_from: Day | None = None
    lines: Lines = []
    payment_terms: Code = ""
    regional_deals: Annotated[list[DealId], Field(max_length=20)] = []
    scope_reason: ScopeReason = ScopeReason.CUSTOMER_REQUEST

    def order(self, contract: Contract, today: date) -> ChangeOrder:
        """As it is stored."""
        return AmendmentOrder(
            change_id=amendment_id(contract.key, self.source()),
            contract_key=contract.key,
            accepted_on=self.accepted_on or today,
            base_version=self.base_version,
            reason=self.reason,
            timing=self.timing,
            effective_from=self.effective_from,
            lines=_lines(self.lines, contract, self.source()),
            payment_terms=self.payment_terms,
            regional_deals=tuple(self.regional_deals),
            scope_reason=self.scope_reason,
        )


class RenewalBody(_Body):
    """What follows the present term; a term is renewed, or not, once."""

    decision: RenewalDecision = RenewalDecision.ACCEPT
    term_months: Annotated[int, Field(ge=1, le=240)] | None = None
    uplift_percent: Percent | None = None
    lines: Lines = []

    def order(self, contract: Contract, today: date) -> ChangeOrder:
        """As it is stored. Raises BadInput for a contract without a term."""
        if contract.end_date is None:
            raise BadInput(
                "evergreen", field="contract_key", action="a contract without end is not renewed"
            )
        if self.decision is RenewalDecision.AUTOMATIC:
            raise BadInput(
                "not_for_people", field="decision", action="accept or decline; silence is not asked"
            )
        return RenewalOrder(
            change_id=renewal_id(contract.key, contract.end_date),
            contract_key=contract.key,
            accepted_on=self.accepted_on or today,
            base_version=self.base_version,
            reason=self.reason,
            decision=self.decision,
            term_months=self.term_months,
            uplift_percent=self.uplift_percent,
            lines=_lines(self.lines, contract, self.source()),
        )


class CancellationBody(_Body):
    """The contract ends before its term, or is not continued after it."""

    timing: ChangeTiming
    effective_from: Day | None = None
    cause: CancellationReason = CancellationReason.CUSTOMER_REQUEST
    credit_unused: bool = True
    refund: bool = False

    def order(self, contract: Contract, today: date) -> ChangeOrder:
        """As it is stored."""
        return CancellationOrder(
            change_id=cancellation_id(contract.key, self.source()),
            contract_key=contract.key,
            accepted_on=self.accepted_on or today,
            base_version=self.base_version,
            reason=self.reason,
            timing=self.timing,
            effective_from=self.effective_from,
            cause=self.cause,
            credit_unused=self.credit_unused,
            refund=self.refund,
        )


class WithdrawalBody(BaseModel):
    """Takes back a change that was accepted and has not taken effect."""

    model_config = ConfigDict(extra="forbid")

    change_id: Annotated[
        str, StringConstraints(min_length=1, max_length=108), AfterValidator(storable)
    ]
    accepted_on: Day | None = None
    reason: Words = ""
    again: bool = False

    def order(self, contract: Contract, today: date) -> ChangeOrder:
        """As it is stored."""
        return WithdrawalOrder(
            change_id=withdrawal_id(self.change_id),
            contract_key=contract.key,
            accepted_on=self.accepted_on or today,
            reason=self.reason,
            target=self.change_id,
        )


OrderBody = AmendmentBody | RenewalBody | CancellationBody | WithdrawalBody
