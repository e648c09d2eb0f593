"""What the usage of a billing period is worth, and how much of it belongs to each month.

A right to invoice what was used is revenue of the month of use (ASC 606-10-55-18). A period that
lies over a month's end is rated cumulatively: each month has what the period was worth at its end,
less what it was worth before, so that the months sum to the bill, to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from dealthread.domain.money import Money
from dealthread.domain.usage.terms import UsageTerms


def by_month(terms: UsageTerms, used: Mapping[date, Decimal]) -> dict[date, Money]:
    """Quantity by month of one billing period → net by month. Keys are first days of months."""
    found: dict[date, Money] = {}
    quantity, before = Decimal(0), terms.rated(Decimal(0))
    for month in sorted(used):
        quantity += used[month]
        reached = terms.rated(quantity)
        found[month] = reached - before
        before = reached
    return found
