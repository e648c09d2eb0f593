"""The form of a contract with changes, as people and programs write it down (docs/money.md).

Amounts and quantities are text: a JSON number may have passed through a binary float.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import RevenueSchedule, Rounding
from dealthread.domain.periods.moment import zone_of
from dealthread.domain.periods.presets import PRESETS
from dealthread.domain.pricing.price import PerUnitPrice, Price
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.modification import ChangeKind, ScopeReason
from dealthread.domain.revenue.posting import PeriodState
from dealthread.domain.revenue.spread import Remainder

MOST_YEARS = 50
"""A longer term is a mistyped date."""
YEARS = range(1970, 2200)
"""Of a day that a person meant."""


def _text(value: Any) -> Any:
    if not isinstance(value, str | Decimal):
        raise ValueError('write the number as text, like "12.50"')
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError("a day is text, like 2026-07-01")
    day = date.fromisoformat(value)
    if day.year not in YEARS:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[-1]} is needed")
    return day


Number = Annotated[ExactDecimal, BeforeValidator(_text), Field(gt=-(10**12), lt=10**12)]
"""Wide enough for any price; a larger one is mistyped, and its product would not fit a column."""
Percent = Annotated[Number, Field(ge=0, le=100)]
Quantity = Annotated[Number, Field(ge=0, lt=10**10, decimal_places=12)]
NotNegative = Annotated[Number, Field(ge=0, decimal_places=12)]
Positive = Annotated[Number, Field(gt=0, decimal_places=12)]
Day = Annotated[date, BeforeValidator(_day)]
Truth = Annotated[bool, Field(strict=True)]
Key = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/]+$")]
"""Without a slash: `line/change` names what a change adds."""

HOUSE = Convention(name="house", source="half-open days over the days of the period, half up")
"""What a form that names no convention is computed under."""


ELSEWHERE = {
    ChangeKind.EXTEND: "is told as a line of its own for the added time",
    ChangeKind.RENEW: "is told as a contract of its own",
    ChangeKind.VARIABLE_ESTIMATE: "has no price here",
}
"""Kinds of change that this form does not hold, and what to do instead."""


_METHODS = {
    RevenueSchedule.BY_DAY: Method.BY_DAY,
    RevenueSchedule.EVEN_MONTHS: Method.EVEN_PERIODS,
    RevenueSchedule.EVEN_MONTHS_PRORATED_ENDS: Method.PRORATED_ENDS,
    RevenueSchedule.MILESTONE: Method.BY_DAY,
    RevenueSchedule.AS_BILLED: Method.BY_DAY,
}
"""A convention's rule for a service over time; milestones and usage are facts of a line."""


class ChargeKind(StrEnum):
    """How a line is charged."""

    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"


class UsageRecord(Frozen):
    """Units used up to and with a day; rated and billed the day after."""

    until: Day
    quantity: Quantity


class MilestoneForm(Frozen):
    """A milestone that was reached, with its weight among those of the line."""

    reached_on: Day
    weight: int = Field(strict=True, default=1, ge=1)


class SellingPrice(Frozen):
    """What one unit and price period costs alone, and finance's range of it."""

    unit: Positive
    low: Positive | None = None
    high: Positive | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.high or self.unit) < (self.low or self.unit):
            raise ValueError("high: below low")
        return self


class LineForm(Frozen):
    """One line of the contract. Exactly one of `unit_price` and `price` is given."""

    key: Key
    description: str = ""
    charge: ChargeKind = ChargeKind.RECURRING
    quantity: Quantity = Decimal(1)
    unit_price: NotNegative | None = None
    price: Price | None = None
    """A price model: flat, per_unit, graduated, volume, package, usage."""
    per_months: int = Field(strict=True, default=12, ge=1, le=600)
    """Months that the price pays for."""
    start: Day | None = None
    end: Day | None = None
    tax_percent: Percent = Decimal(0)
    """Of the charge, as the seller's ledger has it."""
    selling_price: SellingPrice | None = None
    is_pass_through: Truth = False
    revenue: Method | None = None
    """Left out: usage as rated, milestones when reached, otherwise as the convention says."""
    milestones: tuple[MilestoneForm, ...] = ()
    usage: tuple[UsageRecord, ...] = ()
    account: str = "4000"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.unit_price is None) is (self.price is None):
            raise ValueError("unit_price: give it or a price model, not both")
        if self.start and self.end and self.end <= self.start:
            raise ValueError("end: not after the start")
        is_usage, method = self.charge is ChargeKind.USAGE, self.revenue
        if method and (method is Method.USAGE) is not is_usage:
            raise ValueError("revenue: usage belongs to charges of usage, and to these alone")
        if method and (method is Method.MILESTONE) is not bool(self.milestones):
            raise ValueError("milestones: belong to revenue by milestone, and to it alone")
        if is_usage and self.milestones:
            raise ValueError("milestones: do not belong to charges of usage")
        if self.usage and not is_usage:
            raise ValueError("usage: belongs to charges of usage")
        if any(after.until <= before.until for before, after in pairwise(self.usage)):
            raise ValueError("usage: its days are not in order")
        return self

    def method(self, rules: Convention) -> Method:
        """How its revenue is spread."""
        if self.revenue is not None:
            return self.revenue
        if self.charge is ChargeKind.USAGE:
            return Method.USAGE
        return Method.MILESTONE if self.milestones else _METHODS[rules.revenue_schedule]

    def price_in(self, currency: str, unit_price: Decimal | None = None) -> Price:
        """The price model; a plain unit price is per unit."""
        plain = self.unit_price if unit_price is None else unit_price
        if plain is not None:
            return PerUnitPrice(unit_price=UnitPrice.of(plain, currency))
        assert self.price is not None  # noqa: S101 - validated above
        return self.price


class ChangeForm(Frozen):
    """One change of one line; accepted when both sides had approved it, effective in service."""

    key: Key
    line: Key
    kind: ChangeKind
    effective_on: Day
    accepted_on: Day | None = None
    """Left out while one side has not approved: then nothing follows from it."""
    quantity: Quantity | None = None
    """After the change."""
    unit_price: NotNegative | None = None
    """After the change."""
    reason: ScopeReason = ScopeReason.CUSTOMER_REQUEST
    is_distinct: Truth = True

    @property
    def documented_on(self) -> date:
        """Day of its document: nothing is issued before both sides agreed or it took effect."""
        return max(self.accepted_on or self.effective_on, self.effective_on)


class AccountsForm(Frozen):
    """Accounts of the seller's ledger."""

    receivable: str = "1100"
    unbilled: str = "1150"
    credit_balance: str = "2210"
    deferred: str = "2300"
    tax: str = "2120"


class PeriodForm(Frozen):
    """An accounting period; `end` is the first day after it."""

    start: Day
    end: Day
    state: PeriodState

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end: not after the start")
        return self


class ContractForm(Frozen):
    """A contract with its changes."""

    contract: Key
    legal_entity: Key
    currency: CurrencyCode
    start: Day
    end: Day
    """First day not served; for an evergreen contract the day up to which it is told."""
    is_evergreen: Truth = False
    """Committed one billing period at a time: revenue is scheduled by period."""
    convention: str = HOUSE.name
    time_zone: str = "UTC"
    billing_months: int = Field(strict=True, default=12, ge=1, le=600)
    cycle_day: int | None = Field(strict=True, default=None, ge=1, le=31)
    timing: BillingTiming = BillingTiming.ADVANCE
    days_until_due: int = Field(strict=True, default=0, ge=0, le=3650)
    unpaid_from: Day | None = None
    """Documents issued from this day on are not paid yet; left out, all are."""
    remainder: Remainder | None = None
    """Of rounding a schedule; left out, as the convention says."""
    lines: Annotated[tuple[LineForm, ...], Field(min_length=1, max_length=10_000)]
    changes: tuple[ChangeForm, ...] = ()
    accounts: AccountsForm = AccountsForm()
    periods: tuple[PeriodForm, ...] = ()
    """The seller's accounting periods; without any, all are open."""
    posting_threshold: Number = Decimal(0)
    """A document below it that falls into a closed period is posted in the next open one."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end: not after the start")
        if (self.end - self.start).days > MOST_YEARS * 366:
            raise ValueError(f"end: more than {MOST_YEARS} years after the start")
        self.rules()
        try:
            zone_of(self.time_zone)
        except (ValueError, OSError):
            raise ValueError(f"time_zone: {self.time_zone!r} is not a known IANA name") from None
        lines = {line.key: line for line in self.lines}
        if len(lines) < len(self.lines):
            raise ValueError("lines: a key stands twice")
        if len({change.key for change in self.changes}) < len(self.changes):
            raise ValueError("changes: a key stands twice")
        for at, line in enumerate(self.lines):
            self._refuse_line(f"lines.{at}", line)
        for at, change in enumerate(self.changes):
            self._refuse_change(f"changes.{at}", change, lines.get(change.line))
        return self

    def _refuse_line(self, where: str, line: LineForm) -> None:
        start, end = self.term_of(line)
        if not self.start <= start < end <= self.end:
            raise ValueError(f"{where}.start, end: outside the contract's term")
        if any(not start <= record.until < end for record in line.usage):
            raise ValueError(f"{where}.usage: outside the line's term")
        if line.price is not None and line.price.currency != self.currency:
            raise ValueError(f"{where}.price: in {line.price.currency}, not {self.currency}")

    def _refuse_change(self, where: str, change: ChangeForm, line: LineForm | None) -> None:
        if line is None:
            raise ValueError(f"{where}.line: {change.line!r} is no line of the contract")
        if line.charge is not ChargeKind.RECURRING:
            raise ValueError(f"{where}.line: {change.line!r} does not recur")
        if change.kind in ELSEWHERE:
            raise ValueError(f"{where}.kind: {change.kind} {ELSEWHERE[change.kind]}")
        start, end = self.term_of(line)
        if not start <= change.effective_on < end:
            raise ValueError(f"{where}.effective_on: outside the term of {change.line!r}")

    def rules(self) -> Convention:
        """The convention. Raises ValueError for a name that is not known."""
        if self.convention == HOUSE.name:
            return HOUSE
        if self.convention not in PRESETS:
            names = ", ".join((HOUSE.name, *PRESETS))
            raise ValueError(f"convention: {self.convention!r} is none of {names}")
        return PRESETS[self.convention]

    def rest(self) -> Remainder:
        """Where the remainder of rounding a schedule goes."""
        if self.remainder is not None:
            return self.remainder
        rules = self.rules()
        if rules.rounding is Rounding.CUMULATIVE:
            return Remainder.CUMULATIVE
        return Remainder(rules.remainder.value)

    def term_of(self, line: LineForm) -> tuple[date, date]:
        """[start, end) of a line: its own, else the contract's."""
        return line.start or self.start, line.end or self.end

    def zero(self) -> Money:
        """Nothing, in its currency."""
        return Money.zero(self.currency)
