"""What happens by itself when time passes: finalisation, phases, renewals, ends."""

from __future__ import annotations

from dealthread.simulators.stripe import invoicing, schedules, subscription_engine
from dealthread.simulators.stripe.subscription_status import (
    CANCEL,
    EXPIRE,
    RENEW,
    is_over,
    settle,
)
from dealthread.simulators.stripe.world import Context, World

# A jump of the clock over many years renews many times; more than this is a mistake.
MAX_DEEDS = 100_000


def catch_up(world: World) -> int:
    """Do everything that is due, in the order it was due; returns how much was done.

    Each deed happens at the instant it was due, not at the instant somebody looked, so that a jump
    of the clock and a slow wait leave the same documents.
    """
    done = 0
    now = int(world.clock.now().timestamp())
    for account in world.accounts.values():
        while (entry := account.next_due()) is not None and entry[0] <= now:
            due, key = entry
            account.agenda.pop(key)
            deed, _, object_id = key.partition(":")
            _do(Context(world, account, deed_at=due), deed, object_id)
            done += 1
            if done > MAX_DEEDS:
                raise RuntimeError("the agenda does not come to an end")
    return done


def _do(ctx: Context, deed: str, object_id: str) -> None:
    if deed == invoicing.FINALIZE:
        invoice = ctx.get("invoice", object_id)
        subscription = ctx.account.find("subscription", invoicing.subscription_id(invoice))
        invoicing.finalize(ctx, invoice)
        if subscription is None or not is_over(subscription):
            invoicing.collect(ctx, invoice)
            settle(ctx, invoice)
    elif deed == schedules.ADVANCE:
        schedules.advance(ctx, ctx.get("subscription_schedule", object_id))
    elif deed == RENEW:
        subscription_engine.renew(ctx, ctx.get("subscription", object_id))
    elif deed == EXPIRE:
        subscription_engine.expire(ctx, ctx.get("subscription", object_id))
    elif deed == CANCEL:
        subscription = ctx.get("subscription", object_id)
        if not is_over(subscription):
            subscription_engine.cancel(ctx, subscription, reason="cancellation_requested")
    else:
        raise RuntimeError(f"nobody knows how to do {deed}")
