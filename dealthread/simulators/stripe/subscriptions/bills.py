"""The invoices of subscriptions: what is pending, what periods begin, as one bill.

The first invoice of a plan, the one of a renewal and that of a change are all made here.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from dealthread.simulators.stripe.catalogue import plan_discounts
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.bill import Bill, Payer, charges_of
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import pauses
from dealthread.simulators.stripe.subscriptions.plans import Plan
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context


def bill_of(
    plan: Plan,
    payer: Payer,
    charges: Sequence[Charge],
    *,
    invoice_id: str,
    subscription_id: str | None,
    at: int,
    reason: str,
    period: tuple[int, int],
) -> Bill:
    """An invoice of a plan for these charges."""
    return Bill(
        invoice_id=invoice_id,
        payer=payer,
        currency=plan.currency,
        charges=charges,
        at=at,
        billing_reason=reason,
        collection_method=plan.collection_method,
        default_tax_rates=plan.default_tax_rates,
        period=period,
        custom_fields=plan.custom_fields,
        footer=plan.footer,
        subscription_id=subscription_id,
        subscription_metadata=plan.metadata,
    )


def first_bill(
    ctx: Context,
    plan: Plan,
    payer: Payer,
    *,
    invoice_id: str,
    subscription_id: str | None,
    at: int,
) -> Bill:
    """The first invoice of a plan: every period from its start to the one that holds `at`, and
    what is pending for the customer."""
    moment = max(at, plan.start)
    charges = charges_of(
        ctx,
        plan,
        subscription_id=subscription_id,
        at=moment,
        since=plan.start,
        customer_id=payer.id,
    )
    if charges:
        charges = [*invoice_items.pending(ctx, payer.id, subscription_id), *charges]
    bill = bill_of(
        plan,
        payer,
        charges,
        invoice_id=invoice_id,
        subscription_id=subscription_id,
        at=moment,
        reason="subscription_create",
        period=(moment, moment),
    )
    return plan_discounts.of_new(bill, plan)


def draft_now(
    ctx: Context,
    subscription: Json,
    plan: Plan,
    *,
    at: int,
    reason: str,
    period: tuple[int, int],
    only: Container[str],
    is_final: bool = False,
) -> Json | None:
    """Draft an invoice of what is pending and of the periods of some items; None when empty."""
    customer = ctx.get("customer", subscription["customer"])
    charges = [
        *invoice_items.pending(ctx, customer["id"], subscription["id"]),
        *charges_of(
            ctx,
            plan,
            subscription_id=subscription["id"],
            at=at,
            since=at,
            only=only,
            customer_id=customer["id"],
            is_final=is_final,
        ),
    ]
    if not charges:
        return None
    bill = bill_of(
        plan,
        Payer.of(customer),
        charges,
        invoice_id=new_id("in"),
        subscription_id=subscription["id"],
        at=at,
        reason=reason,
        period=period,
    )
    invoice = invoicing.open_draft(ctx, bill, days_until_due=plan.days_until_due)
    subscription["latest_invoice"] = invoice["id"]
    pauses.hold(ctx, subscription, invoice)
    return invoice
