"""What moved on the processor's balance up to a month's end, and what it paid out in the month."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.payout import (
    MovementKind,
    Movements,
    MovementSums,
    Payout,
    PayoutStatus,
)

_UNDER_WAY = (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT)
_LEAVES = (MovementKind.FEE, MovementKind.ADJUSTMENT, MovementKind.UNKNOWN)
"""Kinds that never stand on the clearing account: they are booked with their payout."""


class Converted(Carried):
    """Charges and refunds that the processor converted, from one currency."""

    original: Money
    """As customers paid them: so they stand on the clearing account."""
    amount: Money
    """What they added to the balance, in its currency, before fees."""


class KnownBalance(Carried):
    """What a month was closed on, in one billing account and currency: nothing is added to a day
    that is over, so that a later month is read from there."""

    billing_account: str
    currency: CurrencyCode
    until: date
    """First day that is not in it."""
    balance: Money
    moved: tuple[Movements, ...]
    """From the beginning, without payouts."""
    converted: tuple[Converted, ...] = ()
    """Of it, what was converted."""


class ProcessorBalance(Carried):
    """One billing account and currency. Movements leave payouts out; above nought is towards us."""

    billing_account: str
    currency: CurrencyCode
    balance: Money
    """At the end of the month's last day: everything that moved, payouts among it."""
    before: tuple[Movements, ...]
    """From the beginning to the day before the month."""
    month: tuple[Movements, ...]
    converted_before: tuple[Converted, ...] = ()
    converted_month: tuple[Converted, ...] = ()
    """Of them, what was converted into this currency."""
    payouts: tuple[Payout, ...] = ()
    """That were made by the month's end and arrived, or came back, in the month or later; those of
    the month with what was in them."""

    def gross(self, *kinds: MovementKind) -> Money:
        """What the month's movements of kinds come to before fees."""
        return _amounts(self.month, kinds, self.currency)

    def net(self, kind: MovementKind) -> Money:
        """What they come to after fees."""
        return Money.total((one.net for one in self.month if one.kind is kind), self.currency)

    @property
    def charged(self) -> Money:
        """What the processor took up to the month's end that is booked with a payout: fees without
        those of disputes, and what has no account yet."""
        return taken_off((*self.before, *self.month), self.currency)

    def known(self, until: date) -> KnownBalance:
        """For the months after it."""
        return KnownBalance(
            billing_account=self.billing_account,
            currency=self.currency,
            until=until,
            balance=self.balance,
            moved=MovementSums().with_all((*self.before, *self.month)).all(),
            converted=added((*self.converted_before, *self.converted_month)),
        )

    def on_its_way(self, end: date) -> Money:
        """Paid out of the balance, and not at the bank on the day before `end`."""
        under_way = (
            one.amount for one in self.payouts if one.status in _UNDER_WAY or settled_on(one) >= end
        )
        return Money.total(under_way, self.currency)


def added(converted: Iterable[Converted]) -> tuple[Converted, ...]:
    """One for each currency that was converted from."""
    found: dict[str, Converted] = {}
    for one in converted:
        had = found.get(one.original.currency)
        found[one.original.currency] = (
            one
            if had is None
            else Converted(original=had.original + one.original, amount=had.amount + one.amount)
        )
    return tuple(found[currency] for currency in sorted(found))


def settled_on(payout: Payout) -> date:
    """The day on which the ledger has a payout: one that comes back before it arrives never was at
    the bank later than that."""
    return min(payout.arrival_date, payout.returned_on or payout.arrival_date)


def is_settled(payout: Payout) -> bool:
    """Whether the processor has sent it or taken it back."""
    return payout.status not in _UNDER_WAY


def taken_off(movements: tuple[Movements, ...], currency: str) -> Money:
    """What of movements is booked with their payout: fees, and movements that are no customer's.
    A dispute's fee is in the dispute's own document."""
    fees = (one.fee for one in movements if one.kind is not MovementKind.DISPUTE)
    return Money.total(fees, currency) - _amounts(movements, _LEAVES, currency)


def _amounts(
    movements: tuple[Movements, ...], kinds: tuple[MovementKind, ...], currency: str
) -> Money:
    return Money.total((one.amount for one in movements if one.kind in kinds), currency)
