"""What credits on lines of use take from revenue.

Revenue of use is what was counted, as the contract rates it. What a bill has beyond that was never
revenue, and a credit takes it back from the bill alone; what is given beyond that is a change of
the price, which is taken in the month of the credit: the service is over (ASC 606-10-32-43).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from dealthread.domain.bill import Bill
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.money import Money

Period = tuple[str, date]
"""Line key and first day."""


@dataclass(frozen=True)
class CreditOfUse:
    """One line of a credit memo."""

    obligation: str
    line_key: str
    period_start: date
    issue_date: date
    net: Money
    given: Money
    """Of it, what takes from revenue."""


def credits_of_use(
    issued: Iterable[Bill], rated: Mapping[Period, Money], usage: frozenset[str], through: date
) -> tuple[CreditOfUse, ...]:
    """Of one contract's bills, oldest credit first: of a period, what was billed too much is taken
    back before anything is given."""
    bills = tuple(issued)
    too_much: dict[Period, Money] = {}
    for bill in bills:
        zero = Money.zero(bill.currency)
        for line in bill.lines:
            if line.line_key in usage and line.period_start is not None:
                key = (line.line_key, line.period_start)
                if key not in too_much:
                    too_much[key] = -rated.get(key, zero)
                too_much[key] = too_much[key] + line.net
    found = []
    for bill, memo, number, part in sorted(_parts(bills, usage, through), key=_order):
        zero = Money.zero(bill.currency)
        issued_on = memo.issue_date or date.max
        start = _period(bill, part.line_key) or issued_on
        left = max(too_much.get((part.line_key, start), zero), zero)
        taken = min(part.net, left)
        too_much[part.line_key, start] = left - taken
        found.append(
            CreditOfUse(
                obligation=f"credit {memo.number}:{number}",
                line_key=part.line_key,
                period_start=start,
                issue_date=issued_on,
                net=part.net,
                given=part.net - taken,
            )
        )
    return tuple(found)


_Part = tuple[Bill, CreditMemo, int, CreditMemoLine]


def _parts(bills: Iterable[Bill], usage: frozenset[str], through: date) -> Iterator[_Part]:
    for bill in bills:
        for memo in bill.credit_memos:
            if memo.issue_date is not None and memo.issue_date <= through:
                for number, part in enumerate(memo.lines, start=1):
                    if part.line_key in usage:
                        yield bill, memo, number, part


def _order(one: _Part) -> tuple[date, str, int]:
    return one[1].issue_date or date.max, one[1].number, one[2]


def _period(bill: Bill, line_key: str) -> date | None:
    """A credit names none: the newest that the bill has of the line."""
    starts = (line.period_start for line in bill.lines if line.line_key == line_key)
    return max((one for one in starts if one is not None), default=None)
