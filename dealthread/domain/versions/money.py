"""What a change credits and charges at once, from the two versions of the contract alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money, UnitPrice
from dealthread.domain.periods.presets import STRIPE
from dealthread.domain.versions.lookup import is_same_state, line_keys, served_on, spans_of
from dealthread.domain.versions.proration import Part, line_parts
from dealthread.domain.versions.terms import ONE_DAY, BillingTerms, billing_terms
from dealthread.domain.working import Working, worked


class RowKind(StrEnum):
    CREDIT = "credit"
    CHARGE = "charge"


class ChangeRow(Carried):
    """One credit (amounts below zero) or charge of a line in one billing period."""

    line_key: str
    kind: RowKind
    product_code: str
    net: Money
    tax: Money
    """Of this row, rounded half up; a credit's at the rate of what it credits."""
    gross: Money
    span_start: date
    span_end: date
    period_start: date
    """First day of the billing period: with the line it finds the invoice."""
    quantity: ExactDecimal
    unit_price: UnitPrice
    working: Working


class ChangeMoney(Carried):
    """What a change comes to now. Credits come before the charges that replace them."""

    currency: CurrencyCode
    effective_from: date
    rows: tuple[ChangeRow, ...]
    net: Money
    tax: Money
    gross: Money

    def net_of(self, line_key: str) -> Money:
        """Net of one line; a swap is one line."""
        return Money.total((r.net for r in self.rows if r.line_key == line_key), self.currency)


class CreditDue(Carried):
    """Net and tax of a line to be given back for a span of one billing period. Positive."""

    line_key: str
    net: Money
    tax: Money
    span_start: date
    span_end: date


def change_money(
    before: Contract,
    after: Contract,
    effective_from: date,
    *,
    as_of: date | None = None,
    credit_unused: bool = True,
) -> ChangeMoney:
    """Credits and charges for the billing periods that were billed by then.

    `as_of` is the day on which the change is carried out (today): a change that takes effect
    earlier is charged for all periods begun since. Without it, the periods that began before
    `effective_from` count as billed, so a change on a boundary costs nothing. With
    `credit_unused` False nothing is credited (a cancellation without credit).
    """
    terms = billing_terms(before, after)
    rows = [
        row
        for key in line_keys(before, after)
        for row in _line_rows(before, after, key, terms, effective_from, as_of)
        if credit_unused or row.kind is RowKind.CHARGE
    ]
    zero = Money.zero(before.currency)
    return ChangeMoney(
        currency=before.currency,
        effective_from=effective_from,
        rows=tuple(rows),
        net=sum((row.net for row in rows), zero),
        tax=sum((row.tax for row in rows), zero),
        gross=sum((row.gross for row in rows), zero),
    )


def charge_lines(money: ChangeMoney) -> tuple[str, ...]:
    """Keys of the lines whose change is charged at once: those whose net is not below zero."""
    keys = dict.fromkeys(row.line_key for row in money.rows)
    return tuple(key for key in keys if money.net_of(key).amount >= 0)


def reduced_before(before: Contract, money: ChangeMoney) -> tuple[str, ...]:
    """Keys of charged lines that were reduced within a period that is billed.

    Their reduction was given back by a credit on an invoice. The biller, asked to charge the new
    state against the old one, would give back what it billed then, the credited part once more.
    """
    return tuple(key for key in charge_lines(money) if _is_reduced(before, money, key))


def _is_reduced(before: Contract, money: ChangeMoney, key: str) -> bool:
    falls = {
        later.start_date
        for earlier, later in pairwise(spans_of(before, key))
        if later.net_per_period.amount < earlier.net_per_period.amount
    }
    return any(
        row.period_start < day < row.span_end
        for row in money.rows
        if row.line_key == key and row.kind is RowKind.CREDIT
        for day in falls
    )


def credit_lines(money: ChangeMoney, anew: Collection[str] = ()) -> tuple[CreditDue, ...]:
    """What is given back, for each line whose net is below zero, by billing period.

    Where a period of such a line comes to a charge, it lowers the credits before it. Of the lines
    `anew` the whole credit is given back: their new state is charged by itself.
    """
    found: list[CreditDue] = []
    keys = dict.fromkeys(row.line_key for row in money.rows)
    for key in keys:
        rows = [row for row in money.rows if row.line_key == key]
        if key in anew:
            found.extend(_credits([row for row in rows if row.kind is RowKind.CREDIT]))
        elif money.net_of(key).amount < 0:
            found.extend(_credits(rows))
    return tuple(found)


def _credits(rows: Sequence[ChangeRow]) -> Iterator[CreditDue]:
    key, currency = rows[0].line_key, rows[0].net.currency
    zero = Money.zero(currency)
    net, tax = zero, zero
    starts = sorted({row.period_start for row in rows}, reverse=True)
    found: list[CreditDue] = []
    for start in starts:
        mine = [row for row in rows if row.period_start == start]
        net = sum((row.net for row in mine), net)
        tax = sum((row.tax for row in mine), tax)
        if net.amount < 0:
            found.append(
                CreditDue(
                    line_key=key,
                    net=-net,
                    tax=-tax,
                    span_start=min(row.span_start for row in mine),
                    span_end=max(row.span_end for row in mine),
                )
            )
            net, tax = zero, zero
    yield from reversed(found)


class _Cut(NamedTuple):
    start: date
    end: date | None
    was: ContractLine | None
    now: ContractLine | None


def _line_rows(
    before: Contract,
    after: Contract,
    key: str,
    terms: BillingTerms,
    effective_from: date,
    as_of: date | None,
) -> Iterator[ChangeRow]:
    until = max(effective_from, as_of or effective_from)
    for cut in _differences(spans_of(before, key), spans_of(after, key)):
        for kind, line in ((RowKind.CREDIT, cut.was), (RowKind.CHARGE, cut.now)):
            if line is None:
                continue
            for part in line_parts(line, cut.start, cut.end, terms, until):
                if line.kind == ChargeKind.ONE_TIME:
                    is_billed = part.start <= until
                else:
                    is_billed = terms.is_billed(part.period, effective_from, as_of)
                if is_billed and part.net:
                    yield _row(line, kind, part)


def _differences(old: tuple[ContractLine, ...], new: tuple[ContractLine, ...]) -> Iterator[_Cut]:
    """The times in which the two differ, cut wherever one of them changes."""
    ends = {_end(line) for line in (*old, *new)}
    edges = sorted({line.start_date for line in (*old, *new)} | {end for end in ends if end})
    following = [*edges[1:], None]
    for start, end in zip(edges, following, strict=True):
        was, now = served_on(old, start), served_on(new, start)
        if (was is None and now is None) or (end is None and None not in ends):
            continue
        if was is None or now is None or not is_same_state(was, now):
            yield _Cut(start, end, was, now)


def _end(line: ContractLine) -> date | None:
    return line.start_date + ONE_DAY if line.kind == ChargeKind.ONE_TIME else line.end_date


def _row(line: ContractLine, kind: RowKind, part: Part) -> ChangeRow:
    net = part.net if kind is RowKind.CHARGE else -part.net
    tax = Money.rounded(net.amount * line.tax.applied_rate / 100, net.currency)
    whole = (part.period.whole_end - part.period.start).days
    return ChangeRow(
        line_key=line.line_key,
        kind=kind,
        product_code=line.product_code,
        net=net,
        tax=tax,
        gross=net + tax,
        span_start=part.start,
        span_end=part.end,
        period_start=part.period.start,
        quantity=line.quantity,
        unit_price=line.unit_price,
        working=worked(
            f"{kind} of {line.line_key}, {part.start} to {part.end} (end not included)",
            "quantity × price × days ÷ days of the billing period; tax on the rounded net",
            net,
            source=STRIPE.name,
            quantity=line.quantity,
            price=line.unit_price,
            months_of_the_price=line.period_months,
            days=(part.end - part.start).days,
            days_of_the_period=whole,
            tax_rate=line.tax.applied_rate,
            tax=tax,
        ),
    )
