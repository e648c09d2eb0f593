"""Payouts: by the account's schedule or by hand, arriving a day later, and sent back by the bank.

Sources: docs.stripe.com/payouts, docs.stripe.com/api/payouts,
docs.stripe.com/payouts/reconciliation.
The bank's refusal comes from outside of the API: `POST /_sim/payouts/{id}/fail`.
"""

from __future__ import annotations

from dealthread.simulators.stripe.balance import transactions
from dealthread.simulators.stripe.balance.transactions import DAY, midnight
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "payout"
ARRIVE = "payout.arrive"
RECONCILE = "payout.reconcile"
RECONCILED_AFTER = 3_600
# docs.stripe.com/api/payouts/failures, those of a bank account.
FAILURES = {
    "account_closed": "The bank account has been closed",
    "account_frozen": "The bank account has been frozen",
    "bank_account_restricted": "The bank account has restrictions on payouts",
    "could_not_process": "The bank could not process this payout",
    "debit_not_authorized": "Debit transactions are not approved on the bank account",
    "declined": "The bank has declined this transfer",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid",
    "invalid_currency": "The bank was unable to process this payout because of its currency",
    "no_account": "The bank account details on file are probably incorrect",
}


def sweep(ctx: Context, transaction: Json) -> None:
    """Pay out what is available in the currency of a movement. What was refunded and exceeds the
    rest waits for more charges."""
    rows = transactions.unpaid(ctx, transaction["currency"], ctx.now())
    amount = sum(row["net"] for row in rows)
    if amount <= 0:
        return
    made = _make(ctx, amount, transaction["currency"], is_automatic=True)
    for row in rows:
        ctx.account.secret(row["id"])["payout"] = made["id"]
    events.emit(ctx, "payout.created", made)


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/payouts: by hand, of no more than is available."""
    amount, currency = params["amount"], params["currency"]
    now = ctx.now()
    rows = ctx.account.of(transactions.KIND).values()
    available = sum(
        row["net"] for row in rows if row["currency"] == currency and row["available_on"] <= now
    )
    if amount > available:
        raise StripeError.refused(
            "You have insufficient funds in your Stripe account for this transfer. Your card "
            "balance is too low.",
            code="balance_insufficient",
        )
    made = _make(ctx, amount, currency, is_automatic=False, details=params)
    events.emit(ctx, "payout.created", made)
    return made


def _make(
    ctx: Context, amount: int, currency: str, *, is_automatic: bool, details: Json | None = None
) -> Json:
    given = details or {}
    now = ctx.now()
    banks = ctx.account.secret(ctx.account.id)
    payout_id = new_id("po")
    payout: Json = {
        "id": payout_id,
        "object": KIND,
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": midnight(now) + DAY,
        "automatic": is_automatic,
        "balance_transaction": transactions.record(
            ctx,
            "payout",
            -amount,
            source=payout_id,
            currency=currency,
            created=now,
            available_on=now,
            description="STRIPE PAYOUT",
        ),
        "created": now,
        "currency": currency,
        "description": given.get("description", "STRIPE PAYOUT" if is_automatic else None),
        "destination": banks.setdefault(f"bank_{currency}", new_id("ba")),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata.fresh(given),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if is_automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    ctx.account.add(KIND, payout)
    ctx.effect("payout.created", payout, amount=amount)
    ctx.account.plan(ARRIVE, payout_id, payout["arrival_date"])
    return payout


def arrive(ctx: Context, payout: Json) -> None:
    """The bank has it."""
    if payout["status"] != "pending":
        return
    before = snapshot(payout)
    payout["status"] = "paid"
    payout["trace_id"] = {"status": "supported", "value": new_id("trace")[6:]}
    ctx.effect("payout.paid", payout, amount=payout["amount"])
    events.emit(ctx, "payout.paid", payout, before=before)
    if payout["automatic"]:
        ctx.account.plan(RECONCILE, payout["id"], ctx.now() + RECONCILED_AFTER)


def reconcile(ctx: Context, payout: Json) -> None:
    """What is in it can be listed from now on."""
    if payout["reconciliation_status"] != "in_progress":
        return
    before = snapshot(payout)
    payout["reconciliation_status"] = "completed"
    ctx.effect("payout.reconciled", payout)
    events.emit(ctx, "payout.reconciliation_completed", payout, before=before)


def fail(ctx: Context, payout: Json, code: str) -> None:
    """The bank sends it back, perhaps after it counted as paid; the money is on the balance again.

    Raises ValueError for a payout that has failed, or for a reason that no bank gives.
    """
    if payout["status"] not in ("pending", "in_transit", "paid"):
        raise ValueError(f"the payout is {payout['status']}")
    if code not in FAILURES:
        raise ValueError(f"failure_code is one of {', '.join(sorted(FAILURES))}")
    before = snapshot(payout)
    now = ctx.now()
    payout["status"] = "failed"
    payout["failure_code"] = code
    payout["failure_message"] = FAILURES[code]
    payout["failure_balance_transaction"] = transactions.record(
        ctx,
        "payout_failure",
        payout["amount"],
        source=payout["id"],
        currency=payout["currency"],
        created=now,
        available_on=now,
        description="STRIPE PAYOUT FAILURE",
    )
    ctx.effect("payout.failed", payout, code=code)
    events.emit(ctx, "payout.failed", payout, before=before)
    if payout["automatic"] and payout["reconciliation_status"] == "in_progress":
        ctx.account.plan(RECONCILE, payout["id"], now + RECONCILED_AFTER)


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/payouts."""
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/payouts",
        kind="payout",
        keep=lambda row: (
            params.get("status", row["status"]) == row["status"]
            and within(row["created"], params.get("created"))
            and within(row["arrival_date"], params.get("arrival_date"))
        ),
    )
