"""The words on invoice lines, in the forms that published answers of Stripe show.

`50 device × Basic (Tier 1 at $0.00 / month)`, `Basic (Tier 1 at $32.00 / month)`,
`1 × Gold Special (at $20.00 / month)`. Nothing should branch on them.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.stripe.catalogue.rating import Part
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.money import HUNDRED, plain
from dealthread.simulators.stripe.world import Context

# Currencies without minor units, of which only the yen occurs here.
_NO_MINOR_UNITS = frozenset({"jpy", "krw"})
_SIGNS = {"eur": "€", "gbp": "£", "jpy": "¥", "usd": "$"}


def of_part(ctx: Context, price: Json, part: Part) -> str:
    """The description of a subscription item's line."""
    product = ctx.get("product", price["product"], param="product")
    head = product["name"]
    if not part.is_flat_fee:
        unit = f" {product['unit_label']}" if product["unit_label"] else ""
        head = f"{plain(part.quantity)}{unit} × {head}"
    tier = "" if part.tier is None else f"Tier {part.tier} "
    transform = price["transform_quantity"]
    package = "" if transform is None else f" per {transform['divide_by']}"
    return (
        f"{head} ({tier}at {shown(part.unit_amount, price['currency'])}{package} / {_every(price)})"
    )


def shown(amount: Decimal, currency: str) -> str:
    """An amount in minor units as people read it: two decimals, or as many as it needs."""
    text = plain(amount)
    if currency not in _NO_MINOR_UNITS:
        text = plain(amount / HUNDRED)
        whole, _, cents = text.partition(".")
        text = f"{whole}.{cents.ljust(2, '0')}"
    sign = _SIGNS.get(currency)
    return f"{currency.upper()} {text}" if sign is None else f"{sign}{text}"


def _every(price: Json) -> str:
    recurring = price["recurring"]
    count = recurring["interval_count"]
    return recurring["interval"] if count == 1 else f"every {count} {recurring['interval']}s"
