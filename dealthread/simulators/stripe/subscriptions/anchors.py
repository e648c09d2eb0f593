"""The billing cycle anchor of a new subscription: given, or found by a day of the month.

Sources: docs.stripe.com/billing/subscriptions/billing-cycle and docstrings of stripe 16.1. With
`billing_cycle_anchor_config` the anchor is the next occurrence of the day of the month, and a month
without that day bills on its last one; the anchor is in a month that has it.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.periods import shift, shortest
from dealthread.simulators.stripe.subscriptions.plans import PlanItem
from dealthread.simulators.stripe.wire.errors import StripeError

_PARAM = "billing_cycle_anchor_config"
_TIMES = ("hour", "minute", "second")
# Within twelve intervals there is a long enough month, or a leap year, if there ever is one.
_INTERVALS_AHEAD = 12


def config_object(given: Json) -> Json:
    """The parameters as the subscription shows them."""
    return {name: given.get(name) for name in ("day_of_month", "hour", "minute", "month", "second")}


def check_config(*, start: int, now: int) -> None:
    """Refuse the day of a month for a start in the past.

    docs.stripe.com/billing/subscriptions/billing-cycle says that the parameter doesn't support
    anchoring on a backdated start date; a start without any anchor is one itself.
    """
    if start < now:
        raise StripeError.refused(
            f"{_PARAM} doesn't support anchoring on a backdated start date.", param=_PARAM
        )


def next_occurrence(now: int, recurring: Json, config: Json) -> int:
    """The first such day after now, in the month asked for if one is; short months clamp it.

    The time of day is that of the creation where it is not given.
    """
    if recurring["interval"] not in ("month", "year"):
        raise StripeError.refused(
            f"{_PARAM} is only valid with monthly and yearly price intervals.", param=_PARAM
        )
    begun = datetime.fromtimestamp(now, UTC)
    clock = {name: config.get(name, getattr(begun, name)) for name in _TIMES}
    index = begun.year * 12 + begun.month - 1
    while True:
        year, month = divmod(index, 12)
        if config.get("month", month + 1) == month + 1:
            day = min(config["day_of_month"], calendar.monthrange(year, month + 1)[1])
            at = datetime(year, month + 1, day, **clock, tzinfo=UTC)
            if at.timestamp() > now:
                return int(at.timestamp())
        index += 1


def full(first: int, recurring: Json, day_of_month: int) -> int:
    """The anchor: the first occurrence in a month long enough for the day, in steps of the cycle.

    It may lie several periods ahead; the first full invoice still comes with the first occurrence
    (docs.stripe.com/billing/subscriptions/billing-cycle: 31 August for two months from February).
    """
    steps = [
        _stretched(shift(first, recurring, number), day_of_month)
        for number in range(_INTERVALS_AHEAD + 1)
    ]
    return max(steps, key=lambda one: datetime.fromtimestamp(one, UTC).day)


def _stretched(anchor: int, day_of_month: int) -> int:
    at = datetime.fromtimestamp(anchor, UTC)
    last = calendar.monthrange(at.year, at.month)[1]
    return int(at.replace(day=min(day_of_month, last)).timestamp())


def resolve(
    now: int,
    items: Sequence[PlanItem],
    *,
    start: int,
    anchor: int | None,
    config: Json | None = None,
    trial_end: int | None = None,
) -> int:
    """Where periods are counted from: the anchor given, the end of the trial, or the start.

    Flexible billing aligns a start in the past with itself when no anchor is given
    (docs.stripe.com/billing/subscriptions/billing-mode/compare). The first full invoice comes
    within one period from the start or the end of the trial.
    """
    recurring = shortest([item.price["recurring"] for item in items])
    param = "billing_cycle_anchor" if config is None else _PARAM
    if start > now:
        raise StripeError.refused(
            "backdate_start_date must be in the past.", param="backdate_start_date"
        )
    if anchor is None:
        return start if trial_end is None else trial_end
    if anchor <= now:
        raise StripeError.refused(f"{param} must be a timestamp in the future.", param=param)
    natural = _next_natural_date(start, recurring, now)
    if trial_end is not None:
        natural = shift(trial_end, recurring, 1)
    if anchor > natural:
        raise StripeError.refused(
            f"{param} cannot be later than next natural billing date ({natural}) for plan",
            param=param,
        )
    return anchor if config is None else full(anchor, recurring, config["day_of_month"])


def _next_natural_date(start: int, recurring: Json, now: int) -> int:
    """The first boundary after now when periods are counted from the start."""
    number = 1
    while shift(start, recurring, number) <= now:
        number += 1
    return shift(start, recurring, number)
