"""Terms of quote lines and what part of a price they cost.

Salesforce Help, "Subscription Prorate Precision": with a subscription term, the prorate multiplier
is the effective term divided by the default term; otherwise, with the precision "Month", months are
counted from the start to the end date and a broken month counts whole. Trailhead, "Learn About Date
Fields and Proration": an empty default term counts as twelve months. The other precisions are not
carried.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from dealthread.simulators.salesforce.cpq.vocabulary import EVERGREEN
from dealthread.simulators.salesforce.rules.save import decimal_or_none
from dealthread.simulators.salesforce.schema.model import Row, Value

DEFAULT_TERM = Decimal(12)
_PLACES = Decimal("0.0001")


def effective_start(line: Row, quote: Row) -> Value:
    """The line's start, else the quote's (the package's formula without groups)."""
    return line.get("SBQQ__StartDate__c") or quote.get("SBQQ__StartDate__c")


def effective_end(line: Row, quote: Row) -> Value:
    """The line's last day, else the quote's; none for an evergreen."""
    if line.get("SBQQ__SubscriptionType__c") == EVERGREEN:
        return None
    return line.get("SBQQ__EndDate__c") or quote.get("SBQQ__EndDate__c")


def effective_term(line: Row, quote: Row) -> Decimal | None:
    """The line's term in months, else the quote's."""
    own = decimal_or_none(line.get("SBQQ__SubscriptionTerm__c"))
    return decimal_or_none(quote.get("SBQQ__SubscriptionTerm__c")) if own is None else own


def prorate_multiplier(line: Row, quote: Row) -> Decimal:
    """How many default terms the line lasts; 1 for what is no subscription or has no term."""
    if line.get("SBQQ__SubscriptionPricing__c") is None:
        return Decimal(1)
    if line.get("SBQQ__SubscriptionType__c") == EVERGREEN:
        return Decimal(1)
    months = effective_term(line, quote)
    if months is None:
        start, end = effective_start(line, quote), effective_end(line, quote)
        if not isinstance(start, str) or not isinstance(end, str):
            return Decimal(1)
        months = Decimal(months_between(start, end))
    default = decimal_or_none(line.get("SBQQ__DefaultSubscriptionTerm__c")) or DEFAULT_TERM
    return (months / default).quantize(_PLACES, rounding=ROUND_HALF_UP)


def last_day(line: Row, quote: Row, start: Value) -> Value:
    """When a subscription ends: its last day, or its term after the start."""
    end = effective_end(line, quote)
    months = effective_term(line, quote)
    is_open = line.get("SBQQ__SubscriptionType__c") == EVERGREEN
    if end is not None or is_open or months is None or not isinstance(start, str):
        return end
    return (months_after(date.fromisoformat(start), int(months)) - timedelta(days=1)).isoformat()


def months_between(start: str, end: str) -> int:
    """Months from the first to the last day; a broken month counts whole."""
    first, after = date.fromisoformat(start), date.fromisoformat(end) + timedelta(days=1)
    if after <= first:
        return 0
    whole = (after.year - first.year) * 12 + after.month - first.month
    while months_after(first, whole) < after:
        whole += 1
    while whole > 0 and months_after(first, whole - 1) >= after:
        whole -= 1
    return whole


def months_after(first: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    index = first.month - 1 + months
    year, month = first.year + index // 12, index % 12 + 1
    return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))


def day_after(day: Value) -> str:
    """The day after a date."""
    return (date.fromisoformat(str(day)) + timedelta(days=1)).isoformat()
