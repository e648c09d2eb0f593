"""What the tests of the five worked deals share: amounts as written, months, sides of a journal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.money import Money
from dealthread.domain.revenue.journal import Journal, Side
from dealthread.domain.revenue.schedule import Schedule

YEAR_END = date(2027, 1, 1)


def usd(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "USD")


def eur(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "EUR")


def gbp(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "GBP")


def months(one: Schedule | dict[date, Money]) -> list[str]:
    found = one.by_month() if isinstance(one, Schedule) else one
    return [f"{amount.amount:,}" for amount in found.values()]


def sides(journal: Journal) -> tuple[dict[str, Money], dict[str, Money]]:
    debits = {line.account: line.amount for line in journal.lines if line.side is Side.DEBIT}
    credits = {line.account: line.amount for line in journal.lines if line.side is Side.CREDIT}
    return debits, credits


def taxed(net: Money, percent: str) -> Money:
    return Money.rounded(net.amount * Decimal(percent) / 100, net.currency)
