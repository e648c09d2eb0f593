"""A usage event as it was sent, what its contract makes of it, and why it is refused. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from dealthread.domain.contract import Contract, ContractLine, ContractState
from dealthread.domain.policy import Policy
from dealthread.domain.recognition.rows import first_of
from dealthread.domain.usage.period import day_of, period_of, usage_lines

EVENT_TYPE = "dealthread.usage.recorded.v1"
"""Of the CloudEvents that are taken in."""
MOST_UNITS = Decimal(10) ** 12
"""Of one event: sums of very many of them stay exact."""
_IN_SERVICE = (ContractState.ACTIVE, ContractState.ENDED)


@dataclass(frozen=True)
class SentUsage:
    """What an event says, well formed."""

    source: str
    event_id: str
    contract_key: str
    occurred_at: datetime
    meter: str
    quantity: Decimal
    unit: str = ""
    line_key: str = ""

    def content_hash(self) -> str:
        """Of what it says: a repeat says the same, whatever its zone and its trailing noughts."""
        told = (
            self.contract_key,
            self.occurred_at.astimezone(UTC).isoformat(),
            self.meter,
            f"{self.quantity.normalize():f}",
            self.unit,
            self.line_key,
        )
        return hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class UsageEvent:
    """One event that fits its contract, with what follows from it."""

    source: str
    event_id: str
    content_hash: str
    quantity: Decimal
    occurred_at: datetime
    contract_key: str
    line_key: str
    meter: str
    period_start: date
    period_end: date
    month: date
    seller: str
    billing_account: str
    customer_key: str


@dataclass(frozen=True)
class Refusal:
    """Why an event is not taken in: which field, and what to do."""

    code: str
    field: str
    action: str


def fitted(
    sent: SentUsage,
    contract: Contract,
    state: ContractState,
    now: datetime,
    policy: Policy,
) -> UsageEvent | Refusal:
    """The event as its contract counts it. `now` is business time."""
    if state not in _IN_SERVICE:
        return Refusal(
            "contract_not_in_service",
            "subject",
            f"the contract is {state.value}: send what is used once it is active",
        )
    if sent.occurred_at > now + timedelta(minutes=policy.usage_future_minutes):
        return Refusal(
            "time_in_future",
            "time",
            f"it lies more than {policy.usage_future_minutes} minutes ahead: set the clock of the "
            "sender, then send it again",
        )
    day = day_of(sent.occurred_at)
    line = _line(sent, contract, day)
    if isinstance(line, Refusal):
        return line
    terms = line.usage
    if terms is None:
        return Refusal(
            "usage_not_priced",
            "data.meter",
            "the contract's line has no price of usage: map it (config/products.yaml) and amend it",
        )
    if sent.unit and sent.unit != terms.unit:
        return Refusal("unit_differs", "data.unit", f"the meter counts in {terms.unit}")
    exponent = sent.quantity.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > terms.quantity_decimals:
        return Refusal(
            "too_many_decimals",
            "data.quantity",
            f"at most {terms.quantity_decimals} decimals of a {terms.unit}",
        )
    period = period_of(contract, line, day)
    if now > _taken_until(period.end, policy):
        return Refusal(
            "period_billed",
            "time",
            f"its billing period ended on {period.end} and is billed: agree with billing how it is "
            "charged, it is not counted",
        )
    return UsageEvent(
        source=sent.source,
        event_id=sent.event_id,
        content_hash=sent.content_hash(),
        quantity=sent.quantity,
        occurred_at=sent.occurred_at,
        contract_key=contract.key,
        line_key=line.line_key,
        meter=sent.meter,
        period_start=period.start,
        period_end=period.end,
        month=first_of(day),
        seller=contract.seller,
        billing_account=contract.billing_account,
        customer_key=contract.customer_key,
    )


def _taken_until(period_end: date, policy: Policy) -> datetime:
    """Until its bill goes out; by policy for some days more, for a person to charge."""
    ended = datetime.combine(period_end, time(0), UTC)
    if policy.usage_after_bill_days:
        return ended + timedelta(days=policy.usage_after_bill_days)
    return ended + timedelta(minutes=policy.usage_late_minutes)


def _line(sent: SentUsage, contract: Contract, day: date) -> ContractLine | Refusal:
    lines = usage_lines(contract, day)
    if not lines:
        return Refusal(
            "nothing_counted_then",
            "time",
            f"the contract has no line of usage on {day}: check the time and the contract",
        )
    found = [
        line
        for line in lines
        if (line.usage is None or line.usage.meter == sent.meter)
        and sent.line_key in ("", line.line_key)
    ]
    if not found:
        meters = sorted({line.usage.meter for line in lines if line.usage})
        return Refusal(
            "meter_unknown",
            "data.line" if sent.line_key else "data.meter",
            f"on {day} the contract counts: {', '.join(meters) or 'nothing'}",
        )
    if len(found) > 1:
        keys = ", ".join(line.line_key for line in found)
        return Refusal("line_not_clear", "data.line", f"name one of {keys}")
    return found[0]
