"""Discounts of plans and bills: redeemed with them, inherited by what they bill later.

docs.stripe.com/billing/subscriptions/coupons: items have their own discounts, which come before
those of the subscription; an invoice takes over what holds on its subscription when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.catalogue.discounts import Redeemed, Redemption
from dealthread.simulators.stripe.invoices.bill import Bill
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import ExtraItem, Plan, PlanItem
from dealthread.simulators.stripe.world import Context


def redeemed(
    ctx: Context,
    plan: Plan,
    given: Json,
    *,
    customer_id: str | None,
    charges: Sequence[Charge] | None = None,
    param: str = "",
    is_agreed: bool = False,
) -> Plan:
    """The plan with the discounts that its parameters name.

    `charges` are those of its first invoice, for promotion codes that need an amount; None where
    Stripe does not allow such codes (future phases, updates).
    """
    common = Redemption(customer_id, plan.currency, plan.start, is_agreed=is_agreed)
    subtotal = None if charges is None else sum(charge.amount for charge in charges)

    def name(key: str) -> str:
        return f"{param}[{key}]" if param else key

    items: list[PlanItem] = []
    for index, (item, entry) in enumerate(zip(plan.items, given["items"], strict=True)):
        place = replace(common, place={"subscription_item": item.item_id})
        where = f"{name('items')}[{index}][discounts]"
        made = discounts.redeem(ctx, entry.get("discounts") or [], where, place)
        items.append(replace(item, discounts=made))
    extras = redeemed_extras(
        ctx, plan.extras, given.get("add_invoice_items") or [], name("add_invoice_items"), common
    )
    own = discounts.redeem(
        ctx,
        given.get("discounts") or [],
        name("discounts"),
        replace(common, subtotal=subtotal),
    )
    return replace(plan, items=items, extras=extras, discounts=own)


def redeemed_extras(
    ctx: Context,
    extras: Sequence[ExtraItem],
    given: Sequence[Json],
    param: str,
    common: Redemption,
) -> list[ExtraItem]:
    """One-time items with the discounts that their parameters name."""
    found: list[ExtraItem] = []
    for index, (extra, entry) in enumerate(zip(extras, given, strict=True)):
        place = replace(common, place={"invoice_item": extra.invoice_item_id})
        where = f"{param}[{index}][discounts]"
        made = discounts.redeem(ctx, entry.get("discounts") or [], where, place)
        # A phase that says nothing shows null.
        is_discountable = entry.get("discountable") is not False
        found.append(replace(extra, discounts=made, is_discountable=is_discountable))
    return found


def of_new(bill: Bill, plan: Plan) -> Bill:
    """The first bill of a plan, whose discounts are not on any subscription yet."""
    own = {item.item_id: item.discounts for item in plan.items}
    return replace(
        bill,
        charges=[_with(charge, own.get(_owner(charge) or "", ())) for charge in bill.charges],
        discounts=[one.terms for one in plan.discounts],
    )


def _owner(charge: Charge) -> str | None:
    """The subscription item of a charge."""
    item = charge.parent["subscription_item_details"]
    owner: str | None = None if item is None else item["subscription_item"]
    return owner


def _with(charge: Charge, made: Sequence[Redeemed]) -> Charge:
    return replace(charge, discounts=[*charge.discounts, *(one.terms for one in made)])


def keep(ctx: Context, plan: Plan, subscription: Json) -> None:
    """Keep the discounts of a plan with its new subscription."""
    place = {"subscription": subscription["id"]}
    subscription["discounts"] = discounts.keep(ctx, plan.discounts, **place)
    rows = subscription["items"]["data"]
    for item, row in zip(plan.items, rows, strict=True):
        row["discounts"] = discounts.keep(ctx, item.discounts, **place)
    for extra in plan.extras:
        discounts.keep(ctx, extra.discounts)
    discounts.plan_end(ctx, subscription)


def update(ctx: Context, subscription: Json, given: Sequence[Json]) -> None:
    """`discounts` of an update: exactly these hold from the next invoice on."""
    redemption = Redemption(
        subscription["customer"],
        subscription["currency"],
        ctx.now(subscription["customer"]),
        held=subscription["discounts"],
        place={"subscription": subscription["id"]},
    )
    made = discounts.redeem(ctx, given, "discounts", redemption)
    subscription["discounts"] = discounts.keep(ctx, made)
    discounts.plan_end(ctx, subscription)


def update_items(
    ctx: Context, subscription: Json, given: Sequence[Json], param: str = "items"
) -> None:
    """`discounts` of items in an update; `item_changes` has checked what stands beside them."""
    rows = {row["id"]: row for row in subscription["items"]["data"]}
    for index, entry in enumerate(given):
        if "discounts" not in entry:
            continue
        row = rows[entry["id"]]
        redemption = Redemption(
            subscription["customer"],
            subscription["currency"],
            ctx.now(subscription["customer"]),
            held=[*row["discounts"], *subscription["discounts"]],
            place={"subscription": subscription["id"], "subscription_item": row["id"]},
        )
        name = f"{param}[{index}][discounts]" if param else "discounts"
        made = discounts.redeem(ctx, entry["discounts"], name, redemption)
        row["discounts"] = discounts.keep(ctx, made)
    discounts.plan_end(ctx, subscription)


def enter(ctx: Context, before: Json, subscription: Json, phase: Json) -> None:
    """The discounts of a phase that begins; a coupon that held before goes on as it was."""
    place = {"subscription": subscription["id"]}
    old = {row["id"]: row["discounts"] for row in before["items"]["data"]}
    subscription["discounts"] = _carried(
        ctx, subscription, phase["discounts"], before["discounts"], place
    )
    rows = subscription["items"]["data"]
    for row, item in zip(rows, phase["items"], strict=True):
        here = {**place, "subscription_item": row["id"]}
        held = old.get(row["id"], [])
        row["discounts"] = _carried(ctx, subscription, item["discounts"], held, here)
    discounts.plan_end(ctx, subscription)


def _carried(
    ctx: Context,
    subscription: Json,
    entries: Sequence[Json],
    held: Sequence[str],
    place: dict[str, str],
) -> list[str]:
    by_coupon = {ctx.get(discounts.KIND, one)["source"]["coupon"]: one for one in held}
    redemption = Redemption(
        subscription["customer"],
        subscription["currency"],
        ctx.now(subscription["customer"]),
        place=place,
        is_agreed=True,
    )
    ids: list[str] = []
    for made in discounts.redeem(ctx, plain_entries(entries), "discounts", redemption):
        kept = by_coupon.get(made.row["source"]["coupon"])
        ids += discounts.keep(ctx, [made]) if kept is None else [kept]
    return ids


def plain_entries(entries: Sequence[Json]) -> list[Json]:
    """Entries as a phase shows them, as parameters again."""
    return [{name: one for name, one in entry.items() if one is not None} for entry in entries]


def plain_phase(phase: Json) -> Json:
    """The discounts of a stored phase, as parameters again."""
    return {
        "discounts": plain_entries(phase["discounts"]),
        "items": [{"discounts": plain_entries(row["discounts"])} for row in phase["items"]],
        "add_invoice_items": [
            {
                "discounts": plain_entries(row["discounts"]),
                "discountable": row["discountable"],
            }
            for row in phase["add_invoice_items"]
        ],
    }
