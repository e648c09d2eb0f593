"""What is wrong with one line of an order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from dealthread.domain.catalog import ChargeKind, ConfigSet, ProductMapping
from dealthread.domain.change_order import LineAction, LineOrder
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.contracting import list_price_of
from dealthread.domain.versions.line_tax import product_of
from dealthread.domain.versions.lookup import served_on, spans_of
from dealthread.domain.versions.refusal import OrderRefusal


def line_findings(
    contract: Contract, order: LineOrder, on: date, config: ConfigSet, running: date
) -> Iterator[OrderRefusal]:
    """Everything that is wrong. `running` is the day on which the line must be served: the last
    day of the old term for a renewal, else `on`."""
    if order.action is LineAction.ADD:
        yield from _added(contract, order, on, config)
        return
    spans = spans_of(contract, order.line_key)
    if not spans:
        yield _at(order, "line_key", "line_unknown", "name a line of the contract, or add it")
        return
    line = served_on((one for one in spans if one.kind != ChargeKind.ONE_TIME), running)
    if line is None:
        yield _at(order, "line_key", "line_not_served", "the line is not served on that day")
        return
    if order.action is not LineAction.REMOVE:
        yield from _changed(contract, order, line, on, config)


def _changed(
    contract: Contract, order: LineOrder, line: ContractLine, on: date, config: ConfigSet
) -> Iterator[OrderRefusal]:
    mapping = product_of(line, config, on)
    if order.action is LineAction.SWAP:
        mapping = config.product(order.product_code, on)
        yield from _product(contract, order, mapping)
        if mapping is not None and mapping.kind.value != line.kind:
            yield _at(order, "product_code", "kind_differs", "swap like for like: add and remove")
    elif mapping is None:
        yield _at(order, "product_code", "product_unmapped", "map the product (products.yaml)")
    if order.action is LineAction.QUANTITY and order.quantity is None:
        yield _at(order, "quantity", "quantity_missing", "give the quantity after the change")
    if order.action is LineAction.PRICE and order.unit_price is None:
        yield _at(order, "unit_price", "price_missing", "give the price after the change")
    yield from _quantity(order, order.quantity, mapping)
    yield from _price(contract, order)
    if (
        order.action is LineAction.SWAP
        and mapping is not None
        and order.unit_price is None
        and list_price_of(mapping, contract.currency) is None
    ):
        yield _at(order, "unit_price", "price_missing", "the product has no list price: give one")


def _added(
    contract: Contract, order: LineOrder, on: date, config: ConfigSet
) -> Iterator[OrderRefusal]:
    if spans_of(contract, order.line_key):
        yield _at(order, "line_key", "line_exists", "give the added line a key of its own")
    mapping = config.product(order.product_code, on)
    yield from _product(contract, order, mapping)
    if order.quantity is None:
        yield _at(order, "quantity", "quantity_missing", "give the quantity")
    yield from _quantity(order, order.quantity, mapping)
    yield from _price(contract, order)
    if (
        order.unit_price is None
        and mapping is not None
        and list_price_of(mapping, contract.currency) is None
    ):
        yield _at(order, "unit_price", "price_missing", "the product has no list price: give one")
    end = order.end_date
    if end is None or end == contract.end_date:
        return
    if end <= on:
        yield _at(order, "end_date", "ends_before_start", "give an end after the effective date")
    elif contract.end_date is not None and end > contract.end_date:
        yield _at(order, "end_date", "ends_after_contract", "renew the contract first")
    elif not config.policy.own_end_allowed:
        yield _at(order, "end_date", "not_coterminous", "leave the end out: it is the contract's")


def _product(
    contract: Contract, order: LineOrder, mapping: ProductMapping | None
) -> Iterator[OrderRefusal]:
    if mapping is None:
        yield _at(order, "product_code", "product_unmapped", "map the product (products.yaml)")
        return
    if mapping.sellers and contract.seller not in mapping.sellers:
        yield _at(order, "product_code", "not_sold_by_seller", "sell it by another contract")
    if mapping.kind is ChargeKind.RECURRING and (
        contract.billing_frequency.value not in mapping.frequencies
    ):
        yield _at(order, "product_code", "frequency_not_offered", "it is billed otherwise")


def _quantity(
    order: LineOrder, quantity: Decimal | None, mapping: ProductMapping | None
) -> Iterator[OrderRefusal]:
    if quantity is None or mapping is None:
        return
    if quantity < 0 or (quantity == 0 and mapping.min_quantity > 0):
        yield _at(order, "quantity", "quantity_not_positive", "remove the line to end it")
        return
    if quantity != quantity.quantize(Decimal(1).scaleb(-mapping.quantity_decimals)):
        places = mapping.quantity_decimals
        yield _at(order, "quantity", "quantity_decimals", f"at most {places} decimals")
    if quantity < mapping.min_quantity:
        yield _at(order, "quantity", "quantity_below_minimum", f"at least {mapping.min_quantity}")
    if mapping.max_quantity is not None and quantity > mapping.max_quantity:
        yield _at(order, "quantity", "quantity_above_maximum", f"at most {mapping.max_quantity}")


def _price(contract: Contract, order: LineOrder) -> Iterator[OrderRefusal]:
    price = order.unit_price
    if price is None:
        return
    if price.currency != contract.currency:
        yield _at(order, "unit_price", "currency_differs", f"price it in {contract.currency}")
    if price.amount < 0:
        yield _at(order, "unit_price", "price_negative", "give the discount on the line it lowers")


def _at(order: LineOrder, field: str, code: str, action: str) -> OrderRefusal:
    return OrderRefusal(code=code, field=f"lines.{order.line_key}.{field}", action=action)
