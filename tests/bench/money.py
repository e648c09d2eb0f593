"""How fast money is computed on one core: an amendment, a statement, a run of revenue.

    python -m tests.bench.money

Pure functions in this process; nothing is read or written.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import ChangeQuantity
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.amendment.standing import Standing
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import ANNUAL
from dealthread.domain.revenue.schedule import Schedule, monthly, schedule
from dealthread.domain.statement.form import HOUSE, ContractForm
from dealthread.domain.statement.statement import statement_of
from tests.bench.report import Report
from tests.bench.sizes import FULL, Sizes

T = TypeVar("T")
LINES = 20
START, CHANGED, END = date(2026, 1, 1), date(2026, 7, 1), date(2027, 1, 1)


def measure(sizes: Sizes, report: Report) -> None:
    """The aims are those of the design."""
    standing, changes, form = _standing(), _changes(), _form()

    def amendment() -> object:
        return amend(standing, changes, key="A1", as_of=CHANGED, convention=HOUSE)

    runs = sizes.money_runs
    lines = sizes.schedule_lines
    schedules, making = _timed(lambda: _schedules(lines))
    months, adding = _timed(lambda: monthly(schedules, "USD"))
    portions = sum(len(one.runs) for one in schedules)
    if Money.total(months.values(), "USD") != Money.total((s.total for s in schedules), "USD"):
        raise RuntimeError("the run does not sum to what is booked")
    report.section(
        "Money",
        f"On one core, no I/O. An amendment changes {LINES} lines: a credit and a charge each, all "
        "figures with their working. A statement is documents, tax, treatments, revenue by month, "
        "deferred revenue and journals. Aims: over 5,000 amendments a second; a run of revenue "
        "over 10,000 lines under 1 s.",
    )
    report.table(
        ("computed", "a second", "ms for one"),
        [
            _row(f"amendment of {LINES} lines", amendment, runs),
            _row(f"statement of {LINES} lines, all changed", lambda: statement_of(form), runs // 5),
        ],
    )
    report.table(
        ("run of revenue", "lines", "months in all", "s to schedule", "s to add up"),
        [
            (
                "by day, terms of a year",
                f"{lines:,}",
                f"{portions:,}",
                f"{making:.2f}",
                f"{adding:.2f}",
            )
        ],
    )


def _row(title: str, compute: Callable[[], object], runs: int) -> tuple[str, ...]:
    compute()
    _, seconds = _timed(lambda: [compute() for _ in range(runs)])
    return title, f"{runs / seconds:,.0f}", f"{1000 * seconds / runs:.1f}"


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def _standing() -> Standing:
    cycle = BillCycle(length=ANNUAL, anchor=START)
    lines = tuple(
        ServiceLine(
            line_key=f"line {number}",
            segments=(
                Segment(
                    start=START,
                    end=END,
                    product=f"product {number}",
                    quantity=Decimal(10 + number),
                    unit_price=UnitPrice.of("270.00", "USD"),
                    cycle=cycle,
                ),
            ),
        )
        for number in range(LINES)
    )
    standing = Standing(currency="USD", lines=lines)
    return bill_due(standing, key="first", as_of=START, convention=HOUSE).standing


def _changes() -> list[ChangeQuantity]:
    return [
        ChangeQuantity(line_key=f"line {number}", effective=CHANGED, quantity=Decimal(30 + number))
        for number in range(LINES)
    ]


def _form() -> ContractForm:
    return ContractForm.model_validate(
        {
            "contract": "bench",
            "legal_entity": "US01",
            "currency": "USD",
            "start": "2026-01-01",
            "end": "2027-01-01",
            "lines": [
                {"key": f"line {number}", "quantity": "40", "unit_price": "270.00"}
                for number in range(LINES)
            ],
            "changes": [
                {
                    "key": f"A{number}",
                    "line": f"line {number}",
                    "kind": "reduce",
                    "quantity": "30",
                    "accepted_on": "2026-07-01",
                    "effective_on": "2026-07-01",
                }
                for number in range(LINES)
            ],
        }
    )


def _schedules(count: int) -> list[Schedule]:
    """Terms of a year that begin on every day of a year."""
    return [
        schedule(
            f"line {number}",
            Money.from_minor(1_000_000 + number, "USD"),
            date(2026, 1 + number % 12, 1 + number % 28),
            date(2027, 1 + number % 12, 1 + number % 28),
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    measure(FULL, Report())
