"""Looking up the spans of a contract's lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine


def line_keys(*contracts: Contract | None) -> tuple[str, ...]:
    """Keys of all lines, in the order of their first mention."""
    found = (one for one in contracts if one is not None)
    return tuple(dict.fromkeys(line.line_key for one in found for line in one.lines))


def spans_of(contract: Contract | None, key: str) -> tuple[ContractLine, ...]:
    """The spans of one line, in order."""
    lines = () if contract is None else contract.lines
    return tuple(sorted((one for one in lines if one.line_key == key), key=_start))


def _start(line: ContractLine) -> date:
    return line.start_date


def in_order(lines: Iterable[ContractLine]) -> tuple[ContractLine, ...]:
    """Lines by the first mention of their key, each line's spans by their start."""
    found = tuple(lines)
    keys = {key: at for at, key in enumerate(dict.fromkeys(one.line_key for one in found))}
    return tuple(sorted(found, key=lambda one: (keys[one.line_key], one.start_date)))


def is_served(line: ContractLine, day: date) -> bool:
    """Whether a span holds a day; a one-time charge only its own."""
    if line.kind == ChargeKind.ONE_TIME:
        return line.start_date == day
    return line.start_date <= day and (line.end_date is None or day < line.end_date)


def served_on(spans: Iterable[ContractLine], day: date) -> ContractLine | None:
    """The span that holds a day."""
    return next((line for line in spans if is_served(line, day)), None)


def is_same_state(one: ContractLine, other: ContractLine) -> bool:
    """Whether two spans are billed alike; their dates do not matter."""
    return (one.product_code, one.quantity, one.unit_price, one.period_months) == (
        other.product_code,
        other.quantity,
        other.unit_price,
        other.period_months,
    )


def first_difference(before: Contract, after: Contract) -> date | None:
    """The first day on which lines are not as before; None where they always are."""
    found: list[date] = []
    for key in line_keys(before, after):
        old, new = spans_of(before, key), spans_of(after, key)
        for day in sorted({edge for line in (*old, *new) for edge in _edges(line)}):
            was, now = served_on(old, day), served_on(new, day)
            if was is None and now is None:
                continue
            if was is None or now is None or not is_same_state(was, now):
                found.append(day)
                break
    return min(found, default=None)


def _edges(line: ContractLine) -> tuple[date, ...]:
    return (line.start_date,) if line.end_date is None else (line.start_date, line.end_date)
