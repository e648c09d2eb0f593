"""Invoices and credit notes of a contract, as they would be issued, with their tax estimated.

Charges of one day make one invoice. Each change has a document of its own, which credits the
unused part of what was billed and charges the new terms for it: a credit note when its net is
below zero (never a negative invoice), and it names what it corrects. Tax is rounded half up on
each line; tax of a credit is that of what it credits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import cycle_for
from dealthread.domain.periods.length import PeriodLength
from dealthread.domain.periods.moment import Span, day_in, is_instant
from dealthread.domain.periods.schedule import BillingPeriod, billing_periods
from dealthread.domain.pricing.rating import rate
from dealthread.domain.rounding import money_of
from dealthread.domain.statement.form import ChargeKind, ContractForm, LineForm
from dealthread.domain.statement.terms import Terms, Version, segments, versions_of
from dealthread.domain.working import Working, worked


class DocumentKind(StrEnum):
    """What is issued."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class DocumentLine(Frozen):
    """A line; a credit is below zero and names what it corrects."""

    line: str
    what: str
    service_start: date
    service_end: date
    net: Money
    tax: Money
    """Estimated."""
    corrects: int | None = None
    """Number of the document that charged it."""
    working: Working


class Document(Frozen):
    """An invoice or credit note. Numbers are of this statement only."""

    number: int
    kind: DocumentKind
    issue_date: date
    due_date: date
    change: str = ""
    """The change that made it."""
    lines: tuple[DocumentLine, ...]
    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A line before its document has a number."""

    on: date
    change: str
    line: DocumentLine
    period: int
    """Which period of which line it bills, for `corrects`."""


def documents_of(form: ContractForm) -> tuple[Document, ...]:
    """In order of issue; charges before changes of the same day.

    Raises ValueError naming the field of a change or price that cannot be computed.
    """
    drawn = [one for line in form.lines for one in _drawn_of(form, line)]
    order = {change.key: at for at, change in enumerate(form.changes)}
    groups: dict[tuple[date, int, str], list[_Drawn]] = {}
    for one in drawn:
        key = (one.on, order.get(one.change, -1), one.change)
        groups.setdefault(key, []).append(one)
    charged: dict[tuple[str, int], int] = {}
    found: list[Document] = []
    for (on, _, change), members in sorted(groups.items(), key=lambda group: group[0][:2]):
        if not any(one.line.net for one in members):
            continue  # a document of nothing is not issued
        found.append(_document(form, len(found) + 1, on, change, members, charged))
    return tuple(found)


def _document(
    form: ContractForm,
    number: int,
    on: date,
    change: str,
    members: Iterable[_Drawn],
    charged: dict[tuple[str, int], int],
) -> Document:
    lines: list[DocumentLine] = []
    for one in members:
        place = (one.line.line, one.period)
        corrects = charged.get(place) if one.line.net.amount < 0 else None
        lines.append(one.line.model_copy(update={"corrects": corrects}))
        charged.setdefault(place, number)
    net = Money.total((line.net for line in lines), form.currency)
    tax = Money.total((line.tax for line in lines), form.currency)
    is_credit = net.amount < 0
    return Document(
        number=number,
        kind=DocumentKind.CREDIT_NOTE if is_credit else DocumentKind.INVOICE,
        issue_date=on,
        due_date=on if is_credit else on + timedelta(days=form.days_until_due),
        change=change,
        lines=tuple(lines),
        net=net,
        tax=tax,
        gross=net + tax,
    )


def _drawn_of(form: ContractForm, line: LineForm) -> Iterator[_Drawn]:
    if line.charge is ChargeKind.USAGE:
        yield from _usage(form, line)
    elif line.charge is ChargeKind.ONE_TIME:
        yield _one_time(form, line)
    else:
        yield from _recurring(form, line, versions_of(form, line))


def _usage(form: ContractForm, line: LineForm) -> Iterator[_Drawn]:
    since, _ = form.term_of(line)
    for number, record in enumerate(line.usage):
        rated = rate(line.price_in(form.currency), record.quantity)
        after = record.until + timedelta(days=1)
        span = (since, after)
        yield _draw(form, line, after, "", "usage", span, rated.amount, rated.working, number)
        since = after


def _one_time(form: ContractForm, line: LineForm) -> _Drawn:
    start, end = form.term_of(line)
    rated = rate(line.price_in(form.currency), line.quantity)
    return _draw(form, line, start, "", "one-time", (start, end), rated.amount, rated.working, 0)


def net_by_version(form: ContractForm, line: LineForm) -> list[Money]:
    """What all documents of a recurring line come to as sold, and with each further change."""
    versions = versions_of(form, line)
    return [
        Money.total(
            (one.line.net for one in _recurring(form, line, versions[: count + 1])), form.currency
        )
        for count in range(len(versions))
    ]


def _recurring(form: ContractForm, line: LineForm, versions: Sequence[Version]) -> Iterator[_Drawn]:
    """Each period at the terms known when it is billed, then what each later change corrects."""
    for period in periods_of(form, line):
        on = _day(form, period.bill_at)
        sold, later = versions[0].terms, [one for one in versions[1:] if one.on > on]
        known = next((one.terms for one in reversed(versions) if one.on <= on), sold)
        yield from _charges(form, line, period, known, on)
        for version in later:
            yield from _corrections(form, line, period, version)


def _charges(
    form: ContractForm, line: LineForm, period: BillingPeriod, timeline: Sequence[Terms], on: date
) -> Iterator[_Drawn]:
    span = _day(form, period.span.start), _day(form, period.span.end)
    for begin, stop, terms in segments(timeline, *span):
        value, working = _amount(form, period, begin, stop, terms, "charge")
        if value:
            yield _draw(
                form, line, on, "", terms.named(), (begin, stop), value, working, period.number
            )


def _corrections(
    form: ContractForm,
    line: LineForm,
    period: BillingPeriod,
    version: Version,
) -> Iterator[_Drawn]:
    """Old terms credited and new ones charged, for what the change reaches of the period."""
    before, after = version.terms[-2], version.terms[-1]
    begin = max(after.since, _day(form, period.span.start))
    stop = _day(form, period.span.end)
    if begin >= stop or (before.quantity, before.price) == (after.quantity, after.price):
        return
    for terms, sign, what in ((before, -1, "credit"), (after, 1, "charge")):
        value, working = _amount(form, period, begin, stop, terms, what, sign)
        if value:
            named = f"{what} {terms.named()}"
            yield _draw(
                form,
                line,
                version.on,
                version.change,
                named,
                (begin, stop),
                value,
                working,
                period.number,
            )


def periods_of(form: ContractForm, line: LineForm) -> tuple[BillingPeriod, ...]:
    """The billing periods of a recurring line; lines of a contract share its cycle."""
    rules = form.rules()
    cycle = cycle_for(
        _moment(form, rules, form.start),
        PeriodLength.of_months(form.billing_months),
        rules,
        cycle_day=form.cycle_day,
        zone=form.time_zone,
    )
    start, end = (_moment(form, rules, day) for day in form.term_of(line))
    return billing_periods(Span(start=start, end=end), cycle, rules, timing=form.timing)


def _amount(
    form: ContractForm,
    period: BillingPeriod,
    begin: date,
    stop: date,
    terms: Terms,
    what: str,
    sign: int = 1,
) -> tuple[Money, Working]:
    rules = form.rules()
    part = Span(start=_moment(form, rules, begin), end=_moment(form, rules, stop))
    share = period.share(rules, part)
    whole = terms.of_months(form.billing_months)
    value = money_of(sign * whole * share, form.currency, rules.rounding_mode)
    if share == 1:
        formula = f"{terms.named()}, the price of the period"
        return value, worked(what, formula, value, source=rules.name, period=part)
    formula = f"{terms.named()} × {part.size} of {period.whole.size} {part.unit}"
    return value, worked(what, formula, value, source=rules.name, period=part, share=share)


def _moment(form: ContractForm, rules: Convention, day: date) -> date:
    return rules.moment(day, form.time_zone)


def _day(form: ContractForm, moment: date) -> date:
    return day_in(moment, form.rules().zone(form.time_zone)) if is_instant(moment) else moment


def _draw(
    form: ContractForm,
    line: LineForm,
    on: date,
    change: str,
    what: str,
    service: tuple[date, date],
    net: Money,
    working: Working,
    period: int,
) -> _Drawn:
    tax = money_of(Fraction(net.amount) * Fraction(line.tax_percent) / 100, form.currency)
    return _Drawn(
        on,
        change,
        DocumentLine(
            line=line.key,
            what=what,
            service_start=service[0],
            service_end=service[1],
            net=net,
            tax=tax,
            working=working,
        ),
        period,
    )
