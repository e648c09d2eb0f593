"""Test clocks: a frozen time for some customers, which moves forward on request and bills.

Sources: docs.stripe.com/billing/testing/test-clocks and its page on the API; docstrings of
`TestClock`, stripe 16.1. A clock holds up to three customers with up to three subscriptions each;
one advance goes up to two intervals of the shortest subscription, or two years where there is
none. While it is under way, changes to what lives by the clock are refused with 429.
"""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.simulators.stripe.customers import search
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import AccountState, Json
from dealthread.simulators.stripe.subscriptions.periods import shift
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context

KIND = "test_clock"
EXPIRE = "test_clock.expire"
MAX_CUSTOMERS = 3
MAX_SUBSCRIPTIONS = 3
_INTERVALS = 2
_TWO_YEARS = {"interval": "year", "interval_count": 2}
# A clock deletes itself, with all that lives by it, thirty days after it was made.
_LIFETIME_SECONDS = 30 * 86_400
_OBJECT = "test_helpers.test_clock"
_ENDED = frozenset({"canceled", "incomplete_expired"})


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/test_helpers/test_clocks."""
    now = ctx.now()
    clock: Json = {
        "id": new_id("clock"),
        "object": _OBJECT,
        "created": now,
        "deletes_after": now + _LIFETIME_SECONDS,
        "frozen_time": params["frozen_time"],
        "livemode": False,
        "name": params.get("name"),
        "status": "ready",
        "status_details": {},
    }
    ctx.account.add(KIND, clock)
    ctx.account.plan(EXPIRE, clock["id"], clock["deletes_after"])
    ctx.effect("test_clock.created", clock)
    events.emit(ctx, f"{_OBJECT}.created", clock)
    return clock


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/test_helpers/test_clocks."""
    return page(
        ctx.account.of(KIND).values(), params, "/v1/test_helpers/test_clocks", kind="test clock"
    )


def advance(ctx: Context, params: Json, clock_id: str) -> Json:
    """POST /v1/test_helpers/test_clocks/{id}/advance: begins; time itself carries it out."""
    clock = ctx.get(KIND, clock_id)
    target = params["frozen_time"]
    if target <= clock["frozen_time"]:
        raise StripeError.refused(
            "Test clock frozen_time must be after the current frozen_time.", param="frozen_time"
        )
    if target > _furthest(ctx.account, clock):
        raise StripeError.refused(
            "Cannot advance a test clock more than two intervals of its shortest subscription, or "
            "two years without subscriptions.",
            param="frozen_time",
        )
    before = clock["status"]
    clock["status"] = "advancing"
    clock["status_details"] = {"advancing": {"target_frozen_time": target}}
    ctx.effect("test_clock.advancing", clock, target=target)
    events.emit(ctx, f"{_OBJECT}.advancing", clock, before={**clock, "status": before})
    return clock


def arrive(ctx: Context, clock: Json) -> None:
    """The advance is over: everything due has happened."""
    clock["frozen_time"] = clock["status_details"]["advancing"]["target_frozen_time"]
    clock["status"], clock["status_details"] = "ready", {}
    ctx.effect("test_clock.ready", clock, frozen_time=clock["frozen_time"])
    events.emit(ctx, f"{_OBJECT}.ready", clock)


def _furthest(account: AccountState, clock: Json) -> int:
    frozen: int = clock["frozen_time"]
    limits = [shift(frozen, recurring, _INTERVALS) for recurring in _intervals(account, clock)]
    return min(limits, default=shift(frozen, _TWO_YEARS, 1))


def _intervals(account: AccountState, clock: Json) -> Iterator[Json]:
    """The billing intervals of what lives by a clock, schedules that have not begun included."""
    for subscription in account.of("subscription").values():
        if subscription["test_clock"] == clock["id"] and subscription["status"] not in _ENDED:
            for item in subscription["items"]["data"]:
                yield item["price"]["recurring"]
    for schedule in account.of("subscription_schedule").values():
        if schedule["test_clock"] == clock["id"] and schedule["status"] == "not_started":
            for item in schedule["phases"][0]["items"]:
                yield account.of("price")[item["price"]]["recurring"]


def check_customer_room(ctx: Context, clock_id: str | None) -> int:
    """The time of a customer to be made, on a clock that has room for it or on none."""
    if clock_id is None:
        return ctx.now()
    clock = ctx.get(KIND, clock_id, param="test_clock")
    check_at_rest(ctx, clock_id)
    held = [row for row in ctx.account.of("customer").values() if row["test_clock"] == clock_id]
    if len(held) >= MAX_CUSTOMERS:
        raise StripeError.refused(
            f"A test clock can have at most {MAX_CUSTOMERS} customers.", param="test_clock"
        )
    frozen: int = clock["frozen_time"]
    return frozen


def check_subscription_room(ctx: Context, customer: Json) -> None:
    """A customer on a test clock has a few subscriptions at most, those to come included."""
    if customer["test_clock"] is None:
        return
    account, owner = ctx.account, customer["id"]
    held = [*account.related("subscription.customer", "subscription", owner)]
    held += [
        row
        for row in account.related("subscription_schedule.customer", "subscription_schedule", owner)
        if row["status"] == "not_started"
    ]
    if len([row for row in held if row["status"] not in _ENDED]) >= MAX_SUBSCRIPTIONS:
        raise StripeError.refused(
            f"A customer on a test clock can have at most {MAX_SUBSCRIPTIONS} subscriptions.",
            param="customer",
        )


def check_at_rest(ctx: Context, *object_ids: str) -> None:
    """Refuse a change to what lives by a clock that is advancing."""
    for object_id in object_ids:
        clock_id = object_id
        if ctx.account.find(KIND, object_id) is None:
            clock_id = ctx.account.clock_of(object_id) or ""
        clock = ctx.account.find(KIND, clock_id)
        if clock is not None and clock["status"] == "advancing":
            raise StripeError(
                429,
                "invalid_request_error",
                "Test clock advancement underway - cannot perform modifications",
                code="rate_limit",
                is_validation=True,
            )


def delete(ctx: Context, params: Json, clock_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/test_helpers/test_clocks/{id}: with every object that lives by it."""
    clock = ctx.get(KIND, clock_id)
    _forget_all(ctx, clock_id)
    ctx.account.plan(EXPIRE, clock_id, None)
    del ctx.account.of(KIND)[clock_id]
    ctx.effect("test_clock.deleted", clock)
    events.emit(ctx, f"{_OBJECT}.deleted", clock)
    return {"id": clock_id, "object": _OBJECT, "deleted": True}


def _forget_all(ctx: Context, clock_id: str) -> None:
    account = ctx.account
    customers = {
        row["id"] for row in account.of("customer").values() if row["test_clock"] == clock_id
    }
    for customer_id in customers:
        search.forget(ctx, account.of("customer")[customer_id])
    gone: set[str] = set()
    for kind, held in account.objects.items():
        if kind == "event":
            continue
        for object_id, row in list(held.items()):
            is_owned = row.get("customer") in customers or row.get("invoice") in gone
            if row.get("test_clock") == clock_id or is_owned:
                del held[object_id]
                account.hidden.pop(object_id, None)
                gone.add(object_id)
    for key in [key for key in account.agenda if key.partition(":")[2] in gone]:
        del account.agenda[key]
