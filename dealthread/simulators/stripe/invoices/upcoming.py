"""Previews for a subscription that exists: its next invoice, with or without a change.

Source: docs.stripe.com/billing/subscriptions/prorations#preview-proration and docstrings of
`InvoiceCreatePreviewParams`, stripe 16.1. A change that is billed at once shows that invoice; any
other shows the invoice of the next period, with the prorations that would wait for it.
"""

from __future__ import annotations

from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices.bill import Bill, Payer, charges_of
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import bills as subscription_bills
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import item_changes, proration
from dealthread.simulators.stripe.subscriptions import update as subscription_update
from dealthread.simulators.stripe.subscriptions.change import Proposal
from dealthread.simulators.stripe.subscriptions.plans import Plan, default_rates
from dealthread.simulators.stripe.subscriptions.shape import plan_of
from dealthread.simulators.stripe.subscriptions.status import is_over
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context, snapshot

_PARAM = "subscription_details"
# Names that say nothing of a subscription that exists already.
_NEW_ONLY = ("start_date",)


def bill(ctx: Context, params: Json, payer: Payer) -> Bill:
    """The invoice that would come next."""
    kept = ctx.get("subscription", params["subscription"], param="subscription")
    if payer.id not in (None, kept["customer"]):
        raise StripeError.no_such("subscription", kept["id"], param="subscription")
    details = params.get(_PARAM) or {}
    for name in _NEW_ONLY:
        if name in details:
            raise StripeError.refused(
                f"{name} cannot be changed for an existing subscription.",
                param=f"{_PARAM}[{name}]",
            )
    subscription = snapshot(kept)
    if is_over(subscription):
        raise _none_upcoming()
    if details.get("cancel_now"):
        return _final_bill(ctx, subscription, details, payer)
    if "default_tax_rates" in details:
        subscription["default_tax_rates"] = default_rates(
            ctx, details, f"{_PARAM}[default_tax_rates]"
        )
    for index, entry in enumerate(details.get("items", [])):
        if "discounts" in entry:
            raise StripeError.unsupported(
                "other discounts of an item in a preview",
                param=f"{_PARAM}[items][{index}][discounts]",
            )
    wanted = item_changes.read(ctx, subscription, details.get("items", []), f"{_PARAM}[items]")
    proposal = subscription_update.proposed(ctx, subscription, wanted, details)
    if proposal.is_billed_now:
        at = ctx.now(subscription["customer"])
        charges = subscription_update.charges_now(ctx, proposal)
        return _bill(subscription, proposal.plan, payer, charges, at, (at, at))
    return _next_bill(ctx, proposal, payer)


def _next_bill(ctx: Context, proposal: Proposal, payer: Payer) -> Bill:
    subscription, plan = proposal.subscription, proposal.plan
    at = subscription_engine.next_boundary(subscription)
    due = [item for item in subscription["items"]["data"] if item["current_period_end"] == at]
    waiting: list[Charge] = [
        *(one.charge for one in proposal.prorations),
        *invoice_items.pending(ctx, subscription["customer"], subscription["id"]),
    ]
    if subscription["status"] == "paused":
        raise _none_upcoming()
    is_final = subscription["cancel_at"] is not None and subscription["cancel_at"] <= at
    only = set[str]() if is_final else {item["id"] for item in due}
    charges = [*waiting, *_periods(ctx, subscription, plan, at, only, is_final=is_final)]
    if not charges:
        raise _none_upcoming()
    began = max(item["current_period_start"] for item in due)
    return _bill(subscription, plan, payer, charges, at, (began, at))


def _final_bill(ctx: Context, subscription: Json, details: Json, payer: Payer) -> Bill:
    """`cancel_now`: what a cancellation with a final invoice would bill."""
    at = ctx.now(subscription["customer"])
    charges: list[Charge] = []
    if details.get("proration_behavior", "create_prorations") != "none":
        for item in subscription["items"]["data"]:
            charges += [
                one.charge
                for one in proration.credits(
                    ctx, subscription, item["id"], at, item["current_period_end"]
                )
            ]
    charges += invoice_items.pending(ctx, subscription["customer"], subscription["id"])
    plan = plan_of(subscription)
    charges += _periods(ctx, subscription, plan, at, set(), is_final=True)
    if not charges:
        raise _none_upcoming()
    return _bill(subscription, plan, payer, charges, at, (at, at))


def _periods(
    ctx: Context, subscription: Json, plan: Plan, at: int, only: set[str], *, is_final: bool
) -> list[Charge]:
    return charges_of(
        ctx,
        plan,
        subscription_id=subscription["id"],
        at=at,
        since=at,
        only=only,
        customer_id=subscription["customer"],
        is_final=is_final,
    )


def _bill(
    subscription: Json,
    plan: Plan,
    payer: Payer,
    charges: list[Charge],
    at: int,
    period: tuple[int, int],
) -> Bill:
    return subscription_bills.bill_of(
        plan,
        payer,
        charges,
        invoice_id=new_id("upcoming_in"),
        subscription_id=subscription["id"],
        at=at,
        reason="upcoming",
        period=period,
    )


def _none_upcoming() -> StripeError:
    return StripeError(
        404,
        "invalid_request_error",
        "No upcoming invoices for customer",
        code="invoice_upcoming_none",
    )
