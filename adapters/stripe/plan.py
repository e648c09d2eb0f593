"""A contract as the biller has to bill it: charges, phases, dates. Pure and vendor-near.

Billing periods start at 00:00 UTC. A recurring line is billed once per billing period at a unit
amount for that period, exact in minor units (Stripe takes twelve decimals).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.deal import TermKind
from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.span import add_months
from dealthread.domain.usage.terms import UsageTerms
from dealthread.errors import StepRejected

MAX_MONTHS = 36
"""Longest billing interval: three years (docs.stripe.com/api/prices/create)."""
MAX_DAYS = 1095
_AMOUNT_PLACES = Decimal("1e-12")

Interval = Literal["day", "month", "year"]


@dataclass(frozen=True)
class Every:
    """How often a charge recurs."""

    interval: Interval
    count: int

    def boundary(self, start: date, periods: int) -> date:
        """Start of a period, counted from the first."""
        if self.interval == "day":
            return date.fromordinal(start.toordinal() + self.count * periods)
        return add_months(start, self.count * periods * (12 if self.interval == "year" else 1))


@dataclass(frozen=True)
class Charge:
    """One line as it is billed. `every` is None for a one-time charge."""

    line_key: str
    product: str
    currency: str
    unit_amount: Decimal
    """Minor units."""
    quantity: int
    tax_code: str
    tax_rate_percent: Decimal
    every: Every | None
    usage: UsageTerms | None = None
    """Charged as used, in arrears, at a price of the catalogue: amount and quantity are nought."""

    @property
    def rate_key(self) -> str:
        """Under which the account's tax rate is looked up: a code has one for each percentage."""
        return f"{self.tax_code} {self.tax_rate_percent.normalize():f} %"


@dataclass(frozen=True)
class Phase:
    """A span with the same recurring charges. `end` is exclusive; None = goes on."""

    start: date
    end: date | None
    recurring: tuple[Charge, ...]
    one_time: tuple[Charge, ...]


@dataclass(frozen=True)
class Plan:
    """All phases in order. `end` is the committed end: only a renewal goes on after it."""

    phases: tuple[Phase, ...]
    end: date | None

    @property
    def start(self) -> date:
        """First day billed."""
        return self.phases[0].start

    @property
    def first(self) -> Phase:
        """The phase of the first invoice."""
        return self.phases[0]

    def needs_schedule(self, now: datetime) -> bool:
        """Whether one subscription cannot hold it: several phases, or a start to come."""
        return len(self.phases) > 1 or midnight(self.start) > now

    def cycle(self) -> Every:
        """The shortest interval of the first phase: the anchor may lie at most that far ahead."""
        return min(
            (charge.every for charge in self.first.recurring if charge.every),
            key=lambda every: every.boundary(self.start, 1),
        )

    def next_boundary(self, now: datetime) -> date:
        """Start of the next billing period, so that the first bill covers whole periods."""
        every = self.cycle()
        periods = 1
        while midnight(every.boundary(self.start, periods)) <= now:
            periods += 1
        return every.boundary(self.start, periods)


def midnight(day: date) -> datetime:
    """00:00 UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def timestamp(day: date) -> int:
    """00:00 UTC in seconds."""
    return int(midnight(day).timestamp())


def plan_of(contract: Contract) -> Plan:
    """Raises StepRejected for terms that Stripe cannot hold."""
    fixed = contract.term_kind is TermKind.FIXED
    end = (contract.committed_until or contract.end_date) if fixed else None
    recurring = [line for line in contract.lines if line.kind in ("recurring", "usage")]
    one_time = [line for line in contract.lines if line.kind == "one_time"]
    if any(line.kind == "usage" and line.usage is None for line in recurring):
        raise refused("usage_price_not_supported", "lines.kind", "catalogue.unmapped")
    if not any(line.kind == "recurring" for line in recurring):
        raise refused("no_recurring_line", "lines")
    cuts = {contract.start_date}
    for line in recurring:
        cuts.add(line.start_date)
        if line.end_date is not None:
            cuts.add(line.end_date)
    cuts.update(line.start_date for line in one_time)
    starts = sorted(cut for cut in cuts if end is None or cut < end)
    if starts[0] < contract.start_date:
        raise refused("line_starts_before_contract", "lines.start_date")
    phases = []
    for index, start in enumerate(starts):
        until = starts[index + 1] if index + 1 < len(starts) else end
        phases.append(_phase(contract, start, until, end, recurring, one_time))
    return Plan(tuple(phases), end)


def _phase(
    contract: Contract,
    start: date,
    until: date | None,
    end: date | None,
    recurring: list[ContractLine],
    one_time: list[ContractLine],
) -> Phase:
    held = [
        line
        for line in recurring
        if line.start_date <= start and (line.end_date is None or line.end_date > start)
    ]
    if not held:
        raise refused("gap_without_recurring_line", "lines.start_date")
    return Phase(
        start,
        until,
        tuple(recurring_charge(contract, line, end) for line in held),
        tuple(
            charge_of(line, line.unit_price.amount, None)
            for line in one_time
            if line.start_date == start
        ),
    )


def recurring_charge(contract: Contract, line: ContractLine, end: date | None) -> Charge:
    """A line as a charge of its own span."""
    if line.kind == "usage":
        return usage_charge(contract, line)
    line_end = line.end_date or end
    every = interval_of(contract, line.start_date, line_end)
    # What a bill for the whole span must come to; its share per unit.
    committed = line.committed_net.amount / line.quantity
    if every.interval == "day":
        return charge_of(line, committed, every)
    months = every.count * (12 if every.interval == "year" else 1)
    unit = line.unit_price.amount * Decimal(months) / Decimal(line.period_months)
    billed_once = every.boundary(line.start_date, 1) == line_end
    if billed_once and Money.rounded(unit * line.quantity, contract.currency) != line.committed_net:
        # A part of a price period, counted in days by the contract.
        unit = committed
    return charge_of(line, unit, every)


def usage_charge(contract: Contract, line: ContractLine) -> Charge:
    """A line that is charged as used: what it costs is the catalogue's price, which has to be what
    the contract agreed. Raises StepRejected for terms that were never priced."""
    if line.usage is None:
        raise refused("usage_price_not_supported", "lines.kind", "catalogue.unmapped")
    if line.unit_price.amount != line.usage.first_charged:
        raise refused("usage_price_not_of_the_list", "lines.unit_price")
    months = contract.billing_frequency.months
    if not months:
        raise refused("usage_in_a_prepaid_term", "billing_frequency")
    return Charge(
        line_key=line.line_key,
        product=line.billing_product,
        currency=line.unit_price.currency.lower(),
        unit_amount=Decimal(0),
        quantity=0,
        tax_code=line.tax.code,
        tax_rate_percent=line.tax.applied_rate,
        every=_every_months(months),
        usage=line.usage,
    )


def interval_of(contract: Contract, start: date, line_end: date | None) -> Every:
    """The billing frequency; for a prepaid term, or a term shorter than it, the whole span."""
    months = contract.billing_frequency.months
    if months and (line_end is None or add_months(start, months) <= line_end):
        return _every_months(months)
    if line_end is None:
        raise refused("prepaid_term_without_end", "billing_frequency")
    span = (line_end.year - start.year) * 12 + line_end.month - start.month
    if span > 0 and add_months(start, span) == line_end:
        return _every_months(span)
    days = (line_end - start).days
    if days > MAX_DAYS:
        raise refused("billing_period_longer_than_three_years", "billing_frequency")
    return Every("day", days)


def _every_months(months: int) -> Every:
    if months > MAX_MONTHS:
        raise refused("billing_period_longer_than_three_years", "billing_frequency")
    return Every("year", months // 12) if months % 12 == 0 else Every("month", months)


def charge_of(line: ContractLine, unit_price: Decimal, every: Every | None) -> Charge:
    """A line at a unit price for one billing period. Raises StepRejected."""
    if line.quantity != line.quantity.to_integral_value():
        raise refused("quantity_not_whole", "lines.quantity")
    minor = unit_price.scaleb(EXPONENTS[line.unit_price.currency])
    exact = minor.quantize(_AMOUNT_PLACES, ROUND_HALF_UP)
    return Charge(
        line_key=line.line_key,
        product=line.billing_product,
        currency=line.unit_price.currency.lower(),
        # Plain digits: the SDK sends str(Decimal), and 2.7E+4 is not what Stripe reads.
        unit_amount=Decimal(f"{exact.normalize():f}"),
        quantity=int(line.quantity),
        tax_code=line.tax.code,
        tax_rate_percent=line.tax.applied_rate,
        every=every,
    )


def refused(code: str, field: str, case_kind: str = "deal.invalid_terms") -> StepRejected:
    """Terms that the biller cannot hold."""
    return StepRejected(code, case_kind=case_kind, field=field)
