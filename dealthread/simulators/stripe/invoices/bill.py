"""From a plan to an invoice that does not exist yet: what a preview and an invoice share."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from dealthread.simulators.stripe.catalogue import descriptions, discounts, prices
from dealthread.simulators.stripe.catalogue.discounting import Discount
from dealthread.simulators.stripe.customers import tax_ids
from dealthread.simulators.stripe.customers.customers import full_address, full_shipping
from dealthread.simulators.stripe.invoices.composition import Charge, compose
from dealthread.simulators.stripe.invoices.line_parents import item_parent
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import ExtraItem, Plan, PlanItem
from dealthread.simulators.stripe.subscriptions.spans import Span, span_at, spans_between
from dealthread.simulators.stripe.usage import lines as usage_lines
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.listing import envelope
from dealthread.simulators.stripe.world import Context

# An invoice shows its first lines; the rest is read at /v1/invoices/{id}/lines.
LINES_SHOWN = 10
# docs.stripe.com/billing/subscriptions/backdating: the most lines of an invoice.
MAX_LINES = 250


@dataclass(frozen=True)
class Payer:
    """The customer as an invoice copies it; `id` is None for one that does not exist yet."""

    id: str | None
    address: Json | None = None
    shipping: Json | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    tax_exempt: str | None = "none"
    # As a preview describes them; None: those of the customer.
    tax_ids: Sequence[Json] | None = None
    balance: int = 0

    @classmethod
    def of(cls, customer: Json, details: Json | None = None) -> Payer:
        """A customer, with overrides as a preview takes them."""
        given = details or {}
        address, shipping = customer["address"], customer["shipping"]
        return cls(
            id=customer["id"],
            address=full_address(given["address"]) if "address" in given else address,
            shipping=full_shipping(given["shipping"]) if "shipping" in given else shipping,
            email=customer["email"],
            name=customer["name"],
            phone=customer["phone"],
            tax_exempt=given.get("tax_exempt", customer["tax_exempt"]) or "none",
            tax_ids=given.get("tax_ids"),
            balance=customer["balance"],
        )

    @classmethod
    def unborn(cls, details: Json) -> Payer:
        """A customer that a preview only describes."""
        return cls(
            id=None,
            address=full_address(details.get("address")),
            shipping=full_shipping(details.get("shipping")),
            tax_exempt=details.get("tax_exempt") or "none",
            tax_ids=details.get("tax_ids"),
        )


@dataclass(frozen=True)
class Bill:
    """One invoice to be: who pays, for what, how it is collected."""

    invoice_id: str
    payer: Payer
    currency: str
    charges: Sequence[Charge]
    at: int
    billing_reason: str
    collection_method: str
    default_tax_rates: Sequence[Json] = ()
    period: tuple[int, int] = (0, 0)
    subscription_id: str | None = None
    subscription_metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    custom_fields: Sequence[Json] | None = None
    footer: str | None = None
    # Those of the invoice itself; the lines have their own. None: what its subscription has.
    discounts: Sequence[Discount] | None = None


def charges_of(
    ctx: Context,
    plan: Plan,
    *,
    subscription_id: str | None,
    at: int,
    since: int,
    only: Container[str] | None = None,
    customer_id: str | None = None,
    is_final: bool = False,
) -> list[Charge]:
    """The charges of an invoice made at an instant, for the periods since another.

    `only` names the items whose period begins; None stands for all of them. Metered items are
    billed for the periods that have ended, by a final invoice also for the one that ends with it.
    """
    charges: list[Charge] = []
    for item in plan.items:
        is_metered = prices.is_metered(item.price)
        if only is not None and item.item_id not in only and not (is_metered and is_final):
            continue
        if is_metered:
            charges += usage_lines.charges(
                ctx,
                plan,
                item,
                subscription_id=subscription_id,
                customer_id=customer_id,
                at=at,
                is_final=is_final,
            )
            continue
        for span in spans_between(plan, item.price["recurring"], since, max(at, since)):
            if plan.free_until is not None and span.start < plan.free_until:
                continue
            charges += item_charges(ctx, plan, item, span, subscription_id)
    if plan.extras:
        spans = [span_at(plan, item.price["recurring"], max(at, since)) for item in plan.items]
        widest = max(span.start for span in spans), min(span.end for span in spans)
        charges += extra_charges(ctx, plan, subscription_id, widest, at)
    return charges


def item_charges(
    ctx: Context, plan: Plan, item: PlanItem, span: Span, subscription_id: str | None
) -> list[Charge]:
    """The lines of one licensed item for one period, or for the part of it that is served."""
    if prices.is_metered(item.price):
        return []
    is_part = not span.is_trial and not span.is_whole and plan.is_prorated
    charge = Charge(
        price=item.price,
        quantity=item.quantity,
        period=span.pair,
        description=None,
        parent=item_parent(subscription_id, item.item_id, is_proration=is_part),
        tax_rates=item.tax_rates,
        metadata=item.metadata,
        subscription=subscription_id,
        discounted_at=span.start,
    )
    if span.is_trial:
        # docs.stripe.com/billing/subscriptions/billing-mode/compare gives the words.
        words = f"Free trial for {item.quantity} x {product_name(ctx, item.price)}"
        return [replace(charge, fixed_amount=0, description=words)]
    charges = []
    for part in prices.rate(ctx, item.price, item.quantity):
        line = replace(
            charge,
            quantity=part.quantity,
            description=descriptions.of_part(ctx, item.price, part),
            part=part,
        )
        if is_part:
            line = replace(line, fixed_amount=span.share(part.amount))
        charges.append(line)
    return charges


def extra_charges(
    ctx: Context, plan: Plan, subscription_id: str | None, span: tuple[int, int], at: int
) -> list[Charge]:
    """The one-time charges of a plan."""
    return [
        Charge(
            price=extra.price,
            quantity=extra.quantity,
            period=_extra_period(extra, plan, span, at),
            description=extra.description or product_name(ctx, extra.price),
            parent={
                "invoice_item_details": {
                    "invoice_item": extra.invoice_item_id,
                    "proration": False,
                    "proration_details": {"credited_items": None},
                    "subscription": subscription_id,
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
            tax_rates=extra.tax_rates,
            metadata=extra.metadata,
            subscription=subscription_id,
            is_discountable=extra.is_discountable,
            discounts=[one.terms for one in extra.discounts],
        )
        for extra in plan.extras
    ]


def _extra_period(extra: ExtraItem, plan: Plan, span: tuple[int, int], at: int) -> tuple[int, int]:
    """The period of a one-time item: by default the current one of the items."""
    if extra.period is None:
        return span
    start, end = extra.period["start"], extra.period["end"]
    if isinstance(start, int):
        # A preview's invoice item names its period by two instants.
        return start, end
    starts = {"max_item_period_start": span[0], "now": at, "phase_start": plan.start}
    ends = {"min_item_period_end": span[1], "phase_end": plan.phase_end}
    begin = start.get("timestamp") if start["type"] == "timestamp" else starts[start["type"]]
    finish = end.get("timestamp") if end["type"] == "timestamp" else ends[end["type"]]
    if begin is None or finish is None:
        raise StripeError.missing("period[start][timestamp]" if begin is None else "period[end]")
    if begin > finish:
        raise StripeError.refused("The period start must not be after its end.", param="period")
    return begin, finish


def with_discounts(ctx: Context, bill: Bill) -> Bill:
    """The bill with the discounts that hold on its subscription and on the items of that."""
    if bill.discounts is not None:
        return bill
    subscription = ctx.account.find("subscription", bill.subscription_id)
    if subscription is None:
        return replace(bill, discounts=())
    own = {row["id"]: row["discounts"] for row in subscription["items"]["data"]}
    charges: list[Charge] = []
    for charge in bill.charges:
        item = charge.parent["subscription_item_details"]
        if item is not None:
            ids = own.get(item["subscription_item"], [])
            charge = replace(charge, discounts=discounts.in_force(ctx, ids))
        charges.append(charge)
    starts = [bill.at, *(charge.discounted_at or bill.at for charge in charges)]
    held = [
        one
        for one in discounts.in_force(ctx, subscription["discounts"])
        if one.end is None or min(starts) < one.end
    ]
    return replace(bill, charges=charges, discounts=held)


def draft(ctx: Context, bill: Bill) -> tuple[Json, list[Json]]:
    """An invoice in status draft with all its lines; nothing is kept."""
    bill = with_discounts(ctx, bill)
    if len(bill.charges) > MAX_LINES:
        raise StripeError.refused(f"An invoice cannot have more than {MAX_LINES} line items.")
    made = compose(
        bill.charges,
        invoice_id=bill.invoice_id,
        default_tax_rates=bill.default_tax_rates,
        tax_exempt=bill.payer.tax_exempt,
        tax_rounding=ctx.account.config.tax_rounding,
        discounts=bill.discounts or (),
        at=bill.at,
    )
    payer = bill.payer
    due = max(0, made.total + payer.balance)
    parent = None
    # A preview has no subscription to name yet.
    if bill.subscription_id is not None:
        parent = {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(bill.subscription_metadata),
                "subscription": bill.subscription_id,
            },
            "type": "subscription_details",
        }
    invoice: Json = {
        "id": bill.invoice_id,
        "object": "invoice",
        "account_country": ctx.account.config.country,
        "account_name": ctx.account.config.name,
        "account_tax_ids": None,
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": bill.billing_reason,
        "collection_method": bill.collection_method,
        "created": bill.at,
        "currency": bill.currency,
        "custom_fields": bill.custom_fields,
        "customer": payer.id,
        "customer_account": None,
        "customer_address": payer.address,
        "customer_email": payer.email,
        "customer_name": payer.name,
        "customer_phone": payer.phone,
        "customer_shipping": payer.shipping,
        "customer_tax_exempt": payer.tax_exempt,
        "customer_tax_ids": (
            tax_ids.copies(ctx, payer.id) if payer.tax_ids is None else list(payer.tax_ids)
        ),
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": list(bill.default_tax_rates),
        "description": bill.description,
        "discounts": [discount.id for discount in bill.discounts or ()],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": bill.footer,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": envelope(
            made.lines[:LINES_SHOWN],
            f"/v1/invoices/{bill.invoice_id}/lines",
            has_more=len(made.lines) > LINES_SHOWN,
        ),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": parent,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": bill.period[1],
        "period_start": bill.period[0],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": payer.balance,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": made.subtotal,
        "subtotal_excluding_tax": made.subtotal_excluding_tax,
        "test_clock": ctx.clock_of(payer.id),
        "total": made.total,
        "total_discount_amounts": made.total_discount_amounts,
        "total_excluding_tax": made.total_excluding_tax,
        "total_pretax_credit_amounts": made.total_pretax_credit_amounts,
        "total_taxes": made.total_taxes,
        "webhooks_delivered_at": None,
    }
    return invoice, made.lines


def current_period(plan: Plan, at: int) -> tuple[int, int]:
    """The period of the shortest interval that holds an instant."""
    return span_at(plan, plan.recurring, at).pair


def product_name(ctx: Context, price: Json) -> str:
    """The name of the product a price belongs to."""
    name: str = ctx.get("product", price["product"], param="product")["name"]
    return name
