"""How much each discount takes off each line, and what is left of the line. Pure.

Sources: docs.stripe.com/billing/subscriptions/coupons (order, eligible products, duration),
docs.stripe.com/billing/subscriptions/backdating#backdating-discounts, docstrings of `Invoice`,
`InvoiceLineItem` and `Coupon` (stripe 16.1). Discounts of a line come before those of the invoice;
each takes its share of what the one before it left; prorations and lines that are not discountable
are left alone; nothing falls below zero.
All amounts are minor units; a percentage is rounded half up on each line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.money import HUNDRED, half_up


@dataclass(frozen=True)
class Discount:
    """A coupon as it was redeemed: a percentage or an amount, for some products or for all."""

    id: str
    percent_off: str | None
    amount_off: int | None
    # Empty: every product.
    products: tuple[str, ...] = ()
    # Unix second from which nothing is discounted any more; None: no end of its own.
    end: int | None = None


class Billable(Protocol):
    """What a line must tell to be discounted."""

    @property
    def amount(self) -> int:
        """Before any discount."""

    @property
    def price(self) -> Json:
        """The price with its product."""

    @property
    def is_discountable(self) -> bool:
        """Prorations never are."""

    @property
    def discounts(self) -> Sequence[Discount]:
        """The line's own."""

    @property
    def discounted_at(self) -> int | None:
        """The instant that decides whether a discount has ended; None: the invoice's own."""


@dataclass(frozen=True)
class Taken:
    """What one discount takes off one line."""

    discount_id: str
    amount: int


@dataclass(frozen=True)
class Discounted:
    """A line after its discounts."""

    own: tuple[Taken, ...]
    of_invoice: tuple[Taken, ...]
    # After the line's own discounts, and after all.
    after_own: int
    net: int


def discounted(
    lines: Sequence[Billable], discounts: Sequence[Discount], *, at: int
) -> list[Discounted]:
    """Every line of an invoice made at an instant, after the discounts of both."""
    rest = [line.amount for line in lines]
    own: list[list[Taken]] = [[] for _ in lines]
    shared: list[list[Taken]] = [[] for _ in lines]
    for index, line in enumerate(lines):
        for discount in line.discounts:
            _take(discount, [index], lines, rest, own, at)
    after_own = list(rest)
    for discount in discounts:
        _take(discount, range(len(lines)), lines, rest, shared, at)
    return [
        Discounted(tuple(own[index]), tuple(shared[index]), after_own[index], rest[index])
        for index in range(len(lines))
    ]


def net_amounts(lines: Sequence[Billable], discounts: Sequence[Discount], *, at: int) -> list[int]:
    """What is left of each line, before exclusive taxes."""
    return [line.net for line in discounted(lines, discounts, at=at)]


def _take(
    discount: Discount,
    indices: Sequence[int],
    lines: Sequence[Billable],
    rest: list[int],
    taken: list[list[Taken]],
    at: int,
) -> None:
    eligible = [index for index in indices if _is_eligible(discount, lines[index], at)]
    amounts = _shares(discount, [rest[index] for index in eligible])
    for index, amount in zip(eligible, amounts, strict=True):
        rest[index] -= amount
        taken[index].append(Taken(discount.id, amount))


def _is_eligible(discount: Discount, line: Billable, at: int) -> bool:
    if not line.is_discountable:
        return False
    if discount.products and line.price["product"] not in discount.products:
        return False
    moment = at if line.discounted_at is None else line.discounted_at
    return discount.end is None or moment < discount.end


def _shares(discount: Discount, amounts: Sequence[int]) -> list[int]:
    if discount.percent_off is not None:
        share = Decimal(discount.percent_off) / HUNDRED
        return [half_up(amount * share) for amount in amounts]
    total = sum(amounts)
    wanted = min(discount.amount_off or 0, total)
    if wanted <= 0:
        return [0 for _ in amounts]
    # In proportion to what is left of each line; rounded on the running sum, so that the parts
    # are exactly the whole.
    shares = []
    passed = given = 0
    for amount in amounts:
        passed += amount
        upto = half_up(Decimal(wanted) * passed / total)
        shares.append(upto - given)
        given = upto
    return shares
