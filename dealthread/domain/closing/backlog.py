"""What a billing plan has still to bill: from the contract's lines and periods, not from sums."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.versions.proration import line_parts, total
from dealthread.domain.versions.terms import BillingTerms, Period, billing_terms
from dealthread.domain.versions.without_end import is_without_end


def backlog(versions: tuple[AcceptedVersion, ...], day: date) -> Money:
    """Net of bills that the plan dates after a day, and what a change that is agreed and not in
    effect yet will move. A contract without end has no backlog: it commits a period when that
    begins."""
    ordered = sorted(versions, key=lambda one: one.contract.version)
    latest = ordered[-1].contract
    if is_without_end(latest):
        return _begun_in_arrears(latest, day)
    effective = [
        one for one in ordered if one.effective_from is None or one.effective_from <= day
    ] or ordered[:1]
    present = effective[-1].contract
    moved = latest.tcv() - present.tcv()
    return Money.total(_to_come(present, day), present.currency) + moved


def _to_come(contract: Contract, day: date) -> Iterator[Money]:
    terms = billing_terms(contract)
    for line in contract.lines:
        if line.kind == ChargeKind.ONE_TIME:
            if line.start_date > day:
                yield line.committed_net
        elif line.kind == ChargeKind.RECURRING:
            for period in terms.periods(line.start_date, line.end_date, day):
                if _billed_on(period, line, terms) > day:
                    yield _part(line, period, terms)


def _billed_on(period: Period, line: ContractLine, terms: BillingTerms) -> date:
    if terms.timing is BillingTiming.ARREARS:
        return period.end
    return max(period.start, line.start_date)


def _part(line: ContractLine, period: Period, terms: BillingTerms) -> Money:
    start = max(period.start, line.start_date)
    end = period.end if line.end_date is None else min(period.end, line.end_date)
    return total(line_parts(line, start, end, terms, start), line.committed_net.currency)


def _begun_in_arrears(contract: Contract, day: date) -> Money:
    """Of a contract that is billed afterwards: the periods that have begun and not ended."""
    zero = Money.zero(contract.currency)
    if contract.billing_timing is not BillingTiming.ARREARS:
        return zero
    terms = billing_terms(contract)
    running = (
        _part(line, period, terms)
        for line in contract.lines
        if line.kind == ChargeKind.RECURRING
        for period in terms.periods(line.start_date, line.end_date, day)
        if period.start <= day < period.end
    )
    return Money.total(running, contract.currency)
