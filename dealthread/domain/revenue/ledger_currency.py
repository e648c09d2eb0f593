"""A schedule in the ledger's currency, at the rate of its document, never remeasured.

Deferred revenue is a non-monetary item: its rate is that of the invoice, or of the receipt where
that came first (ASC 830-10-45-18; IFRIC 22).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from dealthread.domain.money import Money
from dealthread.domain.revenue.schedule import Schedule


def in_ledger_currency(document: Schedule, rate: Decimal, currency: str) -> Schedule:
    """Each month's document amount × rate, rounded half up; the last month takes the remainder to
    the converted total.

    `rate` is ledger units for one document unit. Raises ValueError for a rate that is not positive
    and an unknown currency.
    """
    if rate <= 0:
        raise ValueError(f"rate: {rate} is not positive")
    total = Money.rounded(document.total.amount * rate, currency).to_minor()
    minors = [
        Money.rounded(portion.amount.amount * rate, currency).to_minor()
        for portion in document.portions()
    ]
    minors[-1] += total - sum(minors)
    return replace(document, currency=currency, minors=tuple(minors))
