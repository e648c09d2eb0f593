"""`expand[]`: replace ids in an answer by the objects they name, up to four levels deep.

Source: docs.stripe.com/api/expanding_objects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dealthread.simulators.stripe.catalogue import coupons, prices
from dealthread.simulators.stripe.customers import tax_ids
from dealthread.simulators.stripe.payments import invoice_payments, refunds
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot

MAX_DEPTH = 4
# Field → kind of the object its id names.
_FIELDS = {
    "balance_transaction": "balance_transaction",
    "failure_balance_transaction": "balance_transaction",
    "customer": "customer",
    "subscription": "subscription",
    "released_subscription": "subscription",
    "latest_invoice": "invoice",
    "invoice": "invoice",
    "charge": "charge",
    "credit_note": "credit_note",
    "customer_balance_transaction": "customer_balance_transaction",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "refund": "refund",
    "product": "product",
    "price": "price",
    "default_price": "price",
    "default_payment_method": "payment_method",
    "schedule": "subscription_schedule",
    "coupon": "coupon",
    "discount": "discount",
    "discounts": "discount",
    "promotion_code": "promotion_code",
}
# What a movement on the balance comes from, by the first letters of its id.
_SOURCES = {"ch": "charge", "du": "dispute", "po": "payout", "re": "refund"}
# Fields that are answered only when asked for.
_INCLUDED: dict[tuple[str, str], Callable[[Context, Json], Any]] = {
    ("charge", "refunds"): refunds.expanded,
    ("invoice", "confirmation_secret"): invoice_payments.confirmation_secret,
    ("invoice", "payments"): invoice_payments.expanded,
    ("customer", "tax_ids"): tax_ids.expanded,
    ("coupon", "applies_to"): coupons.expanded_products,
    ("price", "tiers"): prices.expanded_tiers,
}


def expand(ctx: Context, answer: Json, paths: list[str]) -> Json:
    """A copy of the answer with the paths expanded; the original stays as it is."""
    if not paths:
        return answer
    copied = snapshot(answer)
    for path in paths:
        parts = path.split(".")
        if len([part for part in parts if part != "data"]) > MAX_DEPTH:
            raise StripeError.invalid(
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}",
                param="expand",
            )
        _walk(ctx, copied, parts, path)
    return copied


def _walk(ctx: Context, node: object, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for one in node:
            _walk(ctx, one, parts, path)
        return
    if not isinstance(node, dict) or not parts:
        return
    name, rest = parts[0], parts[1:]
    include = _INCLUDED.get((str(node.get("object")), name))
    if include is not None and name not in node:
        node[name] = snapshot(include(ctx, node))
    if name not in node:
        raise StripeError.invalid(f"This property cannot be expanded ({path}).", param="expand")
    value = node[name]
    if isinstance(value, str):
        node[name] = _named(ctx, name, value, path)
    elif isinstance(value, list):
        node[name] = [
            _named(ctx, name, one, path) if isinstance(one, str) else one for one in value
        ]
    _walk(ctx, node[name], rest, path)


def _named(ctx: Context, name: str, object_id: str, path: str) -> Json:
    """A copy of the object an id names."""
    kind = _SOURCES.get(object_id.partition("_")[0]) if name == "source" else _FIELDS.get(name)
    found = ctx.account.find(kind, object_id) if kind is not None else None
    if found is None:
        raise StripeError.invalid(f"This property cannot be expanded ({path}).", param="expand")
    return snapshot(found)
