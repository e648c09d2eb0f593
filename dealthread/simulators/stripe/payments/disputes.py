"""Disputes: a charge that its payer's bank takes back, and what its evidence comes to.

Sources: docs.stripe.com/disputes/how-disputes-work, docs.stripe.com/api/disputes,
docs.stripe.com/testing#disputes: the test card `pm_card_createDispute` is charged and then disputed
as fraudulent; evidence whose `uncategorized_text` is `winning_evidence` or `losing_evidence`
decides it. The fee is that of the United States (stripe.com/pricing, "$15.00"), and is kept.
"""

from __future__ import annotations

from dealthread.simulators.stripe.balance import transactions
from dealthread.simulators.stripe.balance.transactions import DAY
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "dispute"
OPEN = "dispute.open"
DECIDE = "dispute.decide"
FEE = 1_500
DECIDED_AFTER = 3_600
ANSWER_DAYS = 9
_WINNING, _LOSING = "winning_evidence", "losing_evidence"
EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name "
    "customer_purchase_ip customer_signature duplicate_charge_documentation "
    "duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy "
    "refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation "
    "shipping_tracking_number uncategorized_file uncategorized_text"
).split()


def open_dispute(ctx: Context, charge: Json) -> Json:
    """The payer's bank takes a charge back: amount and fee leave the balance at once."""
    before = snapshot(charge)
    now = ctx.now(charge["customer"])
    dispute_id = new_id("du")
    card = charge["payment_method_details"]["card"]
    dispute: Json = {
        "id": dispute_id,
        "object": KIND,
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": transactions.midnight(now) + ANSWER_DAYS * DAY + DAY - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "chargeback",
                "network": card["network"],
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    }
    ctx.account.add(KIND, dispute)
    ctx.account.relate("dispute.charge", charge["id"], dispute_id)
    _move(ctx, dispute, -charge["amount"], FEE, "dispute", now)
    charge["disputed"] = True
    ctx.effect("dispute.created", dispute, amount=dispute["amount"])
    events.emit(ctx, "charge.updated", charge, before=before)
    events.emit(ctx, "charge.dispute.created", dispute)
    events.emit(ctx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def update(ctx: Context, params: Json, dispute_id: str) -> Json:
    """POST /v1/disputes/{id}: evidence, which is submitted unless told otherwise."""
    dispute = ctx.get(KIND, dispute_id)
    given = params.get("evidence") or {}
    is_submitted = bool(given) and params.get("submit", True)
    if is_submitted and given.get("uncategorized_text") not in (_WINNING, _LOSING):
        # What a bank makes of real evidence nobody can know.
        raise StripeError.unsupported(
            "evidence other than winning_evidence and losing_evidence",
            param="evidence[uncategorized_text]",
        )
    if given and dispute["status"] != "needs_response":
        raise StripeError.refused("This dispute is already closed or under review.")
    before = snapshot(dispute)
    metadata.merge(dispute, params)
    if given:
        dispute["evidence"].update(given)
        dispute["evidence_details"]["has_evidence"] = True
    if is_submitted:
        _submit(ctx, dispute)
    ctx.effect("dispute.updated", dispute)
    events.emit(ctx, "charge.dispute.updated", dispute, before=before)
    return dispute


def _submit(ctx: Context, dispute: Json) -> None:
    dispute["status"] = "under_review"
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = "manual"
    ctx.account.plan(DECIDE, dispute["id"], ctx.world_now() + DECIDED_AFTER)


def close(ctx: Context, params: Json, dispute_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/disputes/{id}/close: the loss is accepted."""
    dispute = ctx.get(KIND, dispute_id)
    if dispute["status"] != "needs_response":
        raise StripeError.refused("This dispute is already closed or under review.")
    _end(ctx, dispute, "lost")
    return dispute


def decide(ctx: Context, dispute: Json) -> None:
    """The bank has looked at the evidence."""
    if dispute["status"] != "under_review":
        return
    is_won = dispute["evidence"]["uncategorized_text"] == _WINNING
    if is_won:
        _move(ctx, dispute, dispute["amount"], 0, "dispute_reversal", ctx.now())
        events.emit(ctx, "charge.dispute.funds_reinstated", dispute)
    _end(ctx, dispute, "won" if is_won else "lost")


def _end(ctx: Context, dispute: Json, status: str) -> None:
    before = snapshot(dispute)
    dispute["status"] = status
    ctx.effect("dispute.closed", dispute, status=status)
    events.emit(ctx, "charge.dispute.closed", dispute, before=before)


def _move(ctx: Context, dispute: Json, amount: int, fee: int, category: str, now: int) -> None:
    moved = transactions.record(
        ctx,
        "adjustment",
        amount,
        source=dispute["id"],
        currency=dispute["currency"],
        created=now,
        available_on=now,
        fee=fee,
        fee_description="Dispute fee",
        category=category,
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'}",
    )
    dispute["balance_transactions"].append(snapshot(ctx.get(transactions.KIND, moved)))


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/disputes."""
    for name, kind in (("charge", "charge"), ("payment_intent", "payment_intent")):
        if name in params:
            ctx.get(kind, params[name], param=name)
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/disputes",
        kind="dispute",
        keep=lambda row: (
            all(params.get(name, row[name]) == row[name] for name in ("charge", "payment_intent"))
            and within(row["created"], params.get("created"))
        ),
    )
