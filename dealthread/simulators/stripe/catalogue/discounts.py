"""Redemptions: coupons and promotion codes that became discounts of something.

Sources: docs.stripe.com/billing/subscriptions/coupons (restrictions, stacking, `once`),
docs.stripe.com/api/discounts and the docstrings of `Discount` (stripe 16.1). A discount keeps the
terms of its coupon: deleting the coupon takes nothing away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.simulators.stripe.catalogue import coupons, promotion_codes
from dealthread.simulators.stripe.catalogue.discounting import Discount
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import shift
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.money import plain
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "discount"
# Sorts after the renewal of the same instant, which still bills what was served before it.
END = "subscription.undiscount"
_CLAIMED = "discounts"
_WAYS = ("coupon", "discount", "promotion_code")


@dataclass(frozen=True)
class Redeemed:
    """A discount object, new or kept already, with what it takes off."""

    row: Json
    terms: Discount
    is_new: bool = True


@dataclass(frozen=True)
class Redemption:
    """For whom, from when and on what coupons are redeemed."""

    customer_id: str | None
    currency: str
    start: int
    # What a promotion code's minimum is compared with; None: such codes are refused here.
    subtotal: int | None = None
    # Ids of discounts that hold already on the object or its ancestors.
    held: Sequence[str] = ()
    # Which of the discount's own references are filled, such as `subscription`.
    place: dict[str, str] = field(default_factory=dict)
    # Promised before, so that no limit is looked at any more, as when a phase begins.
    is_agreed: bool = False


def redeem(
    ctx: Context, entries: Sequence[Json], param: str, redemption: Redemption
) -> list[Redeemed]:
    """The discounts that the parameter `discounts` names; nothing is kept yet."""
    made: list[Redeemed] = []
    for index, entry in enumerate(entries):
        made.append(_one(ctx, entry, f"{param}[{index}]", redemption))
        sources = [one.row["source"]["coupon"] for one in made]
        if sources.count(sources[-1]) > 1:
            raise StripeError.refused(
                f"The coupon {sources[-1]} is applied more than once.", param=f"{param}[{index}]"
            )
    return made


def _one(ctx: Context, entry: Json, param: str, redemption: Redemption) -> Redeemed:
    given = [name for name in _WAYS if name in entry]
    if len(given) != 1:
        raise StripeError.invalid(
            f"You must specify exactly one of these parameters: {', '.join(_WAYS)}.", param=param
        )
    name = f"{param}[{given[0]}]"
    if given == ["discount"]:
        discount_id = entry["discount"]
        row = ctx.get(KIND, discount_id, param=name)
        if discount_id not in redemption.held:
            raise StripeError.refused(
                f"The discount {discount_id} is not attached to this object.", param=name
            )
        return Redeemed(row, terms_of(ctx, discount_id), is_new=False)
    code = None
    if given == ["promotion_code"]:
        code = _code(ctx, entry["promotion_code"], name, redemption)
        coupon_id = code["promotion"]["coupon"]
    else:
        coupon_id = entry["coupon"]
    if redemption.is_agreed:
        return _made(ctx, coupons.agreed(ctx, coupon_id), code, redemption)
    coupon = coupons.usable(ctx, coupon_id, redemption.customer_id, name)
    if coupon["currency"] not in (None, redemption.currency):
        raise StripeError.refused(
            f"The coupon {coupon_id} is in {coupon['currency']}, not in {redemption.currency}.",
            param=name,
        )
    return _made(ctx, coupon, code, redemption)


def _code(ctx: Context, code_id: str, param: str, redemption: Redemption) -> Json:
    """A promotion code that this customer may redeem here and now."""
    code = ctx.get(promotion_codes.KIND, code_id, param=param)
    if redemption.is_agreed:
        return code
    if not promotion_codes.is_active(ctx, code, redemption.customer_id):
        raise StripeError.refused(f"This promotion code is not active: {code_id}", param=param)
    if code["customer"] not in (None, redemption.customer_id):
        raise StripeError.refused(
            "This promotion code cannot be redeemed by this customer.", param=param
        )
    limits = code["restrictions"]
    if limits["minimum_amount"] is not None:
        if redemption.subtotal is None:
            raise StripeError.refused(
                "A promotion code with an amount restriction cannot be applied here.", param=param
            )
        if limits["minimum_amount_currency"] != redemption.currency:
            raise StripeError.unsupported(
                "a minimum amount in another currency than the invoice", param=param
            )
        if redemption.subtotal < limits["minimum_amount"]:
            raise StripeError.refused(
                "This promotion code needs a higher amount to be redeemed.", param=param
            )
    if limits["first_time_transaction"] and _has_bought(ctx, redemption.customer_id):
        raise StripeError.refused(
            "This promotion code is only for customers without prior transactions.", param=param
        )
    return code


def _has_bought(ctx: Context, customer_id: str | None) -> bool:
    """Any payment that was begun, or any trial: an invoice finalised, or a subscription."""
    if customer_id is None:
        return False
    account = ctx.account
    return any(
        invoice["status"] != "draft"
        for invoice in account.related("invoice.customer", "invoice", customer_id)
    ) or any(True for _ in account.related("subscription.customer", "subscription", customer_id))


def _made(ctx: Context, coupon: Json, code: Json | None, redemption: Redemption) -> Redeemed:
    end = None
    if coupon["duration"] == "repeating":
        months = {"interval": "month", "interval_count": coupon["duration_in_months"]}
        end = shift(redemption.start, months, 1)
    discount_id = new_id("di")
    place = redemption.place
    row: Json = {
        "id": discount_id,
        "object": KIND,
        "checkout_session": None,
        "customer": redemption.customer_id,
        "customer_account": None,
        "end": end,
        "invoice": place.get("invoice"),
        "invoice_item": place.get("invoice_item"),
        "promotion_code": None if code is None else code["id"],
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": redemption.start,
        "subscription": place.get("subscription"),
        "subscription_item": place.get("subscription_item"),
    }
    percent = coupon["percent_off"]
    terms = Discount(
        id=discount_id,
        percent_off=None if percent is None else plain(Decimal(str(percent))),
        amount_off=coupon["amount_off"],
        products=coupons.products_of(ctx, coupon),
        end=end,
    )
    return Redeemed(row, terms)


def entry_of(made: Redeemed) -> Json:
    """A discount as the phase of a schedule shows it."""
    row = made.row
    by_code = row["promotion_code"] is not None
    return {
        "coupon": None if by_code else row["source"]["coupon"],
        "discount": None,
        "promotion_code": row["promotion_code"],
    }


def keep(ctx: Context, made: Sequence[Redeemed], **place: str) -> list[str]:
    """Keep the new ones of these discounts and count them; returns the ids of all.

    `place` are references that were not known before, such as the new subscription.
    """
    for one in made:
        if not one.is_new or ctx.account.find(KIND, one.row["id"]) is not None:
            continue
        row, terms = one.row, one.terms
        row.update(place)
        ctx.account.add(KIND, row)
        coupon = coupons.agreed(ctx, row["source"]["coupon"])
        ctx.account.secret(row["id"])["terms"] = {
            "percent_off": terms.percent_off,
            "amount_off": terms.amount_off,
            "products": list(terms.products),
            "end": terms.end,
            "is_once": coupon["duration"] == "once",
        }
        coupon["times_redeemed"] += 1
        coupons.refresh(ctx, coupon, row["customer"])
        code = ctx.account.find(promotion_codes.KIND, row["promotion_code"])
        if code is not None:
            code["times_redeemed"] += 1
            promotion_codes.is_active(ctx, code, row["customer"])
        ctx.effect("discount.created", row, coupon=coupon["id"])
    return [one.row["id"] for one in made]


@contextmanager
def tentative(ctx: Context) -> Iterator[None]:
    """Take back the redemptions of an operation that is refused halfway."""
    held = set(ctx.account.of(KIND))
    try:
        yield
    except StripeError:
        for discount_id in set(ctx.account.of(KIND)) - held:
            row = ctx.account.of(KIND).pop(discount_id)
            del ctx.account.hidden[discount_id]
            coupons.agreed(ctx, row["source"]["coupon"])["times_redeemed"] -= 1
            code = ctx.account.find(promotion_codes.KIND, row["promotion_code"])
            if code is not None:
                code["times_redeemed"] -= 1
        raise


def terms_of(ctx: Context, discount_id: str) -> Discount:
    """What a kept discount takes off."""
    held = ctx.account.secret(discount_id)["terms"]
    return Discount(
        discount_id,
        held["percent_off"],
        held["amount_off"],
        tuple(held["products"]),
        held["end"],
    )


def in_force(ctx: Context, discount_ids: Sequence[str]) -> list[Discount]:
    """The terms of discounts, without those that another invoice uses up already."""
    return [
        terms_of(ctx, discount_id) for discount_id in discount_ids if not _is_used(ctx, discount_id)
    ]


def _is_used(ctx: Context, discount_id: str) -> bool:
    invoice = ctx.account.find("invoice", ctx.account.secret(discount_id).get("used_by"))
    return invoice is not None and invoice["status"] != "void"


def claim(ctx: Context, invoice: Json, lines: Sequence[Json]) -> None:
    """A draft takes the discounts that hold only once, and gives back what it names no more."""
    held = ctx.account.secret(invoice["id"])
    taken = _of_invoice(invoice, lines)
    for discount_id in held.get(_CLAIMED, []):
        if discount_id not in taken:
            ctx.account.secret(discount_id).pop("used_by", None)
    held[_CLAIMED] = taken
    for discount_id in taken:
        hidden = ctx.account.secret(discount_id)
        if hidden["terms"]["is_once"]:
            hidden["used_by"] = invoice["id"]


def consume(ctx: Context, invoice: Json, lines: Sequence[Json]) -> None:
    """A finalised invoice uses up what holds only once: its subscription shows it no more."""
    for discount_id in _of_invoice(invoice, lines):
        if ctx.account.secret(discount_id)["terms"]["is_once"]:
            detach(ctx, discount_id)


def _of_invoice(invoice: Json, lines: Sequence[Json]) -> list[str]:
    found = [*invoice["discounts"]]
    for line in lines:
        found += line["discounts"]
    return list(dict.fromkeys(found))


def plan_end(ctx: Context, subscription: Json) -> None:
    """Put the next end of a discount of a subscription on the agenda."""
    ends = [
        row["end"]
        for holder in (subscription, *subscription["items"]["data"])
        for row in (ctx.get(KIND, one) for one in holder["discounts"])
        if row["end"] is not None
    ]
    ctx.account.plan(END, subscription["id"], min(ends, default=None))


def end(ctx: Context, subscription: Json) -> None:
    """Take off what has ended by now."""
    now = ctx.now(subscription["customer"])
    for holder in (subscription, *subscription["items"]["data"]):
        for discount_id in list(holder["discounts"]):
            last = ctx.get(KIND, discount_id)["end"]
            if last is not None and last <= now:
                detach(ctx, discount_id)
    plan_end(ctx, subscription)


def detach(ctx: Context, discount_id: str) -> None:
    """Take a discount off the subscription, or the item, that shows it."""
    row = ctx.account.find(KIND, discount_id)
    subscription = None if row is None else ctx.account.find("subscription", row["subscription"])
    if subscription is None:
        return
    before = snapshot(subscription)
    for holder in (subscription, *subscription["items"]["data"]):
        if discount_id in holder["discounts"]:
            holder["discounts"] = [one for one in holder["discounts"] if one != discount_id]
    if before != subscription:
        ctx.effect("discount.removed", {"id": discount_id}, subscription=subscription["id"])
        events.emit(ctx, "customer.subscription.updated", subscription, before=before)


def delete_of_subscription(ctx: Context, params: Json, subscription_id: str) -> Json:  # noqa: ARG001
    """DELETE /v1/subscriptions/{id}/discount: its discount holds no more from the next invoice."""
    subscription = ctx.get("subscription", subscription_id)
    if len(subscription["discounts"]) > 1:
        raise StripeError.unsupported("deleting one of several discounts; update `discounts`")
    if not subscription["discounts"]:
        raise StripeError.no_such("discount", "discount", param="id")
    discount_id = subscription["discounts"][0]
    detach(ctx, discount_id)
    return {**ctx.get(KIND, discount_id), "deleted": True}


def delete_of_customer(ctx: Context, params: Json, customer_id: str) -> Json:  # noqa: ARG001
    """DELETE /v1/customers/{id}/discount: none can be there.

    Since 2025-03-31.basil no parameter of version 1 gives a customer a discount.
    """
    ctx.get("customer", customer_id)
    raise StripeError.no_such("discount", "discount", param="id")
