"""Minimum commitments: what is due when less was charged than was promised.

The true-up is the promised amount less what was charged in the commitment's period, never below
nought; charges above it are due as they are (docs.zuora.com, "Minimum Commitment concepts";
docs.getlago.com/guide/plans/commitment, which counts net of tax and before coupons).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.rounding import Exact, RoundingMode, exact, money_of
from dealthread.domain.working import Working, worked


class TrueUp(Frozen):
    """committed − charged = amount where that is positive; amount is never negative."""

    committed: Money
    """What the period owes at least, after its share of a part period."""
    charged: Money
    amount: Money
    working: Working


def true_up(
    commitment: Money,
    charges: Sequence[Money],
    *,
    share: Exact = 1,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> TrueUp:
    """What is still due at the end of a commitment's period.

    `charges`: net, all that count towards the commitment, credits negative. `share`: part of the
    period that was served, above 0 and at most 1; the commitment is prorated by it.
    Raises ValueError for a negative commitment, a share outside its range and another currency.
    """
    part = Fraction(share)
    if commitment.amount < 0:
        raise ValueError("commitment: not negative")
    if not 0 < part <= 1:
        raise ValueError("share: above 0 and at most 1")
    committed = money_of(exact(commitment) * part, commitment.currency, mode)
    charged = Money.total(charges, commitment.currency)
    amount = max(committed - charged, Money.zero(commitment.currency))
    working = worked(
        "true-up",
        "commitment × share of the period − charges, not below nought",
        amount,
        source="minimum commitment",
        commitment=commitment,
        share=part,
        charges=charged,
    )
    return TrueUp(committed=committed, charged=charged, amount=amount, working=working)
