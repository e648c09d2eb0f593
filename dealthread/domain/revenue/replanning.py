"""The schedule after a change, by its treatment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dealthread.domain.money import Money
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.schedule import Schedule, schedule
from dealthread.domain.revenue.spread import Remainder, divided
from dealthread.domain.working import Working, worked


@dataclass(frozen=True, slots=True)
class Replanned:
    """What was recognised before the change, and what follows it."""

    kept: Schedule | None
    ahead: Schedule | None
    working: Working

    def schedules(self) -> tuple[Schedule, ...]:
        """Those that there are."""
        return tuple(one for one in (self.kept, self.ahead) if one is not None)


def replan(
    old: Schedule,
    effective: date,
    change: Money,
    end: date | None = None,
    method: Method | None = None,
    remainder: Remainder | None = None,
) -> Replanned:
    """Prospectively (606-10-25-13 a): unrecognised and new consideration over what remains.

    `change` is below zero for a credit. Raises ValueError for an end that is not after the
    effective day and for a credit above what is unrecognised.
    """
    last = old.end if end is None else end
    if last <= effective:
        raise ValueError(f"effective: {effective} leaves nothing before {last}")
    kept = old.before(effective)
    recognised = Money.zero(old.currency) if kept is None else kept.total
    remaining = old.total - recognised + change
    if remaining.amount < 0 <= old.total.amount:
        raise ValueError(f"change: {change} is more than is left to recognise")
    ahead = schedule(
        old.obligation,
        remaining,
        max(effective, old.start),
        last,
        method or (Method.BY_DAY if old.method.is_by_event else old.method),
        remainder,
    )
    working = worked(
        f"revenue of {old.obligation} from {effective}",
        "booked − recognised + change, over the remaining term",
        remaining,
        source="ASC 606-10-25-13(a)",
        booked=old.total,
        recognised=recognised,
        change=change,
        start=ahead.start,
        end=last,
    )
    return Replanned(kept, ahead, working)


def terminate(old: Schedule, effective: date) -> Replanned:
    """What is recognised stays; the rest is derecognised (M12)."""
    kept = old.before(effective)
    recognised = Money.zero(old.currency) if kept is None else kept.total
    working = worked(
        f"derecognised of {old.obligation} from {effective}",
        "booked − recognised",
        old.total - recognised,
        source="ASC 606-10-25-13",
        booked=old.total,
        recognised=recognised,
    )
    return Replanned(kept, None, working)


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Recognised at once for an obligation that is partly satisfied."""

    adjustment: Money
    working: Working


def catch_up(price: Money, progress: Fraction, recognised: Money) -> CatchUp:
    """Cumulatively (606-10-25-13 b): price after the change × progress − recognised, half up.

    `progress` is the share satisfied, measured anew after the change. Raises ValueError when it
    is not between 0 and 1.
    """
    if not 0 <= progress <= 1:
        raise ValueError(f"progress: {progress} is not between 0 and 1")
    due = Money.from_minor(
        divided(price.to_minor() * progress.numerator, progress.denominator),
        price.currency,
    )
    adjustment = due - recognised
    return CatchUp(
        adjustment,
        worked(
            "cumulative catch-up",
            "transaction price × progress − recognised",
            adjustment,
            source="ASC 606-10-25-13(b)",
            transaction_price=price,
            progress=progress,
            recognised=recognised,
        ),
    )
