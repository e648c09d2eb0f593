"""Journal entries: balanced per legal entity and currency, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.revenue.schedule import Schedule, recognition_date

Sides = Sequence[tuple[str, Money]]
"""Account and amount."""


class Side(StrEnum):
    """Of an entry."""

    DEBIT = "debit"
    CREDIT = "credit"


class JournalLine(Frozen):
    """One side of an entry; the amount is never below zero."""

    legal_entity: str
    account: str
    side: Side
    amount: Money

    @model_validator(mode="after")
    def _not_negative(self) -> JournalLine:
        if self.amount.amount < 0:
            raise ValueError("amount: below zero belongs on the other side")
        return self

    @property
    def signed(self) -> Money:
        """Debit above zero, credit below."""
        return self.amount if self.side is Side.DEBIT else -self.amount


class Journal(Frozen):
    """An entry of one day. Lines balance for each legal entity and currency."""

    posting_date: date
    what: str
    lines: tuple[JournalLine, ...]

    @model_validator(mode="after")
    def _balanced(self) -> Journal:
        sums: dict[tuple[str, str], Money] = {}
        for line in self.lines:
            amount = line.signed
            key = (line.legal_entity, amount.currency)
            sums[key] = sums.get(key, Money.zero(amount.currency)) + amount
        for (entity, _), left in sums.items():
            if left:
                raise ValueError(f"lines: {entity} does not balance by {left}")
        return self


def entry(legal_entity: str, day: date, what: str, debits: Sides, credits: Sides) -> Journal:
    """An entry of one legal entity; sides of nothing are left out, those below zero change side.

    Raises ValueError when it does not balance.
    """
    lines = [
        _line(legal_entity, account, amount, is_debit)
        for sides, is_debit in ((debits, True), (credits, False))
        for account, amount in sides
        if amount
    ]
    return Journal(posting_date=day, what=what, lines=tuple(lines))


def billed(
    legal_entity: str,
    day: date,
    net: Money,
    taxes: Iterable[tuple[str, Money]],
    *,
    receivable: str,
    deferred: str,
) -> Journal:
    """An invoice: receivable against deferred revenue and tax; a net below zero is a credit."""
    tax = list(taxes)
    gross = Money.total((net, *(amount for _, amount in tax)), net.currency)
    what = "invoice" if net.amount >= 0 else "credit note"
    return entry(legal_entity, day, what, [(receivable, gross)], [(deferred, net), *tax])


def recognised(
    legal_entity: str,
    schedules: Sequence[Schedule],
    accounts: Mapping[str, str],
    *,
    deferred: str,
    unbilled: Mapping[str, str] | None = None,
) -> tuple[Journal, ...]:
    """Deferred revenue to revenue, an entry for each day that has any, in order.

    `accounts` gives the revenue account of an obligation; `unbilled` the asset that is debited
    for one that is billed later, as usage is. Raises ValueError when one has no account.
    """
    found: dict[date, list[tuple[str, str, Money]]] = {}
    for one in schedules:
        if one.obligation not in accounts:
            raise ValueError(f"accounts: none for {one.obligation}")
        against = (unbilled or {}).get(one.obligation, deferred)
        for portion in one.portions():
            day = recognition_date(portion, one.method)
            sides = (against, accounts[one.obligation], portion.amount)
            found.setdefault(day, []).append(sides)
    return tuple(
        entry(
            legal_entity,
            day,
            "revenue",
            [(against, amount) for against, _, amount in rows],
            [(account, amount) for _, account, amount in rows],
        )
        for day, rows in sorted(found.items())
    )


def _line(legal_entity: str, account: str, amount: Money, is_debit: bool) -> JournalLine:
    side = Side.DEBIT if (amount.amount > 0) is is_debit else Side.CREDIT
    return JournalLine(legal_entity=legal_entity, account=account, side=side, amount=abs(amount))
