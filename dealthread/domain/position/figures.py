"""The position of a contract on a day, and sums of positions in one currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dealthread.domain.base import Frozen
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.position.entry import Entry, Figure, sum_of


class Position(Frozen):
    """Where the money stands. Net of tax, unless a name says gross."""

    currency: CurrencyCode
    sold: Money
    billed: Money
    recognised: Money
    collected: Money
    """Gross of tax and fees."""
    arr: Money
    deferred: Money
    """Billed and not recognised, of fixed charges."""
    contract_asset: Money
    """Recognised and not billed, of fixed charges."""
    unbilled_usage: Money
    """Usage recognised and not billed."""
    unbilled_backlog: Money
    """Sold and not billed."""
    remaining_obligations: Money
    """Sold and not recognised."""
    planned: Money
    """What the revenue schedule puts into the months that have ended."""
    invoiced_gross: Money
    receivable: Money
    """Gross."""
    credit_balance: Money
    """Gross."""
    unapplied_cash: Money
    """Gross."""
    written_off: Money
    """Gross."""


_SUMMED = tuple(name for name in Position.model_fields if name != "currency")


def position_of(
    entries: Sequence[Entry], as_of: date, currency: str, arr: Money, planned: Money
) -> Position:
    """Of one contract: everything up to the end of a day."""
    counted = [one for one in entries if one.day <= as_of]

    def of(figure: Figure) -> Money:
        return sum_of(counted, figure, currency)

    zero = Money.zero(currency)
    sold, billed, recognised = of(Figure.SOLD), of(Figure.BILLED), of(Figure.RECOGNISED)
    usage = of(Figure.USAGE_RECOGNISED) - of(Figure.USAGE_BILLED)
    ahead = billed - recognised + usage
    return Position(
        currency=currency,
        sold=sold,
        billed=billed,
        recognised=recognised,
        collected=of(Figure.COLLECTED),
        arr=arr,
        deferred=max(ahead, zero),
        contract_asset=max(-ahead, zero),
        unbilled_usage=usage,
        unbilled_backlog=sold - billed,
        remaining_obligations=sold - recognised,
        planned=planned,
        invoiced_gross=of(Figure.INVOICED_GROSS),
        receivable=of(Figure.RECEIVABLE),
        credit_balance=of(Figure.CREDIT_BALANCE),
        unapplied_cash=of(Figure.UNAPPLIED_CASH),
        written_off=of(Figure.WRITTEN_OFF),
    )


def added_up(positions: Iterable[Position]) -> tuple[Position, ...]:
    """One sum for each currency, in the order of their codes: currencies are never added."""
    by_currency: dict[str, list[Position]] = {}
    for one in positions:
        by_currency.setdefault(one.currency, []).append(one)
    return tuple(
        Position.model_validate(
            {"currency": currency}
            | {
                name: Money.total((getattr(one, name) for one in found), currency)
                for name in _SUMMED
            }
        )
        for currency, found in sorted(by_currency.items())
    )


def untied(position: Position) -> Money:
    """What identity T7 of facts/domain.md §6 is off by: what was invoiced is paid, given up or
    owed, less what is owed back."""
    one = position
    left = one.invoiced_gross - one.collected - one.written_off
    return left - (one.receivable - one.credit_balance - one.unapplied_cash)
