"""The billing period to which an instant of use belongs. Days are UTC, ends exclusive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.span import add_months
from dealthread.domain.versions.lookup import is_served


@dataclass(frozen=True)
class Period:
    """One billing period of a line."""

    start: date
    end: date


def usage_lines(contract: Contract, day: date) -> tuple[ContractLine, ...]:
    """Lines of usage that are in force on a day, whatever version put them there: the spans of the
    latest version say what held when."""
    if contract.end_date is not None and day >= contract.end_date:
        return ()
    return tuple(
        line for line in contract.lines if line.kind == ChargeKind.USAGE and is_served(line, day)
    )


def period_of(contract: Contract, line: ContractLine, day: date) -> Period:
    """Counted from the contract's start, as the biller counts; cut off where the line begins or
    ends. The day lies in the line's span."""
    months = contract.billing_frequency.months or line.period_months
    anchor = contract.start_date
    count = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    if add_months(anchor, count * months) > day:
        count -= 1
    start, end = add_months(anchor, count * months), add_months(anchor, (count + 1) * months)
    ends = [one for one in (end, line.end_date, contract.end_date) if one is not None]
    return Period(max(start, line.start_date), min(ends))


def day_of(moment: datetime) -> date:
    """The UTC day of an instant."""
    return moment.astimezone(UTC).date()
