"""The billing cycle anchor of a new subscription: given, or found by a day of the month.

Sources: docs.stripe.com/billing/subscriptions/billing-cycle and docstrings of stripe 16.1. With
`billing_cycle_anchor_config` the anchor is the next occurrence of the day of the month, and a month
without that day bills on its last one; the day itself is kept, unlike with a timestamp on the 28th.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime

from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.periods import is_on_grid, shift
from dealthread.simulators.stripe.plans import PlanItem
from dealthread.simulators.stripe.store import Json

_PARAM = "billing_cycle_anchor_config"
_TIMES = ("hour", "minute", "second")
# Within twelve intervals back there is a long enough month, or a leap year, if there ever is one.
_INTERVALS_BACK = 12


def config_object(given: Json) -> Json:
    """The parameters as the subscription shows them."""
    return {name: given.get(name) for name in ("day_of_month", "hour", "minute", "month", "second")}


def next_occurrence(now: int, recurring: Json, config: Json) -> int:
    """The first such day after now, in the month asked for if one is; short months clamp it."""
    if recurring["interval"] not in ("month", "year"):
        raise StripeError.refused(
            f"{_PARAM} is only valid with monthly and yearly price intervals.", param=_PARAM
        )
    for name in _TIMES:
        if name not in config:
            # No page at hand says what the time of day is then.
            raise StripeError.unsupported(f"{_PARAM} without {name}", param=f"{_PARAM}[{name}]")
    begun = datetime.fromtimestamp(now, UTC)
    index = begun.year * 12 + begun.month - 1
    while True:
        year, month = divmod(index, 12)
        if config.get("month", month + 1) == month + 1:
            day = min(config["day_of_month"], calendar.monthrange(year, month + 1)[1])
            at = datetime(
                year, month + 1, day, config["hour"], config["minute"], config["second"], tzinfo=UTC
            )
            if at.timestamp() > now:
                return int(at.timestamp())
        index += 1


def full(anchor: int, recurring: Json, day_of_month: int) -> int:
    """An anchor of the same cycle whose month is long enough for the day, where one is."""
    months = (anchor, *(_back(anchor, recurring, times) for times in range(1, _INTERVALS_BACK + 1)))
    stretched = [_stretched(one, day_of_month) for one in months]
    return max(stretched, key=lambda one: datetime.fromtimestamp(one, UTC).day)


def _back(anchor: int, recurring: Json, times: int) -> int:
    return shift(anchor, recurring, -times)


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
) -> int:
    """Where periods are counted from, or a refusal of what would need proration.

    A start in the past needs an anchor that lies a whole number of intervals after it. Without one
    Stripe anchors at the moment of creation and splits the elapsed time in a way its pages do not
    spell out for flexible billing, so that no amount is invented here.
    """
    recurring = items[0].price["recurring"]
    param = "billing_cycle_anchor" if config is None else _PARAM
    if start > now:
        raise StripeError.refused(
            "backdate_start_date must be in the past.", param="backdate_start_date"
        )
    if anchor is None:
        if start < now:
            raise StripeError.unsupported(
                "backdate_start_date without billing_cycle_anchor", param="backdate_start_date"
            )
        return start
    if anchor <= now:
        raise StripeError.refused(f"{param} must be a timestamp in the future.", param=param)
    natural = _next_natural_date(start, recurring, now)
    if anchor > natural:
        raise StripeError.refused(
            f"{param} cannot be later than next natural billing date ({natural}) for plan",
            param=param,
        )
    counted = anchor if config is None else full(anchor, recurring, config["day_of_month"])
    if anchor != natural or not is_on_grid(counted, recurring, start):
        raise StripeError.unsupported(f"a {param} that makes a partial first period", param=param)
    return counted


def _next_natural_date(start: int, recurring: Json, now: int) -> int:
    """The first boundary after now when periods are counted from the start."""
    number = 1
    while shift(start, recurring, number) <= now:
        number += 1
    return shift(start, recurring, number)
