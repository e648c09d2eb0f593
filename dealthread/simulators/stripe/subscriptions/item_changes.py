"""The items of a request that changes a subscription: kept, changed, added or deleted.

Sources: docs.stripe.com/billing/subscriptions/change-price and docstrings of
`SubscriptionUpdateParamsItem`, stripe 16.1: an entry without an id adds an item, one with an id
changes it, a new price without a quantity has the quantity 1, and items not named stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dealthread.simulators.stripe.catalogue.prices import is_metered
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import PlanItem, items_of, rates_of
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context

MAX_ITEMS = 20
_BESIDE_DISCOUNTS = frozenset({"discounts", "id", "metadata", "tax_rates"})


@dataclass(frozen=True)
class ItemChange:
    """An item as it was, by id, and as it will be; None for what is not there."""

    old_id: str | None
    item: PlanItem | None


def read(
    ctx: Context, subscription: Json, given: Sequence[Json], param: str = "items"
) -> list[ItemChange]:
    """All items of the subscription after the request, the deleted ones included."""
    changes = {
        one["id"]: ItemChange(one["id"], _present(one)) for one in subscription["items"]["data"]
    }
    added: list[ItemChange] = []
    seen: set[str] = set()
    for index, entry in enumerate(given):
        name = f"{param}[{index}]" if param else ""
        item_id = entry.get("id")
        if "discounts" in entry and (item_id is None or set(entry) - _BESIDE_DISCOUNTS):
            raise StripeError.unsupported(
                "discounts of an item together with what prorates it",
                param=f"{name}[discounts]" if name else "discounts",
            )
        if item_id is None:
            if entry.get("deleted"):
                raise StripeError.refused("Only an item with an id can be deleted.", param=name)
            made = items_of(ctx, [entry], param or "items")[0]
            _check_new(changes, added, made, name)
            added.append(ItemChange(None, made))
            continue
        if item_id not in changes:
            raise StripeError.no_such("subscription item", item_id, param=f"{name}[id]")
        if item_id in seen:
            raise StripeError.refused(
                "You may only specify an item once in a request.", param=f"{name}[id]"
            )
        seen.add(item_id)
        changes[item_id] = _changed(ctx, changes[item_id], entry, param, name)
    found = [*changes.values(), *added]
    if len([one for one in found if one.item is not None]) > MAX_ITEMS:
        raise StripeError.refused(f"A subscription has at most {MAX_ITEMS} items.", param=param)
    return found


def unchanged(subscription: Json) -> list[ItemChange]:
    """The items as they are."""
    return [ItemChange(one["id"], _present(one)) for one in subscription["items"]["data"]]


def _present(row: Json) -> PlanItem:
    return PlanItem(
        price=row["price"],
        quantity=row["quantity"] or 0,
        tax_rates=row["tax_rates"] or None,
        metadata=row["metadata"],
        item_id=row["id"],
    )


def _check_new(
    held: dict[str, ItemChange], added: Sequence[ItemChange], made: PlanItem, name: str
) -> None:
    """Two items with one price are refused, as Stripe does."""
    for one in (*held.values(), *added):
        if one.item is not None and one.item.price["id"] == made.price["id"]:
            raise StripeError.refused(
                f"Cannot add multiple subscription items with the same price: {made.price['id']}.",
                param=f"{name}[price]" if name else "price",
            )


def _changed(ctx: Context, change: ItemChange, entry: Json, param: str, name: str) -> ItemChange:
    item = change.item
    if item is None or entry.get("deleted"):
        return ItemChange(change.old_id, None)
    if "price" in entry or "price_data" in entry:
        fresh = items_of(ctx, [entry], param or "items")[0]
        # A price named again, but not another one, keeps the quantity.
        quantity = fresh.quantity
        if "quantity" not in entry and fresh.price["id"] == item.price["id"]:
            quantity = item.quantity
        item = replace(item, price=fresh.price, quantity=quantity)
    elif "quantity" in entry and is_metered(item.price):
        raise StripeError.refused(
            "You may not specify a quantity for a metered price.",
            param=f"{name}[quantity]" if name else "quantity",
        )
    elif "quantity" in entry:
        item = replace(item, quantity=entry["quantity"])
    if "tax_rates" in entry:
        item = replace(item, tax_rates=rates_of(ctx, entry, f"{name}[tax_rates]"))
    if "metadata" in entry:
        row = {"metadata": dict(item.metadata)}
        metadata.merge(row, entry)
        item = replace(item, metadata=row["metadata"])
    return ItemChange(change.old_id, item)
