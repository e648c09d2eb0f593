"""What happens to an unpaid invoice as time passes: retries, the due date, the end of patience.

Sources: docs.stripe.com/billing/revenue-recovery/smart-retries and the docstring of
`Subscription.status` (stripe 16.1): past due when a payment failed or a due date passed; after the
last retry canceled, unpaid or left past due, as the account has it.
"""

from __future__ import annotations

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.payments import retries
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions.status import is_over, set_status, settle
from dealthread.simulators.stripe.world import Context


def happen(ctx: Context, invoice: Json, deed: str) -> None:
    """A retry or a due date has come."""
    if invoice["status"] != "open":
        return
    if deed == retries.RETRY:
        invoicing.collect(ctx, invoice)
        settle(ctx, invoice)
        conclude(ctx, invoice)
        return
    ctx.effect("invoice.overdue", invoice, number=invoice["number"])
    events.emit(ctx, "invoice.overdue", invoice)
    subscription = invoicing.subscription_of(ctx, invoice)
    if subscription is not None and subscription["status"] == "active":
        set_status(ctx, subscription, "past_due")


def conclude(ctx: Context, invoice: Json) -> None:
    """After the last retry has failed, do what the account's settings say."""
    if not retries.is_exhausted(ctx, invoice):
        return
    config = ctx.account.config
    subscription = invoicing.subscription_of(ctx, invoice)
    if config.invoice_after_retries == "uncollectible":
        invoicing.write_off(ctx, invoice)
    if subscription is None or is_over(subscription) or subscription["status"] == "incomplete":
        return
    if config.subscription_after_retries == "canceled":
        subscription_engine.cancel(ctx, subscription, reason="payment_failed")
    else:
        set_status(ctx, subscription, config.subscription_after_retries)
