"""When a failed automatic payment is tried again.

Sources: docs.stripe.com/billing/revenue-recovery/smart-retries (schedules, attempt_count, decline
codes that are not retried), docs.stripe.com/invoicing/integration/automatic-advancement-collection
(nothing happens by itself without `auto_advance`), docstring of `Invoice.attempt_count`. The times
are a list of the account's configuration; what follows the last retry is, too.
"""

from __future__ import annotations

from dealthread.simulators.stripe.payments.card_declines import NOT_RETRYABLE
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context

RETRY = "invoice.retry"
SECONDS_PER_DAY = 86_400


def plan(ctx: Context, invoice: Json, due: int | None) -> None:
    """Say when the next automatic attempt is made, or that none is."""
    invoice["next_payment_attempt"] = due
    ctx.account.plan(RETRY, invoice["id"], due)


def plan_next(ctx: Context, invoice: Json, subscription: Json | None) -> None:
    """Plan the attempt after the one that has just failed."""
    plan(ctx, invoice, _next(ctx, invoice, subscription))


def _next(ctx: Context, invoice: Json, subscription: Json | None) -> int | None:
    days = ctx.account.config.retry_days
    done = invoice["attempt_count"]
    # The first payment of a subscription is up to the customer, within 23 hours.
    is_first = subscription is not None and subscription["status"] == "incomplete"
    if not _is_collected(invoice) or is_first or not 1 <= done <= len(days):
        return None
    wait: int = days[done - 1] * SECONDS_PER_DAY
    return ctx.now(invoice["customer"]) + wait


def _is_collected(invoice: Json) -> bool:
    return bool(
        invoice["status"] == "open"
        and invoice["auto_advance"]
        and invoice["collection_method"] == "charge_automatically"
    )


def remember(ctx: Context, invoice: Json, decline: str, method_id: str) -> None:
    """Keep why the last charge failed, and of what."""
    ctx.account.secret(invoice["id"]).update(failed_with=decline, failed_method=method_id)


def useless(ctx: Context, invoice: Json, method_id: str) -> str | None:
    """The decline code for which this method is not charged again by itself."""
    hidden = ctx.account.secret(invoice["id"])
    code: str | None = hidden.get("failed_with")
    is_same = hidden.get("failed_method") == method_id
    return code if is_same and code in NOT_RETRYABLE else None


def is_exhausted(ctx: Context, invoice: Json) -> bool:
    """Whether the last attempt of the schedule has failed."""
    return (
        _is_collected(invoice)
        and invoice["attempt_count"] > len(ctx.account.config.retry_days)
        and invoice["next_payment_attempt"] is None
    )
