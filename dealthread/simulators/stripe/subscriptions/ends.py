"""When a subscription ends by itself: an instant, or the end of a period.

Source: docs.stripe.com/billing/subscriptions/cancel#custom-cancel-date. The words
`min_period_end` and `max_period_end` are resolved at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.plans import Plan
from dealthread.simulators.stripe.subscriptions.spans import span_at
from dealthread.simulators.stripe.wire.errors import StripeError

WORDS = ("min_period_end", "max_period_end")


def of_new(plan: Plan, params: Json, now: int) -> int | None:
    """The `cancel_at` of a subscription to be made."""
    _check_alone(params)
    periods = [span_at(plan, item.price["recurring"], now).end for item in plan.items]
    return _resolved(params.get("cancel_at"), periods, now)


def of_present(subscription: Json, params: Json, now: int) -> int | None:
    """The `cancel_at` of a subscription that is changed."""
    _check_alone(params)
    periods = [item["current_period_end"] for item in subscription["items"]["data"]]
    return _resolved(params.get("cancel_at"), periods, now)


def _check_alone(params: Json) -> None:
    if params.get("cancel_at") is not None and params.get("cancel_at_period_end"):
        raise StripeError.invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
            param="cancel_at",
        )


def _resolved(given: int | str | None, periods: Sequence[int], now: int) -> int | None:
    if given is None:
        return None
    if isinstance(given, str):
        return min(periods) if given == "min_period_end" else max(periods)
    if given <= now:
        raise StripeError.refused("`cancel_at` must be in the future.", param="cancel_at")
    return given
