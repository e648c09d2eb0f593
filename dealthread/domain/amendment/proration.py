"""The price of a part of a billing period."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import CreditMeasure, Rounding
from dealthread.domain.periods.moment import Span
from dealthread.domain.periods.schedule import BillingPeriod
from dealthread.domain.rounding import money_of


def part_price(
    part: Span,
    period: BillingPeriod,
    unit_price: UnitPrice,
    quantity: Decimal,
    convention: Convention,
    factor: Fraction = Fraction(1),
) -> Money:
    """Quantity at the price for the part, rounded once.

    Under cumulative rounding, and where the rest is what the used part leaves, the amount is the
    difference of two amounts from the start of the period, so the parts add up to the whole.
    """
    full = Fraction(unit_price.amount) * Fraction(quantity) * factor
    currency, mode = unit_price.currency, convention.rounding_mode

    def priced(span: Span) -> Money:
        return money_of(full * period.share(convention, span), currency, mode)

    reaches_end = part.end == period.span.end
    by_difference = convention.rounding is Rounding.CUMULATIVE or (
        reaches_end and convention.credit_measure is CreditMeasure.BILLED_LESS_USED
    )
    start = period.span.start
    if not by_difference or part.start <= start:
        return priced(part)
    return priced(Span(start=start, end=part.end)) - priced(Span(start=start, end=part.start))
