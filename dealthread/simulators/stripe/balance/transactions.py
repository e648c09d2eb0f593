"""Balance transactions: each movement on the account's balance, with the fee that Stripe keeps.

Sources: docs.stripe.com/api/balance_transactions, docs.stripe.com/payouts/reconciliation,
docs.stripe.com/reports/balance-transaction-types; fees as stripe.com/pricing states them for cards
of the country ("2.9% + 30¢"). A refund gives no fee back (docs.stripe.com/refunds).
"""

from __future__ import annotations

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.wire.money import HUNDRED, half_up
from dealthread.simulators.stripe.world import Context

KIND = "balance_transaction"
SWEEP = "balance.sweep"
DAY = 86_400
_CATEGORIES = {
    "adjustment": "other_adjustment",
    "charge": "charge",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "refund": "refund",
}


def of_charge(ctx: Context, charge: Json) -> str:
    """A charge that succeeded: available some days later, less the fee of a card."""
    config = ctx.account.config
    fee = half_up(charge["amount"] * config.card_fee_percent / HUNDRED) + config.card_fee_fixed
    created = charge["created"]
    return record(
        ctx,
        "charge",
        charge["amount"],
        source=charge["id"],
        currency=charge["currency"],
        created=created,
        available_on=midnight(created) + config.payout_delay_days * DAY,
        fee=fee,
        fee_description="Stripe processing fees",
        description=charge["description"],
    )


def of_refund(ctx: Context, refund: Json) -> str:
    """A refund is taken off at once."""
    return record(
        ctx,
        "refund",
        -refund["amount"],
        source=refund["id"],
        currency=refund["currency"],
        created=refund["created"],
        available_on=refund["created"],
        description="REFUND FOR CHARGE",
    )


def record(
    ctx: Context,
    kind: str,
    amount: int,
    *,
    source: str,
    currency: str,
    created: int,
    available_on: int,
    fee: int = 0,
    fee_description: str = "",
    category: str | None = None,
    description: str | None = None,
) -> str:
    """Keep a movement; its id."""
    details = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": fee_description,
        "type": "stripe_fee",
    }
    row: Json = {
        "id": new_id("txn"),
        "object": KIND,
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": category or _CATEGORIES[kind],
        "source": source,
        "status": "available" if available_on <= created else "pending",
        "type": kind,
    }
    ctx.account.add(KIND, row)
    ctx.account.relate("balance_transaction.source", source, row["id"])
    ctx.effect("balance_transaction.created", row, type=kind, net=row["net"])
    if ctx.account.config.payout_interval == "daily" and kind != "payout":
        ctx.account.plan(SWEEP, row["id"], next_midnight(available_on))
    return str(row["id"])


def midnight(at: int) -> int:
    """Begin of the UTC day."""
    return at - at % DAY


def next_midnight(at: int) -> int:
    """The first begin of a UTC day that is not before."""
    return -(-at // DAY) * DAY


def unpaid(ctx: Context, currency: str, now: int) -> list[Json]:
    """What is available and in no payout yet, oldest first."""
    return [
        row
        for row in ctx.account.of(KIND).values()
        if row["currency"] == currency
        and row["type"] != "payout"
        and row["available_on"] <= now
        and "payout" not in ctx.account.secret(row["id"])
    ]


def retrieve(ctx: Context, params: Json, transaction_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/balance_transactions/{id}."""
    return _as_of_now(ctx, ctx.get(KIND, transaction_id))


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/balance_transactions; by payout only where it follows the schedule."""
    payout_id = params.get("payout")
    if payout_id is not None:
        payout = ctx.get("payout", payout_id, param="payout")
        if not payout["automatic"]:
            raise StripeError.refused(
                "Balance transaction history can only be filtered on automatic transfers, not "
                "manual.",
                param="payout",
            )
        if payout["reconciliation_status"] != "completed":
            raise StripeError.unsupported(
                "what is in a payout whose reconciliation has not completed", param="payout"
            )
    rows = [_as_of_now(ctx, row) for row in ctx.account.of(KIND).values()]
    return page(
        rows,
        params,
        "/v1/balance_transactions",
        kind="balance transaction",
        keep=lambda row: (
            all(params.get(name, row[name]) == row[name] for name in ("currency", "source", "type"))
            and within(row["created"], params.get("created"))
            and (payout_id is None or _paid_out_by(ctx, row) == payout_id)
        ),
    )


def _paid_out_by(ctx: Context, row: Json) -> str | None:
    """A payout's own transaction is listed with what it pays out."""
    if row["type"] == "payout":
        return str(row["source"])
    found: str | None = ctx.account.secret(row["id"]).get("payout")
    return found


def _as_of_now(ctx: Context, row: Json) -> Json:
    if row["status"] == "pending" and row["available_on"] <= ctx.world_now():
        row["status"] = "available"
    return row
