"""A convention: the full set of choices a calculation runs under, by name."""

from __future__ import annotations

from datetime import UTC, date
from zoneinfo import ZoneInfo

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.periods.knobs import (
    ContractModification,
    CreditBasis,
    CreditMeasure,
    CycleDay,
    DayCount,
    DayZone,
    LeadingStub,
    LongPeriod,
    PaidCredit,
    PeriodEnd,
    Remainder,
    RevenueSchedule,
    Rounding,
    StubWhole,
)
from dealthread.domain.periods.moment import day_in, is_instant, start_of, zone_of
from dealthread.domain.rounding import RoundingMode


class Convention(Frozen):
    """How periods, parts, amounts, credits and revenue are counted.

    Raises ValueError for choices that contradict one another.
    """

    name: str
    source: str = ""
    """Where the choices come from; every working quotes the name."""
    period_end: PeriodEnd = PeriodEnd.HALF_OPEN
    day_count: DayCount = DayCount.ALIGNED_PERIOD
    cycle_day: CycleDay = CycleDay.ANNIVERSARY
    leading_stub: LeadingStub = LeadingStub.NEXT_CYCLE_DAY
    stub_whole: StubWhole = StubWhole.ALIGNED
    long_period: LongPeriod = LongPeriod.DAYS_ONLY
    rounding: Rounding = Rounding.PER_LINE
    rounding_mode: RoundingMode = RoundingMode.HALF_UP
    remainder: Remainder = Remainder.LAST
    credit_basis: CreditBasis = CreditBasis.BILLED
    credit_measure: CreditMeasure = CreditMeasure.UNUSED
    paid_credit: PaidCredit = PaidCredit.BALANCE
    day_zone: DayZone = DayZone.UTC
    contract_modification: ContractModification = ContractModification.BY_TABLE
    revenue_schedule: RevenueSchedule = RevenueSchedule.BY_DAY

    @model_validator(mode="after")
    def _agrees(self) -> Convention:
        if self.period_end is PeriodEnd.TO_THE_SECOND:
            if self.day_count is not DayCount.ALIGNED_PERIOD:
                raise ValueError("day_count: seconds are counted over the aligned period only")
            if self.long_period is not LongPeriod.DAYS_ONLY:
                raise ValueError("long_period: seconds know no months")
        return self

    @property
    def counts_seconds(self) -> bool:
        """Whether it bills by instants."""
        return self.period_end is PeriodEnd.TO_THE_SECOND

    def moment(self, moment: date, zone: str = "UTC") -> date:
        """The day or instant that this convention counts by, of either.

        `zone` is the customer's IANA name; a convention of UTC days does not look at it.
        """
        where = self.zone(zone)
        if self.counts_seconds:
            return moment.astimezone(UTC) if is_instant(moment) else start_of(moment, where)
        return day_in(moment, where) if is_instant(moment) else moment

    def zone(self, customer: str) -> ZoneInfo:
        """The zone whose days count."""
        return zone_of(customer if self.day_zone is DayZone.CUSTOMER else "UTC")

    def named(self, name: str, **choices: object) -> Convention:
        """A variant under another name; its choices are checked like those of any other."""
        return Convention.model_validate({**self.model_dump(), **choices, "name": name})
