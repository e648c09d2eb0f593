"""The price of a renewal: a percentage or an index on the unit price in force.

Rounded at the unit price, never above the cap, never inside a price lock (facts/domain.md §4).
An index works as the Bureau of Labor Statistics describes for escalation: change in points ÷
index of the earlier period (bls.gov, "How to use the Consumer Price Index for escalation").
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, UnitPrice
from dealthread.domain.rounding import (
    RoundingMode,
    exact,
    rounded_integer,
    unit_price_of,
)
from dealthread.domain.working import Working, worked


class PercentUplift(Frozen):
    """A fixed percentage. A negative one is a reduction."""

    kind: Literal["percent"] = "percent"
    percent: ExactDecimal

    @model_validator(mode="after")
    def _price_remains(self) -> PercentUplift:
        if self.percent <= -100:
            raise ValueError("percent: above -100")
        return self

    def change(self) -> Fraction:
        """The change in percent, exact."""
        return Fraction(self.percent)


class IndexUplift(Frozen):
    """The change of a published index between two periods, and a margin on top."""

    kind: Literal["index"] = "index"
    source: str
    """Who publishes which series: "BLS CPI-U, U.S. city average, all items, 1982-84=100"."""
    earlier_period: str
    earlier_value: ExactDecimal
    later_period: str
    later_value: ExactDecimal
    plus_percent: ExactDecimal = Decimal(0)
    percent_places: int | None = None
    """Decimals that the index's change is rounded to, half up; None = not rounded."""

    @model_validator(mode="after")
    def _positive(self) -> IndexUplift:
        if self.earlier_value <= 0 or self.later_value <= 0:
            raise ValueError("earlier_value, later_value: an index is above nought")
        if self.change() <= -100:
            raise ValueError("plus_percent: the price must remain above nought")
        return self

    def change(self) -> Fraction:
        """The change in percent: exact, or rounded where the contract says so."""
        earlier = Fraction(self.earlier_value)
        percent = (Fraction(self.later_value) - earlier) / earlier * 100
        if self.percent_places is not None:
            scale = 10**self.percent_places
            percent = Fraction(rounded_integer(percent * scale), scale)
        return percent + Fraction(self.plus_percent)


class UpliftRule(Frozen):
    """What a contract says about the price of its next term."""

    by: Annotated[PercentUplift | IndexUplift, Field(discriminator="kind")]
    cap_percent: ExactDecimal | None = None
    """Never more than this."""
    floor_percent: ExactDecimal | None = None
    """Never less than this; 0 keeps the price when an index falls."""
    locked_until: date | None = None
    """First day on which the price may change."""
    places: int = Field(default=2, ge=0, le=12)
    """Decimals of the new unit price."""
    mode: RoundingMode = RoundingMode.HALF_UP

    @model_validator(mode="after")
    def _ordered(self) -> UpliftRule:
        cap, floor = self.cap_percent, self.floor_percent
        if cap is not None and floor is not None and floor > cap:
            raise ValueError("floor_percent: above cap_percent")
        return self


class Uplifted(Frozen):
    """The price of the next term."""

    price: UnitPrice
    is_capped: bool
    is_locked: bool
    working: Working


def uplifted(price: UnitPrice, rule: UpliftRule, on: date) -> Uplifted:
    """The unit price of a term that starts on a day. `price`: the one in force before.

    Raises ValueError for a negative price.
    """
    if price.amount < 0:
        raise ValueError("price: a negative price is not uplifted")
    if rule.locked_until is not None and on < rule.locked_until:
        working = worked(
            "renewal price",
            "price in force, since the price lock runs",
            price,
            price_in_force=price,
            locked_until=rule.locked_until,
        )
        return Uplifted(price=price, is_capped=False, is_locked=True, working=working)
    wanted = rule.by.change()
    change = wanted
    if rule.floor_percent is not None:
        change = max(change, Fraction(rule.floor_percent))
    if rule.cap_percent is not None:
        change = min(change, Fraction(rule.cap_percent))
    new = _rounded(price, change, rule)
    working = worked(
        "renewal price",
        "price in force × (100 + percent) ÷ 100",
        new,
        source=rule.by.source if isinstance(rule.by, IndexUplift) else "contract",
        price_in_force=price,
        percent=_shown(change),
        asked_percent=_shown(wanted),
        cap="none" if rule.cap_percent is None else rule.cap_percent,
        rounding=f"{rule.mode} at {rule.places} decimals",
    )
    return Uplifted(price=new, is_capped=change < wanted, is_locked=False, working=working)


def _rounded(price: UnitPrice, change: Fraction, rule: UpliftRule) -> UnitPrice:
    """The new price; rounded down where rounding by the mode would pass the cap."""
    value = exact(price) * (100 + change) / 100
    new = unit_price_of(value, price.currency, rule.places, rule.mode)
    if rule.cap_percent is not None:
        most = exact(price) * (100 + Fraction(rule.cap_percent)) / 100
        if exact(new) > most:
            return unit_price_of(value, price.currency, rule.places, RoundingMode.DOWN)
    return new


def _shown(percent: Fraction) -> str:
    """A percentage for people: exact where it ends, else six decimals and a mark."""
    shown = Decimal(rounded_integer(percent * 10**6)).scaleb(-6).normalize()
    return f"{shown:f}" if Fraction(shown) == percent else f"≈ {shown:f}"
