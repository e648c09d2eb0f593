"""Invoice items: charges that wait for the customer's next invoice, and those that found one.

Sources: docs.stripe.com/api/invoiceitems; docs.stripe.com/billing/invoices/subscription. An item
made for a subscription is left alone by the invoices of others while that subscription lives; what
its end left pending "can be billed on another invoice for the customer" (docstring of
`Subscription.cancel`, stripe 16.1), so here the next one takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.catalogue.discounts import Redemption
from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.line_parents import invoice_item_parent, item_parent
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import (
    check_currency,
    keep_inline_price,
    one_time_price,
)
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.wire.money import plain
from dealthread.simulators.stripe.world import Context

_KIND = "invoiceitem"
_RELATION = "invoiceitem.customer"
_WAYS = ("amount", "price_data", "pricing", "unit_amount_decimal")


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/invoiceitems: pending until the customer's next invoice."""
    charge = charge_for(ctx, params)
    return keep(ctx, params["customer"], charge)


def charge_for(ctx: Context, params: Json) -> Charge:
    """What a request for a new item would bill."""
    if "customer" not in params:
        raise StripeError.missing("customer")
    customer = ctx.get("customer", params["customer"], param="customer")
    subscription = _subscription(ctx, params)
    price = _price(ctx, params)
    check_currency(customer, price["currency"])
    if subscription is not None and subscription["currency"] != price["currency"]:
        raise StripeError.refused(
            "The currency does not match that of the subscription.", param="currency"
        )
    now = ctx.now(customer["id"])
    rates = rates_of(ctx, params)
    name = None
    if price["id"] is not None:
        keep_inline_price(ctx, price)
        name = ctx.get("product", price["product"], param="product")["name"]
    owner = None if subscription is None else subscription["id"]
    item_id = new_id("ii")
    redemption = Redemption(customer["id"], price["currency"], now, place={"invoice_item": item_id})
    made = discounts.redeem(ctx, params.get("discounts") or [], "discounts", redemption)
    charge = Charge(
        price=price,
        quantity=params.get("quantity", 1),
        period=period_of(params.get("period") or {"start": now, "end": now}),
        description=params.get("description", name),
        parent=invoice_item_parent(item_id, owner),
        tax_rates=rates,
        metadata=metadata.fresh(params),
        subscription=owner,
        is_discountable=params.get("discountable", True),
        discounts=[one.terms for one in made],
    )
    discounts.keep(ctx, made)
    if customer["currency"] is None:
        customer["currency"] = price["currency"]
    return charge


def period_of(given: Json) -> tuple[int, int]:
    """The period of an item, as a request names it."""
    if given["start"] > given["end"]:
        raise StripeError.refused("The period start must not be after its end.", param="period")
    return given["start"], given["end"]


def rates_of(ctx: Context, params: Json) -> list[Json] | None:
    """The tax rates a request names; None: those of the invoice apply."""
    if not params.get("tax_rates"):
        return None
    return catalogue.usable_tax_rates(ctx, params["tax_rates"], "tax_rates")


def _subscription(ctx: Context, params: Json) -> Json | None:
    if "subscription" not in params:
        return None
    subscription = ctx.get("subscription", params["subscription"], param="subscription")
    if subscription["customer"] != params["customer"]:
        raise StripeError.no_such("subscription", subscription["id"], param="subscription")
    if _is_over(subscription):
        raise StripeError.refused(
            "A canceled subscription cannot get invoice items.", param="subscription"
        )
    return subscription


def _price(ctx: Context, params: Json) -> Json:
    """The price of an item; an amount alone names no price."""
    given = [name for name in _WAYS if name in params]
    if len(given) > 1:
        raise StripeError.invalid(
            f"You may only specify one of these parameters: {', '.join(given)}.", param=given[1]
        )
    if not given:
        raise StripeError.missing("amount")
    if given == ["amount"]:
        if "currency" not in params:
            raise StripeError.missing("currency")
        if "quantity" in params:
            raise StripeError.unsupported("a quantity of an amount", param="quantity")
        return _nameless(params["currency"], plain(Decimal(params["amount"])))
    if given == ["unit_amount_decimal"]:
        if "currency" not in params:
            raise StripeError.missing("currency")
        return _nameless(params["currency"], plain(params["unit_amount_decimal"]))
    if given == ["pricing"]:
        price = one_time_price(ctx, params["pricing"], "pricing")
    else:
        price = one_time_price(ctx, params, "")
    if params.get("currency", price["currency"]) != price["currency"]:
        raise StripeError.refused("The currency does not match the price.", param="currency")
    return price


def _nameless(currency: str, unit_amount_decimal: str) -> Json:
    return {
        "id": None,
        "product": None,
        "currency": currency,
        "unit_amount_decimal": unit_amount_decimal,
    }


def _is_over(subscription: Json) -> bool:
    # The room that knows statuses is built on this one.
    return subscription["status"] in ("canceled", "incomplete_expired")


def keep(
    ctx: Context,
    customer_id: str,
    charge: Charge,
    invoice_id: str | None = None,
    *,
    credited: Json | None = None,
) -> Json:
    """Keep the item of a charge; `invoice_id` is None while it is pending.

    `credited` names the debit that a proration gives back.
    """
    price, owner = charge.price, charge.subscription
    source = charge.parent["subscription_item_details"]
    parent = None
    if owner is not None:
        subscription_item = None if source is None else source["subscription_item"]
        parent = {
            "subscription_details": {
                "subscription": owner,
                "subscription_item": subscription_item,
            },
            "type": "subscription_details",
        }
    details = None
    if price["id"] is not None:
        details = {"price": price["id"], "product": price["product"]}
    item: Json = {
        "id": _item_of(charge),
        "object": _KIND,
        "amount": charge.amount,
        "currency": price["currency"],
        "customer": customer_id,
        "customer_account": None,
        "date": ctx.now(customer_id),
        "description": charge.description,
        "discountable": charge.is_discountable,
        "discounts": [one.id for one in charge.discounts],
        "frozen_fields": None,
        "invoice": invoice_id,
        "invoicing_rules": None,
        "livemode": False,
        "metadata": dict(charge.metadata),
        "net_amount": None if charge.is_discountable else charge.amount,
        "parent": parent,
        "period": {"start": charge.period[0], "end": charge.period[1]},
        "pricing": {
            "price_details": details,
            "type": "price_details",
            "unit_amount_decimal": charge.unit_amount_decimal,
        },
        "proration": source is not None,
        "proration_details": None
        if source is None
        else {"credited_items": credited, "discount_amounts": []},
        "quantity": int(charge.quantity),
        "quantity_decimal": plain(Decimal(charge.quantity)),
        "tax_rates": list(charge.tax_rates or []),
        "test_clock": ctx.clock_of(customer_id),
    }
    ctx.account.add(_KIND, item)
    if is_metered(price):
        ctx.account.secret(item["id"])["is_usage"] = True
    if charge.tax_rates is not None and not charge.tax_rates:
        # What a credit gives back was not taxed: no default rate may tax the credit.
        ctx.account.secret(item["id"])["is_untaxed"] = True
    ctx.account.relate(_RELATION, customer_id, item["id"])
    ctx.effect("invoiceitem.created", item, amount=item["amount"], customer=customer_id)
    events.emit(ctx, "invoiceitem.created", item)
    return item


def pending(ctx: Context, customer_id: str | None, subscription_id: str | None) -> list[Charge]:
    """What waits for the next invoice of a subscription, newest first as invoices list it."""
    if customer_id is None:
        return []
    rows = [
        row
        for row in ctx.account.related(_RELATION, _KIND, customer_id)
        if row["invoice"] is None and _is_free_for(ctx, row, subscription_id)
    ]
    return [charge_of(ctx, row) for row in reversed(rows)]


def all_pending(ctx: Context, customer_id: str) -> list[Charge]:
    """All that waits for the customer, prorations of subscriptions included, newest first.

    docs.stripe.com/api/invoices/create: a one-off invoice takes them all when told to include.
    """
    rows = [
        row for row in ctx.account.related(_RELATION, _KIND, customer_id) if row["invoice"] is None
    ]
    return [charge_of(ctx, row) for row in reversed(rows)]


def release(ctx: Context, invoice: Json) -> None:
    """The items of an invoice that is no more are pending again."""
    for item in ctx.account.related(_RELATION, _KIND, invoice["customer"]):
        if item["invoice"] == invoice["id"]:
            item["invoice"] = None
            ctx.effect("invoiceitem.released", item)


def _owner(item: Json) -> str | None:
    parent = item["parent"]
    owner: str | None = None if parent is None else parent["subscription_details"]["subscription"]
    return owner


def _is_free_for(ctx: Context, item: Json, subscription_id: str | None) -> bool:
    owner = _owner(item)
    if owner in (None, subscription_id):
        return True
    return _is_over(ctx.get("subscription", str(owner)))


def charge_of(ctx: Context, item: Json) -> Charge:
    """What an item bills."""
    details, owner = item["pricing"]["price_details"], _owner(item)
    if details is None:
        price = _nameless(item["currency"], item["pricing"]["unit_amount_decimal"])
    else:
        price = ctx.get("price", details["price"])
    hidden = ctx.account.hidden.get(item["id"], {})
    is_untaxed, is_usage = hidden.get("is_untaxed", False), hidden.get("is_usage", False)
    charge = Charge(
        price=price,
        quantity=Decimal(item["quantity_decimal"]) if is_usage else item["quantity"],
        period=(item["period"]["start"], item["period"]["end"]),
        description=item["description"],
        parent=invoice_item_parent(item["id"], owner),
        tax_rates=item["tax_rates"] or ([] if is_untaxed else None),
        metadata=item["metadata"],
        subscription=owner,
        is_discountable=item["discountable"],
        discounts=discounts.in_force(ctx, item["discounts"]),
        # Usage was rated when its price went.
        fixed_amount=item["amount"] if is_usage else None,
    )
    if not item["proration"]:
        return charge
    credited = item["proration_details"]["credited_items"]
    return replace(
        charge,
        parent=item_parent(
            owner,
            item["parent"]["subscription_details"]["subscription_item"],
            is_proration=True,
            invoice_item=item["id"],
            credited=None if credited is None else credited["invoice_line_item_details"],
        ),
        fixed_amount=item["amount"],
        is_discountable=False,
    )


def _item_of(charge: Charge) -> str | None:
    """The invoice item a charge comes from; a subscription item's own period has none."""
    parent = charge.parent
    details = parent["invoice_item_details"] or parent["subscription_item_details"]
    item_id: str | None = details["invoice_item"]
    return item_id


def attach(ctx: Context, customer_id: str, charges: Sequence[Charge], invoice_id: str) -> None:
    """The items of an invoice's charges belong to it from now on, also those born with it."""
    for charge in charges:
        item_id = _item_of(charge)
        if item_id is None:
            continue
        item = ctx.account.find(_KIND, item_id)
        if item is None:
            keep(ctx, customer_id, charge, invoice_id)
        else:
            item["invoice"] = invoice_id
            ctx.effect("invoiceitem.invoiced", item, invoice=invoice_id)


def drop_prorations(ctx: Context, subscription: Json) -> None:
    """Take away the pending prorations of a subscription, as a plain cancellation does."""
    for row in list(ctx.account.related(_RELATION, _KIND, subscription["customer"])):
        if row["invoice"] is None and row["proration"] and _owner(row) == subscription["id"]:
            discard(ctx, row)


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/invoiceitems."""
    rows: Iterable[Json] = ctx.account.of(_KIND).values()
    if "customer" in params:
        ctx.get("customer", params["customer"], param="customer")
        rows = ctx.account.related(_RELATION, _KIND, params["customer"])
    if "invoice" in params:
        ctx.get("invoice", params["invoice"], param="invoice")
    return page(
        rows,
        params,
        "/v1/invoiceitems",
        kind="invoiceitem",
        keep=lambda row: (
            params.get("invoice", row["invoice"]) == row["invoice"]
            and params.get("pending", row["invoice"] is None) == (row["invoice"] is None)
            and within(row["date"], params.get("created"))
        ),
    )


def rewrite(ctx: Context, item: Json, charge: Charge) -> None:
    """An item that bills something else from now on."""
    price = charge.price
    details = None
    if price["id"] is not None:
        details = {"price": price["id"], "product": price["product"]}
    item.update(
        amount=charge.amount,
        description=charge.description,
        metadata=dict(charge.metadata),
        period={"start": charge.period[0], "end": charge.period[1]},
        pricing={
            "price_details": details,
            "type": "price_details",
            "unit_amount_decimal": charge.unit_amount_decimal,
        },
        quantity=int(charge.quantity),
        quantity_decimal=plain(Decimal(charge.quantity)),
        tax_rates=list(charge.tax_rates or []),
    )
    ctx.effect("invoiceitem.updated", item, amount=item["amount"])


def discard(ctx: Context, item: Json) -> None:
    """Forget an item that is on no invoice."""
    del ctx.account.of(_KIND)[item["id"]]
    ctx.effect("invoiceitem.deleted", item, customer=item["customer"])
    events.emit(ctx, "invoiceitem.deleted", item)
