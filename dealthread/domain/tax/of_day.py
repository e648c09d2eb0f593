"""Which rate a running contract is taxed at: that of the day of each bill, by finance's table.

A rate that changes while a contract runs reaches the biller a little before its first day, so that
a bill of that very midnight bears it. What was billed before keeps its rate, and so does a credit
on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from dealthread.domain.base import Frozen
from dealthread.domain.catalog import ConfigSet, TaxCode
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.money import ExactDecimal
from dealthread.domain.taxation import tax_on

LEAD = timedelta(hours=6)
"""Ahead of a rate's first day the biller has it. Periods begin at midnight, so that no other one
begins meanwhile."""
LOOKED_BACK = timedelta(days=400)
"""A row that is entered late is carried out all the same, so long."""


class RateChange(Frozen):
    """A code whose rate is another one from a day on."""

    seller: str
    code: str
    valid_from: date
    before: ExactDecimal
    """The rate that it puts an end to, in percent."""


def day_billed_next(now: datetime) -> date:
    """The day whose rates the biller has at an instant, in UTC as its periods."""
    return (now.astimezone(UTC) + LEAD).date()


def rate_changes(config: ConfigSet, day: date) -> Iterator[RateChange]:
    """Changes of rates that a day has seen, by seller and code; a code's first row is none."""
    for row in config.tax_codes:
        if not day - LOOKED_BACK <= row.valid_from <= day:
            continue
        before = config.tax_code(row.code, row.valid_from - timedelta(days=1))
        if before is not None and before.applied_rate != row.applied_rate:
            yield RateChange(
                seller=row.seller,
                code=row.code,
                valid_from=row.valid_from,
                before=before.applied_rate,
            )


def retaxed(contract: Contract, config: ConfigSet, day: date) -> Contract:
    """The contract as it is billed from a day on; spans that are over by then stay as they were."""
    lines = tuple(_line(line, config, day) for line in contract.lines)
    return contract if lines == contract.lines else contract.model_copy(update={"lines": lines})


def _line(line: ContractLine, config: ConfigSet, day: date) -> ContractLine:
    if line.end_date is not None and line.end_date <= day:
        return line
    row = config.tax_code(line.tax.code, max(line.start_date, day))
    if row is None or row.applied_rate == line.tax.applied_rate:
        return line
    return line.model_copy(update={"tax": tax_on(row, line.net_per_period)})


def rates_until(config: ConfigSet, code: str, day: date) -> tuple[TaxCode, ...]:
    """Rows of a code that held on a day or before it, the day's own first."""
    rows = [row for row in config.tax_codes if row.code == code and row.valid_from <= day]
    return tuple(sorted(rows, key=lambda row: row.valid_from, reverse=True))
