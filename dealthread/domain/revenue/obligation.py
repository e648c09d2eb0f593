"""Performance obligations: what was promised, and what it would cost alone.

ASC 606-10-25-14…22 (what is an obligation), 32-31…35 (standalone selling price).
"""

from __future__ import annotations

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money


class PerformanceObligation(Frozen):
    """One promise of a contract."""

    key: str
    price: Money
    """What the contract states for it, net."""
    ssp: Money | None = None
    """Standalone selling price of all of it (quantity and term); None: by the residual approach
    (606-10-32-34 c), or for an item outside the allocation."""
    ssp_low: Money | None = None
    ssp_high: Money | None = None
    """The range finance accepts, for the residual approach."""
    is_pass_through: bool = False
    """Collected for others (a tax, a fee handed on): outside the transaction price (32-2)."""

    @model_validator(mode="after")
    def _consistent(self) -> PerformanceObligation:
        for name in ("ssp", "ssp_low", "ssp_high"):
            value: Money | None = getattr(self, name)
            if value is None:
                continue
            if value.currency != self.price.currency:
                raise ValueError(f"{name}: {value.currency} and {self.price.currency} do not mix")
            if value.amount <= 0:
                raise ValueError(f"{name}: {value} is not positive")
        if self.ssp_low and self.ssp_high and self.ssp_high < self.ssp_low:
            raise ValueError("ssp_high: below ssp_low")
        return self


class SoldTogether(Frozen):
    """Evidence that some of the goods are regularly sold as a bundle at a discount (32-37)."""

    keys: tuple[str, ...]
    price: Money
    """What that bundle costs alone."""
