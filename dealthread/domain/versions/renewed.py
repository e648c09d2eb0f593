"""The next version of a contract after its renewal, or after it was declined."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.change_order import LineAction, LineOrder, RenewalDecision, RenewalOrder
from dealthread.domain.contract import Contract, ContractLine, RenewalKind, RenewalTerms
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import EXPONENTS, Money, UnitPrice
from dealthread.domain.rounding import exact, unit_price_of
from dealthread.domain.span import add_months
from dealthread.domain.versions.line_tax import product_of, tax_code_on
from dealthread.domain.versions.lookup import in_order, line_keys, spans_of
from dealthread.domain.versions.order_checks import raise_first, renewal_findings
from dealthread.domain.versions.proration import Priced, committed_net
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.spans import added_line, renewed_span
from dealthread.domain.versions.terms import BillingTerms, billing_terms

_NO_CHANGE = LineOrder(action=LineAction.QUANTITY, line_key="")


def renewed(contract: Contract, order: RenewalOrder, config: ConfigSet, today: date) -> Contract:
    """The contract with its next term; declined, the contract that ends with the present one.

    Lines served on the last day of the term go on. The uplift is on the unit price in force then,
    rounded half up to the currency's decimals (`facts/domain.md` §4); prices of usage belong to
    the biller's tiers and stay. Raises OrderRefused.
    """
    raise_first(renewal_findings(contract, order, config, today))
    if order.decision is RenewalDecision.DECLINE:
        return declined(contract)
    start = contract.end_date
    assert start is not None  # noqa: S101 - a contract without end was refused
    end, months = next_end(contract, start, order.term_months)
    frame = contract.model_copy(
        update={"later_terms": (*contract.later_terms, start), "end_date": end}
    )
    terms = billing_terms(frame)
    lines = [*contract.lines]
    asked = {line.line_key: line for line in order.lines}
    for key in line_keys(contract):
        lines.extend(_next(contract, key, asked.get(key), order, config, terms, start, end))
    for line in order.lines:
        if line.action is LineAction.ADD:
            mapping = config.product(line.product_code, start)
            assert mapping is not None  # noqa: S101 - an unmapped product was refused
            code = tax_code_on(contract.lines, mapping, config, start)
            lines.append(
                added_line(contract, line, order.change_id, mapping, start, end, terms, code)
            )
    if all(line.start_date < start for line in lines):
        raise OrderRefused("nothing_renews", "lines", "no line goes on: decline the renewal")
    return frame.model_copy(
        update={
            "lines": in_order(lines),
            "version": contract.version + 1,
            "term_no": contract.term_no + 1,
            "term_months": months,
            "committed_until": end,
        }
    )


def declined(contract: Contract) -> Contract:
    """The contract that ends with its present term."""
    terms = contract.renewal or RenewalTerms()
    return contract.model_copy(
        update={
            "version": contract.version + 1,
            "auto_renew": False,
            "renewal": terms.model_copy(update={"kind": RenewalKind.NONE}),
        }
    )


def next_year(contract: Contract, start: date) -> Money:
    """Net of the year that begins on a day, or of what is left of the term where that is shorter;
    without one-time charges and usage."""
    end = add_months(start, 12)
    if contract.end_date is not None:
        end = min(end, contract.end_date)
    found = Money.zero(contract.currency)
    for line in contract.lines:
        first = max(start, line.start_date)
        last = end if line.end_date is None else min(end, line.end_date)
        if line.kind == ChargeKind.RECURRING and first < last:
            found = found + committed_net(Priced.of(line), first, last)
    return found


def next_end(contract: Contract, start: date, asked: int | None) -> tuple[date, int | None]:
    """End of the term that starts then, and its months; None where it is counted in days, as
    long as the term before."""
    agreed = None if contract.renewal is None else contract.renewal.term_months
    months = asked or agreed or contract.term_months
    if months is None:
        last = (contract.start_date, *contract.later_terms)[-1]
        return start + (start - last), None
    first = contract.start_date
    passed = (start.year - first.year) * 12 + start.month - first.month
    if add_months(first, passed) == start:
        return add_months(first, passed + months), months
    return add_months(start, months), months


def uplifted(price: UnitPrice, percent: Decimal) -> UnitPrice:
    """A unit price raised by a percentage, half up in the currency's decimals; unchanged at 0."""
    if not percent:
        return price
    raised = exact(price) * Fraction(100 + percent) / 100
    return unit_price_of(raised, price.currency, EXPONENTS[price.currency])


def _next(
    contract: Contract,
    key: str,
    asked: LineOrder | None,
    order: RenewalOrder,
    config: ConfigSet,
    terms: BillingTerms,
    start: date,
    end: date,
) -> Iterator[ContractLine]:
    """The line in the new term; nothing where it is removed, was ended or is charged once."""
    change = asked or _NO_CHANGE
    line = next((one for one in spans_of(contract, key) if one.end_date == start), None)
    if line is None or line.kind == ChargeKind.ONE_TIME or change.action is LineAction.REMOVE:
        return
    is_swap = change.action is LineAction.SWAP
    mapping = config.product(change.product_code, start) if is_swap else None
    percent = order.uplift_percent
    if percent is None:
        percent = Decimal(0) if contract.renewal is None else contract.renewal.uplift_percent
    price = change.unit_price
    if price is None and mapping is not None:
        price = list_price_of(mapping, contract.currency)
    if price is None and line.kind == ChargeKind.USAGE:
        price = line.unit_price
    known = mapping or product_of(line, config, start)
    if known is None:
        raise OrderRefused("product_unmapped", f"lines.{key}", "map the product (products.yaml)")
    yield renewed_span(
        line,
        start,
        end,
        terms,
        tax_code_on((line, *contract.lines), known, config, start),
        line.quantity if change.quantity is None else change.quantity,
        price or uplifted(line.unit_price, percent),
        mapping,
    )
