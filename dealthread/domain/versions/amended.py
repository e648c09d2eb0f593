"""The next version of a contract after an amendment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dealthread.domain.catalog import ConfigSet, ProductMapping
from dealthread.domain.change_order import AmendmentOrder, LineAction, LineOrder
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import UnitPrice
from dealthread.domain.versions.effective import effective_date
from dealthread.domain.versions.line_tax import product_of, tax_code_on
from dealthread.domain.versions.lookup import line_keys, served_on, spans_of
from dealthread.domain.versions.order_checks import amendment_findings, raise_first
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.spans import added_line, end_as_of, followed_from, respan
from dealthread.domain.versions.terms import BillingTerms, billing_terms


def amended(contract: Contract, order: AmendmentOrder, config: ConfigSet, today: date) -> Contract:
    """The contract with the order carried out from its effective date on.

    A quantity or a price holds from there until a later span that was agreed with another one
    (a ramp, a renewal). The committed net moves by what the change credits and charges until the
    end of the term; in a contract without end it is the net of one period in the new state.
    Raises OrderRefused.
    """
    raise_first(amendment_findings(contract, order, config, today))
    on = effective_date(contract, order, today)
    terms = billing_terms(contract)
    lines: list[ContractLine] = []
    asked = {line.line_key: line for line in order.lines}
    for key in line_keys(contract):
        spans = spans_of(contract, key)
        if key not in asked:
            lines.extend(spans)
        elif asked[key].action is LineAction.REMOVE:
            lines.extend(_removed(spans, on, terms))
        else:
            lines.extend(_changed(contract, spans, asked[key], on, config, terms))
    for line in order.lines:
        if line.action is LineAction.ADD:
            lines.append(_added(contract, line, order.change_id, on, config, terms))
    update: dict[str, object] = {"lines": tuple(lines), "version": contract.version + 1}
    payment = config.terms(order.payment_terms) if order.payment_terms else None
    if payment is not None:
        update |= {"payment_terms": payment.code, "days_until_due": payment.days_until_due}
    after = contract.model_copy(update=update)
    if not order.regional_deals and _is_same(contract, after):
        raise OrderRefused("nothing_changes", "lines", "the contract is so already")
    return after


def _is_same(before: Contract, after: Contract) -> bool:
    return before == after.model_copy(update={"version": before.version})


def _removed(
    spans: tuple[ContractLine, ...], on: date, terms: BillingTerms
) -> Iterator[ContractLine]:
    for span in spans:
        if span.end_date is not None and span.end_date <= on:
            yield span
            continue
        cut = end_as_of(span, on, terms)
        if cut is not None:
            yield cut


def _changed(
    contract: Contract,
    spans: tuple[ContractLine, ...],
    order: LineOrder,
    on: date,
    config: ConfigSet,
    terms: BillingTerms,
) -> Iterator[ContractLine]:
    """The spans with the new state, as far as the present one was to hold."""
    current = served_on(spans, on)
    assert current is not None  # noqa: S101 - a line that is not served was refused
    swapped = None
    if order.action is LineAction.SWAP:
        swapped = config.product(order.product_code, on)
    price = order.unit_price or _list_price(swapped, contract)
    quantity, product = order.quantity, swapped
    for span in spans:
        if span.end_date is not None and span.end_date <= on:
            yield span
            continue
        if span.quantity != current.quantity:
            quantity = None
        if span.unit_price != current.unit_price and product is None:
            price = None
        start = max(span.start_date, on)
        new_quantity = span.quantity if quantity is None else quantity
        new_price = span.unit_price if price is None else price
        if (new_quantity, new_price, product) == (span.quantity, span.unit_price, None):
            yield span
            continue
        if span.start_date < start:
            yield followed_from(span, start, terms)
        mapping = product or product_of(span, config, start)
        assert mapping is not None  # noqa: S101 - an unmapped product was refused
        code = tax_code_on((span, *contract.lines), mapping, config, start)
        yield respan(span, start, terms, code, new_quantity, new_price, product)


def _list_price(mapping: ProductMapping | None, contract: Contract) -> UnitPrice | None:
    return None if mapping is None else list_price_of(mapping, contract.currency)


def _added(
    contract: Contract,
    order: LineOrder,
    change_id: str,
    on: date,
    config: ConfigSet,
    terms: BillingTerms,
) -> ContractLine:
    mapping = config.product(order.product_code, on)
    assert mapping is not None  # noqa: S101 - an unmapped product was refused
    code = tax_code_on(contract.lines, mapping, config, on)
    end = order.end_date or contract.end_date
    return added_line(contract, order, change_id, mapping, on, end, terms, code)
