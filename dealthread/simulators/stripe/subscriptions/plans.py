"""What somebody wants billed, resolved: prices, tax rates and dates instead of parameters.

Subscriptions, phases of schedules and previews all pass through here, so that an item means the
same wherever it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dealthread.simulators.stripe.catalogue import prices
from dealthread.simulators.stripe.catalogue import products as catalogue
from dealthread.simulators.stripe.catalogue.discounts import Redeemed
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import is_multiple, shortest
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.metadata import fresh
from dealthread.simulators.stripe.world import Context


@dataclass(frozen=True)
class PlanItem:
    """A recurring item."""

    price: Json
    quantity: int
    # None: the default tax rates apply.
    tax_rates: Sequence[Json] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    # As redeemed with a new plan; what holds on a subscription already is on its items.
    discounts: Sequence[Redeemed] = ()
    item_id: str = field(default_factory=lambda: new_id("si", 14))


@dataclass(frozen=True)
class ExtraItem:
    """A one-time item of the next invoice. `period` is as given; None means the default."""

    price: Json
    quantity: int
    tax_rates: Sequence[Json] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    period: Json | None = None
    invoice_item_id: str = field(default_factory=lambda: new_id("ii"))
    description: str | None = None
    discounts: Sequence[Redeemed] = ()
    is_discountable: bool = True


@dataclass(frozen=True)
class Plan:
    """A subscription that exists or may exist."""

    items: Sequence[PlanItem]
    start: int
    # Periods are counted from here; a day of the month that February lacks is in it.
    anchor: int
    # The parameters it came from, as the subscription shows them.
    anchor_config: Json | None = None
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    default_tax_rates: Sequence[Json] = ()
    default_payment_method: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    # Printed on every invoice of the plan, such as the customer's order number.
    custom_fields: Sequence[Json] | None = None
    footer: str | None = None
    extras: Sequence[ExtraItem] = ()
    discounts: Sequence[Redeemed] = ()
    phase_end: int | None = None
    trial_start: int | None = None
    trial_end: int | None = None
    # As the parameters have it; None: an invoice is made, the anchor moves to the trial's end.
    trial_settings: Json | None = None
    cancel_at: int | None = None
    cancel_at_period_end: bool = False
    # False: what a period lacks of a whole one costs nothing less.
    is_prorated: bool = True
    # Periods that begin before are free, as asked for by not prorating a first part.
    free_until: int | None = None

    @property
    def currency(self) -> str:
        """The one currency of the plan."""
        currency: str = self.items[0].price["currency"]
        return currency

    @property
    def recurring(self) -> Json:
        """The shortest billing interval of the plan, which all others are multiples of."""
        return shortest([item.price["recurring"] for item in self.items])


def keep_inline_price(ctx: Context, price: Json) -> Json:
    """Keep a price made by `price_data`; Stripe keeps those inactive."""
    if ctx.account.find("price", price["id"]) is None:
        ctx.account.add("price", price)
        ctx.account.secret(price["id"])["is_inline"] = True
    return price


def items_of(ctx: Context, given: Sequence[Json], param: str) -> list[PlanItem]:
    """Recurring items from parameters."""
    if not given:
        raise StripeError.missing(param)
    items = []
    for index, entry in enumerate(given):
        name = f"{param}[{index}]"
        price = _price(ctx, entry, name)
        if price["recurring"] is None:
            raise StripeError.refused(
                f"The price specified is set to `type=one_time` but this field only accepts prices "
                f"with `type=recurring`: {price['id']}",
                param=f"{name}[price]",
            )
        items.append(
            PlanItem(
                price=price,
                quantity=_quantity(entry, price, name),
                tax_rates=rates_of(ctx, entry, f"{name}[tax_rates]"),
                metadata=fresh(entry),
            )
        )
    check_alike([item.price for item in items], param)
    return items


def extras_of(ctx: Context, given: Sequence[Json], param: str, currency: str) -> list[ExtraItem]:
    """One-time items from parameters, in the currency of the plan."""
    extras = []
    for index, entry in enumerate(given):
        name = f"{param}[{index}]"
        price = one_time_price(ctx, entry, name)
        if price["currency"] != currency:
            raise _currency_conflict(price["currency"], currency, f"{name}[price_data][currency]")
        extras.append(
            ExtraItem(
                price=price,
                quantity=entry.get("quantity", 1),
                tax_rates=rates_of(ctx, entry, f"{name}[tax_rates]"),
                metadata=fresh(entry),
                period=entry.get("period"),
                description=entry.get("description"),
            )
        )
    return extras


def one_time_price(ctx: Context, entry: Json, name: str) -> Json:
    """The price of a one-time item, kept already or still to be kept."""
    price = _price(ctx, entry, name)
    if price["recurring"] is not None:
        raise StripeError.refused(
            "The price specified is set to `type=recurring` but this field only accepts "
            f"prices with `type=one_time`: {price['id']}",
            param=_inside(name, "price"),
        )
    return price


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def default_rates(ctx: Context, given: Json, param: str = "default_tax_rates") -> list[Json]:
    """The `default_tax_rates` of a subscription or phase."""
    name = param.rsplit("[", 1)[-1].rstrip("]")
    return catalogue.usable_tax_rates(ctx, given.get(name) or [], param)


def check_currency(customer: Json | None, currency: str) -> None:
    """One currency per customer, set by the first subscription or invoice."""
    if customer is not None and customer["currency"] not in (None, currency):
        raise StripeError.refused(
            "You cannot combine currencies on a single customer. This customer has an active "
            f"subscription, subscription schedule, discount, quote, or invoice item with currency "
            f"{customer['currency']}",
            param="currency",
        )


def rates_of(ctx: Context, entry: Json, param: str) -> list[Json] | None:
    """The tax rates of an item; None where the default ones apply."""
    if not entry.get("tax_rates"):
        # An empty string unsets the item's own rates: the defaults apply again.
        return None
    return catalogue.usable_tax_rates(ctx, entry["tax_rates"], param)


def _quantity(entry: Json, price: Json, name: str) -> int:
    """Usage decides the quantity of a metered item."""
    if prices.is_metered(price):
        if "quantity" in entry:
            raise StripeError.refused(
                "You may not specify a quantity for a metered price.", param=f"{name}[quantity]"
            )
        return 0
    quantity: int = entry.get("quantity", 1)
    return quantity


def _price(ctx: Context, entry: Json, name: str) -> Json:
    if "price" in entry and "price_data" in entry:
        raise StripeError.invalid(
            "You may only specify one of these parameters: price, price_data.", param=name
        )
    if "price" in entry:
        price = ctx.get("price", entry["price"], param=_inside(name, "price"))
        if not price["active"]:
            raise StripeError.refused(
                "The price specified is inactive. This field only accepts active prices.",
                param=_inside(name, "price"),
            )
        return price
    if "price_data" not in entry:
        raise StripeError.missing(_inside(name, "price"))
    data = entry["price_data"]
    return prices.build(
        ctx,
        data,
        param=_inside(name, "price_data"),
        recurring=data.get("recurring"),
        is_active=False,
    )


def check_alike(prices: Sequence[Json], param: str) -> None:
    """One currency, and intervals that are multiples of the shortest one."""
    first = prices[0]
    common = shortest([price["recurring"] for price in prices])
    for index, price in enumerate(prices):
        if price["currency"] != first["currency"]:
            raise _currency_conflict(
                price["currency"], first["currency"], f"{param}[{index}][price]"
            )
        if not is_multiple(price["recurring"], common):
            raise StripeError.refused(
                "The billing interval of each price must be a multiple of the shortest one on the "
                "subscription.",
                param=f"{param}[{index}]",
            )


def _currency_conflict(given: str, expected: str, param: str) -> StripeError:
    return StripeError.refused(
        f"The price specified supports currencies of `{given}`. This doesn't match the expected "
        f"currency: `{expected}`.",
        param=param,
    )
