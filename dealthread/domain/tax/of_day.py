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
    if _is_over(line, day):
        return line
    row = config.tax_code(line.tax.code, max(line.start_date, day))
    if row is None or row.applied_rate == line.tax.applied_rate:
        return line
    return _at(line, row)


def _is_over(line: ContractLine, day: date) -> bool:
    return line.end_date is not None and line.end_date <= day


def _at(line: ContractLine, row: TaxCode) -> ContractLine:
    return line.model_copy(update={"tax": tax_on(row, line.net_per_period)})


def billed_until(contract: Contract, config: ConfigSet, day: date, code: str) -> Contract:
    """The contract as the biller may still bill it when a code's rate changes on a day: each line
    of the code that goes on bears another rate than from the day on.

    The version that stands does not say which. An earlier change of the rate was told to the biller
    alone, so that the version may bear the very rate that comes back now. What a line really bills
    is compared by the biller, of lines that differ.
    """
    lines = tuple(
        _line_until(line, new, config, max(line.start_date, day))
        if line.tax.code == code and not _is_over(line, day)
        else line
        for line, new in zip(contract.lines, retaxed(contract, config, day).lines, strict=True)
    )
    return contract if lines == contract.lines else contract.model_copy(update={"lines": lines})


def _line_until(line: ContractLine, new: ContractLine, config: ConfigSet, on: date) -> ContractLine:
    if line.tax != new.tax:
        return line
    rows = rates_until(config, line.tax.code, on)
    row = next((row for row in rows if row.applied_rate != new.tax.applied_rate), None)
    return line if row is None else _at(line, row)


def rates_until(config: ConfigSet, code: str, day: date) -> tuple[TaxCode, ...]:
    """Rows of a code that held on a day or before it, the day's own first."""
    rows = [row for row in config.tax_codes if row.code == code and row.valid_from <= day]
    return tuple(sorted(rows, key=lambda row: row.valid_from, reverse=True))
