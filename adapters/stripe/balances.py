"""The balance of an account at Stripe up to a day, by what moved on it.

`GET /v1/balance` tells the present one alone. That of an earlier moment is the sum of the balance
transactions created by then (docs.stripe.com/api/balance_transactions/object: `net`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

from adapters.stripe import translate
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.paging import pages
from adapters.stripe.payouts import PAYOUT, Payouts, kind_of, original_of
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, MovementSums, Payout
from dealthread.domain.processor import (
    Converted,
    KnownBalance,
    ProcessorBalance,
    added,
    is_settled,
    settled_on,
)

_MOST_PAGES = 20_000
"""Of a hundred transactions each: the whole life of an account."""
_COMES_BACK_WITHIN = timedelta(days=60)
"""How long after its arrival a payout is asked about that may have come back since."""


_CLEARED = (MovementKind.CHARGE, MovementKind.REFUND)
"""Kinds that stand on the ledger's clearing account as customers paid them."""


class Balances:
    """Works on one account at a time."""

    def __init__(self, payouts: Payouts) -> None:
        self._payouts = payouts

    async def read(
        self,
        account: BillingAccount,
        start: date,
        end: date,
        known: tuple[KnownBalance, ...] = (),
    ) -> tuple[ProcessorBalance, ...]:
        """By currency; on top of what is known, what was created since."""
        first = _unix(start)
        sums = {one.currency: _Sums.of(one) for one in known}
        since = max((one.until for one in known), default=None)
        async for row in _transactions(account, since, end):
            currency = translate.text(row, "currency").upper()
            of = sums.setdefault(currency, _Sums(currency))
            of.add(row, currency, is_before=translate.minor(row, "created") < first)
        payouts = [one async for one in self._of_month(account, start, end)]
        return tuple(
            ProcessorBalance(
                billing_account=account.key,
                currency=currency,
                balance=Money.from_minor(of.balance, currency),
                before=of.before.all(),
                month=of.month.all(),
                converted_before=added(of.converted_before),
                converted_month=added(of.converted_month),
                payouts=tuple(one for one in payouts if one.amount.currency == currency),
            )
            for currency, of in sorted(sums.items())
        )

    async def _of_month(
        self, account: BillingAccount, start: date, end: date
    ) -> AsyncIterator[Payout]:
        """Made by the end, and settled or back in the month or later."""
        async for row in pages(
            account,
            "list_payouts",
            lambda after: account.v1.payouts.list_async(
                {
                    "created": {"lt": _unix(end)},
                    "arrival_date": {"gte": _unix(start - _COMES_BACK_WITHIN)},
                    "limit": 100,
                    **({"starting_after": after} if after else {}),
                }
            ),
            most=_MOST_PAGES,
        ):
            arrives = translate.day(row, "arrival_date")
            failed = translate.text(row, "status") in ("failed", "canceled")
            if arrives is not None and arrives < start and not failed:
                continue
            payout = await self._payouts.read(account, translate.text(row, "id"))
            came_back = payout.returned_on is not None and payout.returned_on >= start
            if not is_settled(payout) or settled_on(payout) >= start or came_back:
                yield payout


class _Sums:
    """Of one currency."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.balance = 0
        self.before = MovementSums()
        self.month = MovementSums()
        self.converted_before: tuple[Converted, ...] = ()
        self.converted_month: tuple[Converted, ...] = ()

    @classmethod
    def of(cls, known: KnownBalance) -> _Sums:
        made = cls(known.currency)
        made.balance = known.balance.to_minor()
        made.before = made.before.with_all(known.moved)
        made.converted_before = known.converted
        return made

    def add(self, row: Answer, currency: str, *, is_before: bool) -> None:
        amount, fee = translate.minor(row, "amount"), translate.minor(row, "fee")
        if translate.minor(row, "net") != amount - fee:
            raise translate.drift("net")
        self.balance += amount - fee
        kind = translate.text(row, "type")
        if kind == PAYOUT:
            return
        into = self.before if is_before else self.month
        into = into.plus(
            kind_of(row, kind),
            Money.from_minor(amount, currency),
            Money.from_minor(fee, currency),
            kind,
        )
        if is_before:
            self.before = into
        else:
            self.month = into
        if translate.at(row, "exchange_rate") is not None and kind_of(row, kind) in _CLEARED:
            self._convert(row, Money.from_minor(amount, currency), is_before=is_before)

    def _convert(self, row: Answer, amount: Money, *, is_before: bool) -> None:
        one = Converted(original=original_of(row), amount=amount)
        if is_before:
            self.converted_before = added((*self.converted_before, one))
        else:
            self.converted_month = added((*self.converted_month, one))


def _transactions(account: BillingAccount, since: date | None, end: date) -> AsyncIterator[Answer]:
    return pages(
        account,
        "list_balance_transactions",
        lambda after: account.v1.balance_transactions.list_async(
            {
                "created": {"gte": 0 if since is None else _unix(since), "lt": _unix(end)},
                "limit": 100,
                # What one was before it was converted is said by its source alone.
                "expand": ["data.source"],
                **({"starting_after": after} if after else {}),
            }
        ),
        most=_MOST_PAGES,
    )


def _unix(day: date) -> int:
    """Begin of a UTC day."""
    return int(datetime.combine(day, time(), UTC).timestamp())
