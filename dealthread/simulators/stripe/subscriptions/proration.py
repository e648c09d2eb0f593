"""Proration to the second: credits for time that was billed, debits for time that was not.

The one place for it; an update, a preview, a cancellation and a phase call it alike. Sources:
docs.stripe.com/billing/subscriptions/prorations (flexible billing) and its example of a preview,
whose lines are -166 and 541 for 445,540 of 2,678,400 seconds at 1,000 and 3,252. Assumed: halves
are rounded away from zero, and parts that come to nothing make no item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices.bill import (
    Bill,
    Payer,
    draft,
    item_charges,
    product_name,
)
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.line_parents import item_parent
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import debits
from dealthread.simulators.stripe.subscriptions.debits import Debit
from dealthread.simulators.stripe.subscriptions.plans import Plan, PlanItem
from dealthread.simulators.stripe.subscriptions.spans import Span, part_of, spans_between
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context


@dataclass(frozen=True)
class Proration:
    """One proration item to be, and the debit it gives back, if it is a credit."""

    charge: Charge
    item_id: str
    debit: Debit | None = None


def credits(
    ctx: Context, subscription: Json, item_id: str, since: int, until: int
) -> list[Proration]:
    """Credits for the time [since, until) of an item as far as it was billed."""
    found = []
    for left in debits.unused(ctx, subscription, item_id):
        debit = left.debit
        start, end = max(since, debit.period[0]), min(until, left.until)
        if start >= end:
            continue
        amount = min(part_of(debit.amount, (start, end), debit.period), left.left)
        if amount == 0:
            continue
        price = ctx.get("price", debit.price_id)
        shown = None
        if debit.invoice is not None:
            shown = {"invoice": debit.invoice, "invoice_line_items": [debit.line]}
        charge = Charge(
            price=price,
            quantity=debit.quantity,
            period=(start, end),
            description=_describe(ctx, "Unused", price, debit.quantity, start),
            parent=item_parent(
                subscription["id"],
                item_id,
                is_proration=True,
                invoice_item=new_id("ii"),
                credited=shown,
            ),
            tax_rates=debit.tax_rates,
            subscription=subscription["id"],
            fixed_amount=-amount,
            is_discountable=False,
        )
        found.append(Proration(charge, item_id, debit))
    return found


def owed(
    ctx: Context, plan: Plan, item: PlanItem, since: int, until: int, subscription_id: str
) -> list[Proration]:
    """Debits for the time [since, until) of an item, one for each period it lies in."""
    found = []
    for span in spans_between(plan, item.price["recurring"], since, until - 1):
        start, end = max(since, span.start), min(until, span.end)
        if span.is_trial or start >= end:
            continue
        whole = _net(ctx, plan, item, span, subscription_id)
        amount = part_of(whole, (start, end), span.whole)
        if amount == 0:
            continue
        charge = Charge(
            price=item.price,
            quantity=item.quantity,
            period=(start, end),
            description=_describe(ctx, "Remaining", item.price, item.quantity, start),
            parent=item_parent(
                subscription_id, item.item_id, is_proration=True, invoice_item=new_id("ii")
            ),
            tax_rates=item.tax_rates,
            subscription=subscription_id,
            fixed_amount=amount,
            is_discountable=False,
        )
        found.append(Proration(charge, item.item_id))
    return found


def _net(ctx: Context, plan: Plan, item: PlanItem, span: Span, subscription_id: str) -> int:
    """What a whole period of an item costs now, after the discounts that hold.

    Discounts are spread over all items in proportion, as an invoice of whole periods would.
    """
    whole = replace(span, start=span.whole[0], end=span.whole[1])
    charges = [
        replace(charge, discounted_at=span.start)
        for one in plan.items
        for charge in item_charges(ctx, plan, one, whole, subscription_id)
    ]
    bill = Bill(
        invoice_id="",
        payer=Payer(None),
        currency=plan.currency,
        charges=charges,
        at=span.start,
        billing_reason="upcoming",
        collection_method=plan.collection_method,
        subscription_id=subscription_id,
    )
    return sum(
        line["amount"] - sum(one["amount"] for one in line["discount_amounts"])
        for line in draft(ctx, bill)[1]
        if line["parent"]["subscription_item_details"]["subscription_item"] == item.item_id
    )


def _describe(ctx: Context, kind: str, price: Json, quantity: int, since: int) -> str:
    day = datetime.fromtimestamp(since, UTC)
    name = product_name(ctx, price)
    counted = name if quantity == 1 else f"{quantity} × {name}"
    return f"{kind} time on {counted} after {day:%d %b %Y}"


def keep(ctx: Context, customer_id: str, prorations: Sequence[Proration]) -> None:
    """Keep prorations as pending invoice items, so that an invoice lists them in this order."""
    for one in reversed(prorations):
        debit = one.debit
        shown = None if debit is None else debit.as_item_shows()
        row = invoice_items.keep(ctx, customer_id, one.charge, credited=shown)
        if debit is not None:
            debits.remember_credit(ctx, one.item_id, debit, row)
