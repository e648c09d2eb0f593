"""The obligations of lines, with their part of the transaction price.

A line is an obligation, a bundle's parts are one each. The price goes to them by standalone
selling price, which is the list price (`facts/domain.md` §9.4); where one has none, each line
keeps its stated price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dealthread.domain.catalog import ChargeKind, ConfigSet, ProductMapping
from dealthread.domain.contract import ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.obligation import PerformanceObligation
from dealthread.domain.rounding import exact, money_of
from dealthread.domain.versions.line_tax import product_of
from dealthread.domain.versions.proration import price_periods
from dealthread.domain.versions.refusal import OrderRefused

BY_DAY = ("by_day", "by_day_in_month")
BY_EVENT = ("on_acceptance",)
"""Revenue has no month until the customer has accepted the service."""
BY_PARTS = "by_parts"


@dataclass(frozen=True, slots=True)
class Obligation:
    """A promise, its price and when it is kept. `end` None: one period, or an event."""

    key: str
    line_key: str
    account: str
    rule: str
    price: Money
    start: date
    end: date | None

    @property
    def is_by_event(self) -> bool:
        """Whether its revenue waits for an event."""
        return self.rule in BY_EVENT


@dataclass(frozen=True, slots=True)
class _Part:
    key: str
    line: ContractLine
    account: str
    rule: str
    ssp: Money | None


def obligations_of(
    lines: Sequence[ContractLine], config: ConfigSet, suffix: str = ""
) -> tuple[Obligation, ...]:
    """Obligations of lines sold together, usage left out.

    Raises OrderRefused for a rule of revenue that is not known, and for a bundle whose parts are.
    """
    fixed = [line for line in lines if line.kind != ChargeKind.USAGE]
    groups = [tuple(_parts(line, lines, config, suffix)) for line in fixed]
    found = [part for group in groups for part in group]
    if not found:
        return ()
    if all(part.ssp is not None for part in found):
        prices = _allocated(found, sum_of(fixed))
    else:
        prices = {}
        for line, group in zip(fixed, groups, strict=True):
            prices |= _allocated(group, line.committed_net)
    return tuple(
        Obligation(
            key=part.key,
            line_key=part.line.line_key,
            account=part.account,
            rule=part.rule,
            price=prices[part.key],
            start=part.line.start_date,
            end=part.line.end_date,
        )
        for part in found
    )


def sum_of(lines: Sequence[ContractLine]) -> Money:
    """Committed net of lines; there is at least one."""
    return Money.total((line.committed_net for line in lines), lines[0].committed_net.currency)


def _allocated(found: Sequence[_Part], price: Money) -> dict[str, Money]:
    """One takes it all; several by selling price, which all of them have."""
    if len(found) == 1:
        return {found[0].key: price}
    zero = Money.zero(price.currency)
    promised = [PerformanceObligation(key=one.key, price=zero, ssp=one.ssp) for one in found]
    return dict(allocate(promised, price).amounts)


def _parts(
    line: ContractLine, lines: Sequence[ContractLine], config: ConfigSet, suffix: str
) -> Iterator[_Part]:
    mapping = product_of(line, config, line.start_date)
    key = f"{line.line_key}{suffix}"
    if sum(one.line_key == line.line_key for one in lines) > 1:
        key = f"{key}/{line.start_date.isoformat()}"
    if line.revenue_rule == BY_PARTS:
        yield from _bundled(line, mapping, config, key)
        return
    if line.revenue_rule not in (*BY_DAY, *BY_EVENT):
        raise OrderRefused(
            "revenue_rule_unknown", f"lines.{line.line_key}", f"{line.revenue_rule}: name a rule"
        )
    listed = None if mapping is None else list_price_of(mapping, line.unit_price.currency)
    yield _Part(
        key,
        line,
        line.revenue_account,
        line.revenue_rule,
        _selling_price(
            listed or line.list_price, Fraction(line.quantity), line, line.period_months
        ),
    )


def _bundled(
    line: ContractLine, mapping: ProductMapping | None, config: ConfigSet, key: str
) -> Iterator[_Part]:
    field = f"lines.{line.line_key}"
    if mapping is None or not mapping.parts:
        raise OrderRefused("bundle_parts_missing", field, "name the bundle's parts (products.yaml)")
    for part in mapping.parts:
        product = config.product(part.product, line.start_date)
        if product is None:
            raise OrderRefused("product_unmapped", field, f"map {part.product} (products.yaml)")
        quantity = Fraction(part.quantity) * Fraction(line.quantity)
        listed = list_price_of(product, line.unit_price.currency)
        ssp = _selling_price(listed, quantity, line, product.period_months)
        if ssp is None:
            raise OrderRefused(
                "selling_price_missing", field, f"give {part.product} a list price: it is a part"
            )
        yield _Part(
            f"{key}/{part.product}", line, product.revenue_account, product.revenue_rule, ssp
        )


def _selling_price(
    listed: UnitPrice | None, quantity: Fraction, line: ContractLine, months: int
) -> Money | None:
    """Of a quantity over the line's time, by the list price; None where there is none."""
    if listed is None:
        return None
    times = Fraction(1)
    if months and line.end_date is not None:
        times = price_periods(line.start_date, line.end_date, months)
    found = money_of(exact(listed) * quantity * times, listed.currency)
    return found if found.amount > 0 else None
