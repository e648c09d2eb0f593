"""The length of a billing period: days, weeks or months."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from dealthread.domain.base import Frozen


class LengthUnit(StrEnum):
    """What a length is counted in; quarters and years are months."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class PeriodLength(Frozen):
    """So many days, weeks or months."""

    unit: LengthUnit
    count: int = Field(gt=0, le=1200)

    @property
    def months(self) -> int:
        """In months; 0 for days and weeks, which are no months."""
        return self.count if self.unit is LengthUnit.MONTH else 0

    @property
    def days(self) -> int:
        """In days; 0 for months, which have no fixed number of days."""
        if self.unit is LengthUnit.MONTH:
            return 0
        return self.count * (7 if self.unit is LengthUnit.WEEK else 1)

    @classmethod
    def of_months(cls, months: int) -> PeriodLength:
        """So many months."""
        return cls(unit=LengthUnit.MONTH, count=months)

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


DAILY = PeriodLength(unit=LengthUnit.DAY, count=1)
WEEKLY = PeriodLength(unit=LengthUnit.WEEK, count=1)
MONTHLY = PeriodLength.of_months(1)
QUARTERLY = PeriodLength.of_months(3)
SEMI_ANNUAL = PeriodLength.of_months(6)
ANNUAL = PeriodLength.of_months(12)


def years(count: int) -> PeriodLength:
    """A period of several years."""
    return PeriodLength.of_months(12 * count)
