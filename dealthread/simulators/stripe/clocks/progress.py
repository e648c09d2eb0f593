"""What happens by itself when time passes: finalisation, phases, renewals, ends."""

from __future__ import annotations

from dealthread.simulators.stripe.balance import payouts, transactions
from dealthread.simulators.stripe.catalogue import discounts
from dealthread.simulators.stripe.clocks import test_clocks
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.payments import collection, disputes, retries
from dealthread.simulators.stripe.store import AccountState, Json
from dealthread.simulators.stripe.subscriptions import engine as subscription_engine
from dealthread.simulators.stripe.subscriptions import pauses, schedules, trials
from dealthread.simulators.stripe.subscriptions.status import (
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
    of the clock and a slow wait leave the same documents. A test clock that is advancing is left
    to `advance_clocks`.
    """
    now = int(world.clock.now().timestamp())
    done = 0
    for account in world.accounts.values():
        done += _until(world, account, None, now)
        for clock in list(account.of(test_clocks.KIND).values()):
            if clock["status"] == "ready":
                done += _until(world, account, clock["id"], clock["frozen_time"])
    return done


def advance_clocks(world: World) -> int:
    """Bring the test clocks that are advancing to their goal; returns how many arrived.

    Called as time passes, never from a request: whoever advances a clock is answered before
    anything happened and has to wait for `ready`.
    """
    arrived = 0
    for account in world.accounts.values():
        for clock in list(account.of(test_clocks.KIND).values()):
            if clock["status"] == "advancing":
                target = clock["status_details"]["advancing"]["target_frozen_time"]
                _until(world, account, clock["id"], target)
                test_clocks.arrive(Context(world, account), clock)
                arrived += 1
    return arrived


def _until(world: World, account: AccountState, clock_id: str | None, until: int) -> int:
    done = 0
    while (entry := account.next_due(clock_id)) is not None and entry[0] <= until:
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
        _finalize(ctx, ctx.get("invoice", object_id))
    elif deed in (retries.RETRY, invoicing.OVERDUE):
        collection.happen(ctx, ctx.get("invoice", object_id), deed)
    elif deed == schedules.ADVANCE:
        schedules.advance(ctx, ctx.get("subscription_schedule", object_id))
    elif deed == RENEW:
        subscription_engine.renew(ctx, ctx.get("subscription", object_id))
    elif deed == discounts.END:
        discounts.end(ctx, ctx.get("subscription", object_id))
    elif deed == EXPIRE:
        subscription_engine.expire(ctx, ctx.get("subscription", object_id))
    elif deed == CANCEL:
        subscription = ctx.get("subscription", object_id)
        if not is_over(subscription):
            subscription_engine.end(ctx, subscription)
    elif deed == trials.WILL_END:
        trials.tell(ctx, ctx.get("subscription", object_id))
    elif deed == pauses.RESUME_COLLECTION:
        pauses.resume_collection(ctx, ctx.get("subscription", object_id))
    elif deed == transactions.SWEEP:
        payouts.sweep(ctx, ctx.get(transactions.KIND, object_id))
    elif deed == disputes.OPEN:
        disputes.open_dispute(ctx, ctx.get("charge", object_id))
    elif deed == disputes.DECIDE:
        disputes.decide(ctx, ctx.get(disputes.KIND, object_id))
    elif deed == payouts.ARRIVE:
        payouts.arrive(ctx, ctx.get(payouts.KIND, object_id))
    elif deed == payouts.RECONCILE:
        payouts.reconcile(ctx, ctx.get(payouts.KIND, object_id))
    elif deed == test_clocks.EXPIRE:
        test_clocks.delete(ctx, {}, object_id)
    else:
        raise RuntimeError(f"nobody knows how to do {deed}")


def _finalize(ctx: Context, invoice: Json) -> None:
    """The hour of a draft is over."""
    subscription = ctx.account.find("subscription", invoicing.subscription_id(invoice))
    invoicing.finalize(ctx, invoice)
    if pauses.is_given_up(ctx, subscription, invoice):
        return
    invoicing.collect(ctx, invoice)
    settle(ctx, invoice)
    collection.conclude(ctx, invoice)
