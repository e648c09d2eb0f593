"""The transaction price to the obligations, by relative standalone selling price.

ASC 606-10-32-28…41 and IFRS 15.73–86. A discount belongs to all obligations in proportion, unless
a bundle of some is regularly sold at it (32-37); the residual approach gives what is left to the
one obligation without an observable price (32-34 c); pass-through items stay outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether
from dealthread.domain.revenue.spread import Remainder, spread
from dealthread.domain.rounding import RoundingMode
from dealthread.domain.working import Working, worked


class Allocation(Frozen):
    """Amounts by obligation; they sum to the transaction price."""

    transaction_price: Money
    amounts: tuple[tuple[str, Money], ...]
    """In the order of the obligations; pass-through items are not among them."""
    working: Working

    def of(self, key: str) -> Money:
        """An obligation's share. Raises KeyError for one that has none."""
        return dict(self.amounts)[key]


def allocate(
    obligations: Sequence[PerformanceObligation],
    transaction_price: Money | None = None,
    sold_together: Sequence[SoldTogether] = (),
    remainder: Remainder = Remainder.LAST,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> Allocation:
    """Divide the transaction price, by default the stated prices without pass-through items.

    Raises ValueError naming the field: no obligation, a key twice, mixed currencies, more than
    one obligation without a standalone selling price, a residual that is not positive or lies
    outside its range, bundles that overlap.
    """
    inside = [one for one in obligations if not one.is_pass_through]
    _refuse_unfit(obligations, inside, sold_together)
    currency = inside[0].price.currency
    price = transaction_price or Money.total((one.price for one in inside), currency)
    amounts: dict[str, Money] = {}
    rest = price
    residual = next((one for one in inside if one.ssp is None), None)
    if residual is not None:
        rest = _without_residual(inside, sold_together, currency)
        amounts[residual.key] = _residual(residual, price - rest)
    groups = _groups([one for one in inside if one.ssp is not None], sold_together)
    shares = _spread_over([cost for _, cost in groups], rest, remainder, mode)
    for (members, _), share in zip(groups, shares, strict=True):
        parts = _spread_over([_ssp(one) for one in members], share, remainder, mode)
        amounts.update(zip((one.key for one in members), parts, strict=True))
    return Allocation(
        transaction_price=price,
        amounts=tuple((one.key, amounts[one.key]) for one in inside),
        working=_working(inside, price, amounts),
    )


def _refuse_unfit(
    obligations: Sequence[PerformanceObligation],
    inside: Sequence[PerformanceObligation],
    sold_together: Sequence[SoldTogether],
) -> None:
    keys = [one.key for one in obligations]
    if not inside:
        raise ValueError("obligations: none is left to allocate to")
    if len(set(keys)) < len(keys):
        raise ValueError("obligations: a key stands twice")
    if len({one.price.currency for one in obligations}) > 1:
        raise ValueError("obligations: currencies do not mix")
    if sum(one.ssp is None for one in inside) > 1:
        raise ValueError("ssp: more than one obligation has none")
    bundled = [key for bundle in sold_together for key in bundle.keys]
    if len(set(bundled)) < len(bundled):
        raise ValueError("sold_together: an obligation stands in two bundles")
    if not set(bundled) <= {one.key for one in inside if one.ssp is not None}:
        raise ValueError("sold_together: names what has no standalone selling price here")


def _ssp(obligation: PerformanceObligation) -> int:
    return 0 if obligation.ssp is None else obligation.ssp.to_minor()


def _groups(
    priced: Sequence[PerformanceObligation], sold_together: Sequence[SoldTogether]
) -> list[tuple[list[PerformanceObligation], int]]:
    """Each bundle, and each obligation outside bundles, with what it costs alone."""
    place = {key: at for at, bundle in enumerate(sold_together) for key in bundle.keys}
    found: dict[object, list[PerformanceObligation]] = {}
    for one in priced:
        found.setdefault(place.get(one.key, one.key), []).append(one)
    return [
        (members, sold_together[at].price.to_minor() if isinstance(at, int) else _ssp(members[0]))
        for at, members in found.items()
    ]


def _without_residual(
    inside: Sequence[PerformanceObligation],
    sold_together: Sequence[SoldTogether],
    currency: str,
) -> Money:
    priced = [one for one in inside if one.ssp is not None]
    return Money.from_minor(sum(cost for _, cost in _groups(priced, sold_together)), currency)


def _residual(obligation: PerformanceObligation, left: Money) -> Money:
    low, high = obligation.ssp_low, obligation.ssp_high
    if left.amount <= 0 or (low and left < low) or (high and high < left):
        raise ValueError(
            f"ssp: {left} is left for {obligation.key}, outside what it may cost alone "
            "(606-10-32-28): give it a standalone selling price"
        )
    return left


def _spread_over(
    weights: Sequence[int], whole: Money, remainder: Remainder, mode: RoundingMode
) -> Sequence[Money]:
    return spread(whole, weights, remainder, mode) if weights else ()


def _working(
    inside: Sequence[PerformanceObligation], price: Money, amounts: dict[str, Money]
) -> Working:
    return worked(
        "allocation of the transaction price",
        "transaction price × standalone selling price ÷ sum of these",
        price,
        source="ASC 606-10-32-28…41",
        parts=[
            worked(
                one.key,
                "what the others leave" if one.ssp is None else "by standalone selling price",
                amounts[one.key],
                stated=one.price,
                standalone="none observable" if one.ssp is None else one.ssp,
            )
            for one in inside
        ],
    )
