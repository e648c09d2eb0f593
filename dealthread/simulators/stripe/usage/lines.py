"""Lines of metered items: usage in arrears, period by period, from where it was billed last.

docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup, for flexible billing: an
item added in mid-cycle bills usage from then on, a backdated start is billed by the first invoice,
the last invoice bills the last period, usage is never prorated. And
docs.stripe.com/billing/subscriptions/billing-mode/compare: no zero lines when an item begins,
backdated usage in a line for each period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dealthread.simulators.stripe.catalogue import descriptions, prices
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.line_parents import invoice_item_parent, item_parent
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import Plan, PlanItem
from dealthread.simulators.stripe.subscriptions.spans import spans_between
from dealthread.simulators.stripe.usage import counting as usage
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context

_BILLED = "usage_billed_until"


def charges(
    ctx: Context,
    plan: Plan,
    item: PlanItem,
    *,
    subscription_id: str | None,
    customer_id: str | None,
    at: int,
    is_final: bool = False,
) -> list[Charge]:
    """The usage of an item that no invoice bills yet, for the periods that have ended.

    A final invoice also bills the period that ends early with it.
    """
    begin = _billed_until(ctx, plan, item, subscription_id)
    found: list[Charge] = []
    if begin >= at:
        return found
    for span in spans_between(plan, item.price["recurring"], begin, at):
        start, end = max(span.start, begin), span.end
        if start >= at or (end > at and not is_final):
            break
        if span.is_trial:
            continue
        found += _of_period(ctx, item, subscription_id, customer_id, (start, min(end, at)))
    return found


def early(
    ctx: Context, plan: Plan, item: PlanItem, *, subscription_id: str, customer_id: str, at: int
) -> list[Charge]:
    """Invoice items for the usage of an item whose price goes before its period ends."""
    found = charges(
        ctx,
        plan,
        item,
        subscription_id=subscription_id,
        customer_id=customer_id,
        at=at,
        is_final=True,
    )
    return [
        replace(
            charge,
            parent=invoice_item_parent(new_id("ii"), subscription_id),
            fixed_amount=charge.amount,
            part=None,
        )
        for charge in found
        if charge.amount
    ]


def restart(ctx: Context, item_id: str, at: int) -> None:
    """Usage before this instant is not for the item's next invoices."""
    ctx.account.secret(item_id)[_BILLED] = at


def _of_period(
    ctx: Context,
    item: PlanItem,
    subscription_id: str | None,
    customer_id: str | None,
    period: tuple[int, int],
) -> list[Charge]:
    quantity = usage.quantity(ctx, item.price, customer_id, *period)
    return [
        Charge(
            price=item.price,
            quantity=part.quantity,
            period=period,
            description=descriptions.of_part(ctx, item.price, part),
            parent=item_parent(subscription_id, item.item_id),
            tax_rates=item.tax_rates,
            metadata=item.metadata,
            subscription=subscription_id,
            part=part,
            discounted_at=period[0],
        )
        for part in prices.rate(ctx, item.price, quantity)
    ]


def _billed_until(ctx: Context, plan: Plan, item: PlanItem, subscription_id: str | None) -> int:
    """From where the usage of an item is still to be billed."""
    held: int | None = ctx.account.hidden.get(item.item_id, {}).get(_BILLED)
    if held is not None:
        return held
    subscription = ctx.account.find("subscription", subscription_id)
    if subscription is not None:
        for row in subscription["items"]["data"]:
            if row["id"] == item.item_id and row["created"] > subscription["created"]:
                created: int = row["created"]
                return created
    return plan.start


def mark(ctx: Context, charged: Sequence[Charge]) -> None:
    """Remember up to where a new draft bills usage."""
    for charge in charged:
        item_id = item_of(charge)
        if item_id is not None:
            hidden = ctx.account.secret(item_id)
            hidden[_BILLED] = max(hidden.get(_BILLED, 0), charge.period[1])


def item_of(charge: Charge) -> str | None:
    """The metered subscription item whose usage a charge bills, or None."""
    details: Json | None = charge.parent["subscription_item_details"]
    if details is None or charge.fixed_amount is not None or not prices.is_metered(charge.price):
        return None
    item_id: str = details["subscription_item"]
    return item_id


def recounted(ctx: Context, charge: Charge, customer_id: str) -> list[Charge]:
    """The lines of a charge's item and period with the usage as it is now."""
    item_id = item_of(charge)
    if item_id is None:
        return [charge]
    item = PlanItem(
        price=charge.price,
        quantity=0,
        tax_rates=charge.tax_rates,
        metadata=charge.metadata,
        item_id=item_id,
    )
    return _of_period(ctx, item, charge.subscription, customer_id, charge.period)
