"""The next version of a contract that ends before its term, or is not continued after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.change_order import CancellationOrder, CancellationReason
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.money import Money
from dealthread.domain.versions.effective import effective_date
from dealthread.domain.versions.order_checks import cancellation_findings, raise_first
from dealthread.domain.versions.proration import line_parts
from dealthread.domain.versions.renewed import declined
from dealthread.domain.versions.spans import end_as_of
from dealthread.domain.versions.terms import BillingTerms, billing_terms


def ended(contract: Contract, order: CancellationOrder, today: date) -> Contract:
    """The contract without what was to come from the effective date on.

    Without credit, what was billed for the time after it stays sold. A one-time charge that was
    made stays; a rescission leaves no line at all. Raises OrderRefused.
    """
    raise_first(cancellation_findings(contract, order, today))
    on = effective_date(contract, order, today)
    terms = billing_terms(contract)
    lines: tuple[ContractLine, ...] = ()
    if order.cause is not CancellationReason.RESCISSION:
        found = _kept(contract, on, terms)
        lines = tuple(found if order.credit_unused else _with_billed(contract, found, on, today))
    return declined(contract).model_copy(
        update={
            "lines": lines,
            "end_date": on,
            "committed_until": on,
            "later_terms": tuple(day for day in contract.later_terms if day < on),
        }
    )


def _kept(contract: Contract, on: date, terms: BillingTerms) -> Iterator[ContractLine]:
    for line in contract.lines:
        if line.kind == ChargeKind.ONE_TIME:
            if line.start_date <= on:
                yield line
        elif line.end_date is not None and line.end_date <= on:
            yield line
        else:
            cut = end_as_of(line, on, terms)
            if cut is not None:
                yield cut


def _with_billed(
    contract: Contract, kept: Iterator[ContractLine], on: date, today: date
) -> Iterator[ContractLine]:
    """The lines with the net of what was billed for the time after their end."""
    terms = billing_terms(contract)
    for line in kept:
        net = line.committed_net
        if line.kind != ChargeKind.ONE_TIME and line.end_date == on:
            net = net + _billed_after(contract, line, on, today, terms)
        yield line.model_copy(update={"committed_net": net})


def _billed_after(
    contract: Contract, line: ContractLine, on: date, today: date, terms: BillingTerms
) -> Money:
    found = [
        part.net
        for span in contract.lines
        if span.line_key == line.line_key and (span.end_date is None or on < span.end_date)
        for part in line_parts(span, max(on, span.start_date), span.end_date, terms, on)
        if terms.is_billed(part.period, on, today)
    ]
    return Money.total(found, contract.currency)
