"""Prepaid balances that usage draws down: units or credit, with expiry; overage is what is left.

The grant that expires first is used first; grants without expiry come last; between equals the
older one, then the key (use it or lose it: knowledgecenter.zuora.com, "Prepaid with Drawdown").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money
from dealthread.domain.pricing.quantity import checked_quantity, minus
from dealthread.domain.working import Working, worked


class Grant(Frozen):
    """Prepaid units, or prepaid credit where `currency` says so."""

    key: str
    left: ExactDecimal
    """What is not drawn yet: units, or major units of the currency."""
    valid_from: date
    valid_until: date | None = None
    """First day on which it can no longer be used."""
    currency: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Grant:
        if self.left < 0:
            raise ValueError("left: not negative")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until: after valid_from")
        if self.currency is not None:
            Money.of(self.left, self.currency)
        return self

    def is_usable(self, on: date) -> bool:
        """Whether it can be drawn on a day."""
        return self.valid_from <= on and not self.is_expired(on)

    def is_expired(self, on: date) -> bool:
        """Whether a day is past its end."""
        return self.valid_until is not None and self.valid_until <= on


class Draw(Frozen):
    """What one grant covered."""

    key: str
    quantity: ExactDecimal


class DrawDown(Frozen):
    """Σ draws + uncovered = what was used. `grants`: all of them, after the draws."""

    draws: tuple[Draw, ...]
    uncovered: ExactDecimal
    """Overage, to be rated."""
    grants: tuple[Grant, ...]
    working: Working


def draw_down(grants: Sequence[Grant], used: Decimal | int | str, on: date) -> DrawDown:
    """Cover units used on a day from prepaid units.

    Raises ValueError for a grant of credit, a key given twice and a bad quantity.
    """
    return _drawn(grants, checked_quantity(used, field="used"), on, None)


def draw_credit(grants: Sequence[Grant], charge: Money, on: date) -> DrawDown:
    """Cover a charge of a day from prepaid credit of its currency.

    Raises ValueError for grants of units or of another currency, and a negative charge.
    """
    return _drawn(grants, checked_quantity(charge.amount, field="charge"), on, charge.currency)


def forfeited(grants: Iterable[Grant], on: date) -> tuple[Draw, ...]:
    """What has expired unused by a day: breakage."""
    return tuple(
        Draw(key=grant.key, quantity=grant.left)
        for grant in grants
        if grant.left and grant.is_expired(on)
    )


def _drawn(grants: Sequence[Grant], used: Decimal, on: date, currency: str | None) -> DrawDown:
    if len({grant.key for grant in grants}) < len(grants):
        raise ValueError("grants: two have the same key")
    if any(grant.currency != currency for grant in grants):
        raise ValueError(f"grants: all must be of {currency or 'units'}")
    rest, draws = used, dict[str, Decimal]()
    for grant in sorted(grants, key=_turn):
        part = min(rest, grant.left) if grant.is_usable(on) else Decimal(0)
        if part:
            draws[grant.key] = part
            rest = minus(rest, part)
    after = tuple(
        grant.model_copy(update={"left": minus(grant.left, draws.get(grant.key, Decimal(0)))})
        for grant in grants
    )
    listed = tuple(Draw(key=key, quantity=part) for key, part in draws.items())
    working = worked(
        "overage",
        "used − draws, the grant that expires first before the others",
        rest,
        source="prepaid with draw-down",
        used=used,
        drawn="; ".join(f"{key} {part}" for key, part in draws.items()) or "nothing",
        on=on,
    )
    return DrawDown(draws=listed, uncovered=rest, grants=after, working=working)


def _turn(grant: Grant) -> tuple[date, date, str]:
    return (grant.valid_until or date.max, grant.valid_from, grant.key)
