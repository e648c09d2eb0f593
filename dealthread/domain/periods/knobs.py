"""The choices by which billing systems differ on purpose. Each is one field of a convention."""

from __future__ import annotations

from enum import StrEnum


class PeriodEnd(StrEnum):
    """How a service that ends is counted."""

    HALF_OPEN = "half_open"
    """The day of the end is not served: 1 January to 1 February is 31 days."""
    LAST_DAY_INCLUSIVE = "last_day_inclusive"
    """The day on which a service is ended is still served and paid."""
    TO_THE_SECOND = "to_the_second"
    """Instants, not days."""


class DayCount(StrEnum):
    """What a part of a period is divided by."""

    ALIGNED_PERIOD = "aligned_period"
    """Days of the part over days of the whole period it lies in."""
    ACTUAL_MONTH = "actual_month"
    """Days over the days of the month, from cycle day to cycle day, that they lie in."""
    ACTUAL_360 = "actual_360"
    """Actual days over 30 a month: 29 February days are 29/30, a part of 31 days is 31/30."""
    THIRTY_360 = "thirty_360"
    """Each month has 30 days: its last day is the 30th, a 31st weighs nothing."""
    YEAR_365 = "year_365"
    """Days over 365 a year, leap year or not."""
    YEAR_ACTUAL = "year_actual"
    """Days over 365 or 366, the days of the year that begins with the period."""
    FIXED_30 = "fixed_30"
    """Over 30 a month, and each month end passed counts as one of 30 days: 23 May to 15 June and
    23 February to 15 March are both 22/30. Never more than the whole."""


class LongPeriod(StrEnum):
    """How a part of a period longer than a month is counted."""

    MONTHS_THEN_DAYS = "months_then_days"
    """Whole months first, each the same; only the rest by day."""
    DAYS_ONLY = "days_only"
    """All by day."""
    MONTHS_UP = "months_up"
    """Whole months; a begun month counts in full."""


class CycleDay(StrEnum):
    """From which day periods are counted when nobody says otherwise."""

    ANNIVERSARY = "anniversary"
    """The day the service starts."""
    FIXED_DAY = "fixed_day"
    """A day of the month, 1 to 31; a month without it uses its last day."""


class LeadingStub(StrEnum):
    """Where the first whole period begins when the service starts off the cycle day."""

    NEXT_CYCLE_DAY = "next_cycle_day"
    """On the next such day of any month."""
    WHOLE_PERIOD = "whole_period"
    """On the day in the starting month or, when it has passed, a whole period later."""


class StubWhole(StrEnum):
    """The whole period that a stub before the cycle's anchor is a part of; a stub after the
    anchor (a line added in a running period) is always a part of the running one."""

    ALIGNED = "aligned"
    """The one that ends where the stub ends."""
    FROM_START = "from_start"
    """One imagined from the start of the service."""


class Rounding(StrEnum):
    """When amounts are rounded."""

    PER_LINE = "per_line"
    """Each line by itself; the sum is of rounded lines."""
    CUMULATIVE = "cumulative"
    """Amounts from the start of the period are rounded; a part is a difference of two."""
    NET_THEN_TAX = "net_then_tax"
    """Each net is rounded, then tax is taken of the rounded net."""


class Remainder(StrEnum):
    """Which part takes what rounding left over when an amount is split."""

    FIRST = "first"
    LAST = "last"
    LARGEST = "largest"
    LAST_FULL = "last_full"
    """The last part that is a whole period; the last part where there is none."""


class CreditBasis(StrEnum):
    """What a credit for unused service is a part of."""

    BILLED = "billed"
    """What was really billed, less what was credited before."""
    CURRENT_PRICE = "current_price"
    """The price and quantity in force now."""


class CreditMeasure(StrEnum):
    """How a credit is measured."""

    UNUSED = "unused"
    """The share of the unused part."""
    BILLED_LESS_USED = "billed_less_used"
    """What was billed less the charge for the used part."""


class PaidCredit(StrEnum):
    """What happens to a credit of something paid; the unpaid gets a credit memo in any case."""

    BALANCE = "balance"
    REFUND = "refund"


class DayZone(StrEnum):
    """Whose calendar day an instant falls on."""

    CUSTOMER = "customer"
    UTC = "utc"


class ContractModification(StrEnum):
    """How a change of a contract is treated under ASC 606-10-25-10 to 25-13."""

    BY_TABLE = "by_table"
    """Per change and performance obligation, by the table of rows M0 to M14."""
    OVERRIDDEN = "overridden"
    """By the revenue role, with a reason."""


class RevenueSchedule(StrEnum):
    """How revenue is spread over time."""

    BY_DAY = "by_day"
    EVEN_MONTHS = "even_months"
    EVEN_MONTHS_PRORATED_ENDS = "even_months_prorated_ends"
    MILESTONE = "milestone"
    AS_BILLED = "as_billed"
