"""Spans of a line: cutting one, making one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ChargeKind, ProductMapping, TaxCode
from dealthread.domain.change_order import LineOrder
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.taxation import tax_on
from dealthread.domain.usage.terms import terms_of
from dealthread.domain.versions.proration import (
    Priced,
    committed_net,
    line_parts,
    net_per_period,
    parts,
    total,
)
from dealthread.domain.versions.terms import BillingTerms


def end_as_of(line: ContractLine, day: date, terms: BillingTerms) -> ContractLine | None:
    """A span without what comes from a day on, and without its net; None where nothing is left.

    A span without end keeps the net of one period less the unserved part of the running one.
    """
    if day <= line.start_date:
        return None
    currency = line.net_per_period.currency
    if terms.is_fixed:
        gone = line_parts(line, day, line.end_date, terms, day)
        left = line.committed_net - total(gone, currency)
    else:
        left = line.net_per_period
        running = terms.period_at(day)
        if running.start < day:
            left = left - total(line_parts(line, day, running.end, terms, day), currency)
    return line.model_copy(update={"end_date": day, "committed_net": left})


def followed_from(line: ContractLine, day: date, terms: BillingTerms) -> ContractLine:
    """A span that another state of the same line follows; in a contract without end the net of
    one period is the follower's."""
    cut = end_as_of(line, day, terms)
    if cut is None:
        raise ValueError(f"day: {line.line_key} does not start before {day}")
    if not terms.is_fixed:
        return cut.model_copy(update={"committed_net": Money.zero(line.net_per_period.currency)})
    return cut


def respan(
    line: ContractLine,
    start: date,
    terms: BillingTerms,
    code: TaxCode,
    quantity: Decimal,
    unit_price: UnitPrice,
    mapping: ProductMapping | None = None,
) -> ContractLine:
    """A span in another state up to its own end; with a mapping, of another product."""
    changed = line if mapping is None else of_product(line, mapping, unit_price.currency)
    priced = Priced(quantity, unit_price, changed.period_months)
    bill = bill_of(changed, priced, start, terms)
    if terms.is_fixed:
        found = tuple(parts(priced, start, line.end_date, terms, start))
        committed = total(found, bill.currency)
    else:
        committed = bill if line.end_date is None else Money.zero(bill.currency)
    if changed.kind == ChargeKind.USAGE:
        committed = Money.zero(bill.currency)
    return changed.model_copy(
        update={
            "quantity": quantity,
            "unit_price": unit_price,
            "start_date": start,
            "access_from": start,
            "net_per_period": bill,
            "committed_net": committed,
            "tax": tax_on(code, bill),
        }
    )


def bill_of(line: ContractLine, priced: Priced, start: date, terms: BillingTerms) -> Money:
    """Net of one billing period of a line."""
    if line.kind == ChargeKind.USAGE:
        return Money.zero(priced.unit_price.currency)
    return net_per_period(priced, terms.period_at(start), terms)


def renewed_span(
    line: ContractLine,
    start: date,
    end: date,
    terms: BillingTerms,
    code: TaxCode,
    quantity: Decimal,
    unit_price: UnitPrice,
    mapping: ProductMapping | None = None,
) -> ContractLine:
    """A span of a new term: its committed net is that of a new contract."""
    span = respan(
        line.model_copy(update={"end_date": end}), start, terms, code, quantity, unit_price, mapping
    )
    if span.kind == ChargeKind.USAGE:
        return span
    net = committed_net(Priced.of(span), start, end)
    return span.model_copy(update={"committed_net": net, "segment_no": None})


def of_product(line: ContractLine, mapping: ProductMapping, currency: str) -> ContractLine:
    """A line as one of another product; dates, quantity and amounts stay."""
    return line.model_copy(
        update={
            "product_code": mapping.code,
            "product_name": mapping.name,
            "kind": mapping.kind.value,
            "unit": mapping.unit,
            "list_price": list_price_of(mapping, currency),
            "period_months": mapping.period_months,
            "billing_product": mapping.billing_product,
            "erp_item": mapping.erp_item,
            "revenue_rule": mapping.revenue_rule,
            "revenue_account": mapping.revenue_account,
            "entitlement_template": mapping.entitlement_template,
            "product_line": mapping.product_line,
            "usage": terms_of(mapping, currency),
        }
    )


def added_line(
    contract: Contract,
    order: LineOrder,
    change_id: str,
    mapping: ProductMapping,
    start: date,
    end: date | None,
    terms: BillingTerms,
    code: TaxCode,
) -> ContractLine:
    """A new line from a day on. A one-time charge has no end and commits its whole price.

    Quantity and price are there: the order was checked.
    """
    quantity = order.quantity or Decimal(0)
    price = order.unit_price or list_price_of(mapping, contract.currency)
    assert price is not None  # noqa: S101 - an order without any price was refused
    once = mapping.kind is ChargeKind.ONE_TIME
    zero = Money.zero(contract.currency)
    blank = ContractLine(
        line_key=order.line_key,
        crm_ref=order.ref
        or Ref(
            system=System.HUB,
            account=contract.org,
            kind="line",
            native_id=f"{change_id}/{order.line_key}",
        ),
        product_code=mapping.code,
        product_name=mapping.name,
        kind=mapping.kind.value,
        quantity=quantity,
        unit=mapping.unit,
        unit_price=price,
        list_price=list_price_of(mapping, contract.currency),
        period_months=mapping.period_months,
        start_date=start,
        end_date=None if once else end,
        net_per_period=zero,
        committed_net=zero,
        tax=tax_on(code, zero),
        billing_product=mapping.billing_product,
        erp_item=mapping.erp_item,
        revenue_rule=mapping.revenue_rule,
        revenue_account=mapping.revenue_account,
        entitlement_template=mapping.entitlement_template,
        access_from=start,
        product_line=mapping.product_line,
        usage=terms_of(mapping, contract.currency),
    )
    if not once:
        return respan(blank, start, terms, code, quantity, price)
    net = price.times(quantity)
    return blank.model_copy(
        update={"net_per_period": net, "committed_net": net, "tax": tax_on(code, net)}
    )
