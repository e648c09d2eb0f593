"""Changing a subscription: terms, items, cycle, trial and end, billed as asked for.

Sources: docs.stripe.com/billing/subscriptions/{change-price,prorations,billing-cycle,
pause-payment} and docstrings of `SubscriptionUpdateParams`, stripe 16.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dealthread.simulators.stripe.catalogue import discounts, plan_discounts
from dealthread.simulators.stripe.catalogue.discounts import Redemption
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.bill import Payer, charges_of, draft, extra_charges
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.requests import no_payment_method
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import item_changes, pauses, proration, trials
from dealthread.simulators.stripe.subscriptions.change import Proposal, Terms, propose
from dealthread.simulators.stripe.subscriptions.item_changes import ItemChange
from dealthread.simulators.stripe.subscriptions.plans import (
    ExtraItem,
    default_rates,
    extras_of,
    keep_inline_price,
)
from dealthread.simulators.stripe.subscriptions.requests import check_terms
from dealthread.simulators.stripe.subscriptions.shape import plan_of
from dealthread.simulators.stripe.subscriptions.status import CANCEL, is_over, set_status, settle
from dealthread.simulators.stripe.usage import lines as usage_lines
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context, snapshot, whole_or_nothing

_HARMLESS = frozenset({"expand", "metadata", "cancellation_details"})
_ENDING = frozenset({"cancel_at", "cancel_at_period_end"})
# What changes the cycle or the amounts.
_BILLED = frozenset({"add_invoice_items", "billing_cycle_anchor", "items", "trial_end"}) | _ENDING
_SHOWN = (
    "billing_cycle_anchor",
    "billing_cycle_anchor_config",
    "cancel_at",
    "cancel_at_period_end",
    "items",
    "trial_end",
    "trial_start",
)


def update(ctx: Context, params: Json, subscription_id: str) -> Json:
    """POST /v1/subscriptions/{id}."""
    subscription = ctx.get("subscription", subscription_id)
    changes = set(params) - _HARMLESS
    check_open(subscription, changes)
    before = snapshot(subscription)
    proposal = None
    extras: list[ExtraItem] = []
    with whole_or_nothing(subscription), discounts.tentative(ctx):
        _change_terms(ctx, subscription, params, changes)
        if changes & _BILLED:
            if params.get("add_invoice_items") and "proration_behavior" in params:
                # No page says whether they make an invoice at once.
                raise StripeError.unsupported(
                    "add_invoice_items beside proration_behavior", param="add_invoice_items"
                )
            extras = _extras(ctx, subscription, params)
            wanted = item_changes.read(ctx, subscription, params.get("items", []))
            plan_discounts.update_items(ctx, subscription, params.get("items", []))
            proposal = proposed(ctx, subscription, wanted, params)
    metadata.merge(subscription, params)
    if proposal is not None:
        # `parent.subscription_details.metadata` of an invoice: the subscription's when the invoice
        # is created (docstring of `Invoice`, stripe 16.1), so the changed ones.
        proposal.plan = replace(proposal.plan, metadata=dict(subscription["metadata"]))
    pauses.plan_collection(ctx, subscription)
    _keep_extras(ctx, subscription, extras)
    if proposal is not None:
        commit(ctx, subscription, proposal, params)
    ctx.effect("subscription.updated", subscription)
    events.emit(ctx, "customer.subscription.updated", subscription, before=before)
    return subscription


def check_open(subscription: Json, changes: set[str]) -> None:
    """Refuse a change that the subscription's state does not allow."""
    if is_over(subscription) and changes:
        raise StripeError.refused(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    if not changes & _BILLED:
        return
    if subscription["schedule"] is not None:
        if not changes & (_BILLED - _ENDING):
            raise StripeError.refused(
                f"The subscription is managed by the subscription schedule "
                f"`{subscription['schedule']}`, and updating any cancelation behavior directly is "
                "not allowed. Please update the schedule instead."
            )
        raise StripeError.unsupported("changing a subscription that a schedule manages")
    if subscription["status"] == "incomplete" and changes & (_BILLED - _ENDING):
        raise StripeError.refused(
            "This subscription cannot be updated in this way while it is incomplete."
        )
    if subscription["status"] == "paused":
        raise StripeError.unsupported("changing a paused subscription")


def _change_terms(ctx: Context, subscription: Json, params: Json, changes: set[str]) -> None:
    collection = str(params.get("collection_method", subscription["collection_method"]))
    if changes & {"collection_method", "days_until_due"}:
        terms = {"days_until_due": params.get("days_until_due", subscription["days_until_due"])}
        if collection == "charge_automatically" and "days_until_due" not in params:
            terms = {}
        subscription["days_until_due"] = check_terms(terms, collection)
        subscription["collection_method"] = collection
    if "default_payment_method" in params:
        subscription["default_payment_method"] = payment_methods.owned_by(
            ctx,
            params["default_payment_method"],
            subscription["customer"],
            param="default_payment_method",
        )
    if "default_tax_rates" in params:
        subscription["default_tax_rates"] = default_rates(ctx, params)
    if "description" in params:
        subscription["description"] = params["description"]
    for name, value in (params.get("invoice_settings") or {}).items():
        # An empty list, as sent to remove the fields, is shown as null.
        subscription["invoice_settings"][name] = value or None
    if "discounts" in params:
        plan_discounts.update(ctx, subscription, params["discounts"])
    for name, value in (params.get("cancellation_details") or {}).items():
        subscription["cancellation_details"][name] = value
    for name, value in ((params.get("trial_settings") or {}).get("end_behavior") or {}).items():
        subscription["trial_settings"]["end_behavior"][name] = value
    if "pause_collection" in params:
        pauses.set_collection(ctx, subscription, params["pause_collection"])


def _extras(ctx: Context, subscription: Json, params: Json) -> list[ExtraItem]:
    """The one-time items of a request; nothing is kept."""
    given, param = params.get("add_invoice_items", []), "add_invoice_items"
    now, currency = ctx.now(subscription["customer"]), subscription["currency"]
    return plan_discounts.redeemed_extras(
        ctx,
        extras_of(ctx, given, param, currency),
        given,
        param,
        Redemption(subscription["customer"], currency, now),
    )


def _keep_extras(ctx: Context, subscription: Json, extras: Sequence[ExtraItem]) -> None:
    """One-time items wait for the next invoice of the subscription."""
    items = subscription["items"]["data"]
    span = (
        max(item["current_period_start"] for item in items),
        min(item["current_period_end"] for item in items),
    )
    now, plan = ctx.now(subscription["customer"]), plan_of(subscription)
    for extra in extras:
        keep_inline_price(ctx, extra.price)
        discounts.keep(ctx, extra.discounts)
    for charge in extra_charges(ctx, replace(plan, extras=extras), subscription["id"], span, now):
        invoice_items.keep(ctx, subscription["customer"], charge)


def terms_of(params: Json) -> Terms:
    """The cycle, trial and end that a request wants."""
    return Terms(
        behavior=params.get("proration_behavior", "create_prorations"),
        proration_date=params.get("proration_date"),
        is_anchored_now=(params.get("billing_cycle_anchor") or {}).get("type") == "now",
        trial_end=params.get("trial_end"),
        ending={name: params[name] for name in _ENDING if name in params},
    )


def proposed(
    ctx: Context, subscription: Json, wanted: Sequence[ItemChange], params: Json
) -> Proposal:
    """The change, checked as far as it has to be before anything is kept."""
    proposal = propose(ctx, subscription, wanted, terms_of(params))
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise StripeError.unsupported("pending updates", param="payment_behavior")
    if behavior == "error_if_incomplete" and proposal.is_billed_now:
        _check_payment(ctx, proposal)
    return proposal


def charges_now(ctx: Context, proposal: Proposal) -> list[Charge]:
    """What the invoice of a change bills: its prorations, what is pending, new periods."""
    subscription = proposal.subscription
    at = ctx.now(subscription["customer"])
    return [
        *(one.charge for one in proposal.prorations),
        *invoice_items.pending(ctx, subscription["customer"], subscription["id"]),
        *charges_of(
            ctx,
            proposal.plan,
            subscription_id=subscription["id"],
            at=at,
            since=at,
            only=proposal.renewing,
            customer_id=subscription["customer"],
        ),
    ]


def _check_payment(ctx: Context, proposal: Proposal) -> None:
    """`error_if_incomplete`: nothing changes when the payment would fail."""
    subscription, plan = proposal.subscription, proposal.plan
    if plan.collection_method != "charge_automatically":
        return
    at = ctx.now(subscription["customer"])
    bill = subscription_bills.bill_of(
        plan,
        Payer.of(ctx.get("customer", subscription["customer"])),
        charges_now(ctx, proposal),
        invoice_id=new_id("in"),
        subscription_id=subscription["id"],
        at=at,
        reason="subscription_update",
        period=(at, at),
    )
    if draft(ctx, bill)[0]["amount_due"] <= 0:
        return
    method_id = payment_methods.chargeable(
        ctx, customer_id=subscription["customer"], own_default=plan.default_payment_method
    )
    if method_id is None:
        raise no_payment_method()
    decline = payment_methods.decline_code(ctx, method_id)
    if decline is not None:
        raise StripeError.card_declined(decline)


def commit(ctx: Context, subscription: Json, proposal: Proposal, params: Json) -> None:
    """Keep a change and bill it: prorations stay pending unless an invoice is made at once."""
    changed, at = proposal.subscription, ctx.now(subscription["customer"])
    was_trialing = subscription["status"] == "trialing"
    held = {row["id"]: row["price"] for row in subscription["items"]["data"]}
    for row in changed["items"]["data"]:
        if row["id"] in held and row["price"]["id"] != held[row["id"]]["id"]:
            # Only usage has such a mark; what came before is billed at the old price, or never.
            usage_lines.restart(ctx, row["id"], at)
    for name in _SHOWN:
        subscription[name] = changed[name]
    subscription["status"] = changed["status"]
    for item in proposal.plan.items:
        keep_inline_price(ctx, item.price)
    ending = _ENDING & set(params)
    if ending:
        subscription_engine.show_end(
            ctx,
            subscription,
            subscription["cancel_at"],
            at_period_end=subscription["cancel_at_period_end"],
        )
    ctx.account.plan(CANCEL, subscription["id"], subscription["cancel_at"])
    subscription_engine.plan_renewal(ctx, subscription)
    if was_trialing and subscription["status"] == "active":
        # docs.stripe.com/api/events/types: told also when a trial is ended at once.
        events.emit(ctx, "customer.subscription.trial_will_end", subscription)
    trials.announce(ctx, subscription)
    proration.keep(ctx, subscription["customer"], proposal.prorations)
    if not proposal.is_billed_now:
        return
    invoice = subscription_bills.draft_now(
        ctx,
        subscription,
        proposal.plan,
        at=at,
        reason="subscription_update",
        period=(at, at),
        only=proposal.renewing,
    )
    if invoice is not None and subscription["collection_method"] == "charge_automatically":
        collect(ctx, subscription, invoice, params.get("payment_behavior", "allow_incomplete"))


def collect(ctx: Context, subscription: Json, invoice: Json, payment_behavior: str) -> None:
    """Finalise and charge at once; a subscription that cannot be charged is past due."""
    if invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    invoicing.finalize(ctx, invoice)
    if pauses.is_given_up(ctx, subscription, invoice):
        return
    if payment_behavior != "default_incomplete":
        invoicing.collect(ctx, invoice)
    elif invoice["status"] == "open":
        set_status(ctx, subscription, "past_due")
    settle(ctx, invoice)
