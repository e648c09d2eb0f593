"""The figures of a legal entity in its ledger's currency, at the rates of its documents, so that
finance can hold them against the trial balance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dealthread.domain.base import Frozen
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.position.carried import InLedger
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.standing import Standing


class Unconverted(Frozen):
    """A part of a figure that no document in the ledger has a rate for."""

    figure: str
    amount: Money
    """In the contracts' currency."""


class LedgerPosition(Frozen):
    """Where the money of a legal entity stands, in its ledger's currency. Net of tax, unless a
    name says gross. Contracts in that currency count as they are."""

    seller: str
    currency: CurrencyCode
    sold: Money
    """In another currency than the ledger's: as it is billed; what is not is in `unconverted`."""
    billed: Money
    recognised: Money
    """As the entries have it."""
    collected: Money
    """Gross, each payment at its own rate."""
    arr: Money
    """At the rate of each contract's latest invoice."""
    deferred: Money
    contract_asset: Money
    unbilled_usage: Money
    invoiced_gross: Money
    receivable: Money
    """Gross, as the ledger carries it."""
    credit_balance: Money
    unapplied_cash: Money
    written_off: Money
    exchange_loss: Money
    """Realised by payments: invoiced − collected − written off − this = receivable − credit
    balance − unapplied cash. A gain is below nought."""
    unconverted: tuple[Unconverted, ...] = ()


_SUMMED = (
    "sold billed recognised collected arr deferred contract_asset unbilled_usage invoiced_gross "
    "receivable credit_balance unapplied_cash written_off exchange_loss"
).split()
_NAMED = {
    Figure.BILLED: "billed",
    Figure.RECOGNISED: "recognised",
    Figure.COLLECTED: "collected",
    Figure.INVOICED_GROSS: "invoiced_gross",
    Figure.RECEIVABLE: "receivable",
    Figure.CREDIT_BALANCE: "credit_balance",
    Figure.UNAPPLIED_CASH: "unapplied_cash",
    Figure.WRITTEN_OFF: "written_off",
}
_COMMITTED = (DocumentKind.VERSION, DocumentKind.PERIOD)


def in_ledger(
    facts: ContractFacts, standing: Standing, currency: str
) -> tuple[LedgerPosition, tuple[Entry, ...]]:
    """Of one contract, with its entries in both currencies. `currency` is the ledger's."""
    position = standing.position
    zero = Money.zero(currency)
    if position.currency == currency:
        own = {name: getattr(position, name, zero) for name in _SUMMED}
        return LedgerPosition(seller=standing.seller, currency=currency, **own), standing.entries
    convert = InLedger(facts, currency)
    entries = tuple(convert.convert(standing.entries))

    def of(figure: Figure) -> Money:
        return Money.total(
            (one.ledger_amount for one in entries if one.figure is figure and one.ledger_amount),
            currency,
        )

    usage = of(Figure.USAGE_RECOGNISED) - of(Figure.USAGE_BILLED)
    ahead = of(Figure.BILLED) - of(Figure.RECOGNISED) + usage
    return LedgerPosition(
        seller=standing.seller,
        currency=currency,
        sold=of(Figure.BILLED),
        billed=of(Figure.BILLED),
        recognised=of(Figure.RECOGNISED),
        collected=of(Figure.COLLECTED),
        arr=zero if convert.rate is None else convert.rate.of(position.arr),
        deferred=max(ahead, zero),
        contract_asset=max(-ahead, zero),
        unbilled_usage=usage,
        invoiced_gross=of(Figure.INVOICED_GROSS),
        receivable=of(Figure.RECEIVABLE),
        credit_balance=of(Figure.CREDIT_BALANCE),
        unapplied_cash=of(Figure.UNAPPLIED_CASH),
        written_off=of(Figure.WRITTEN_OFF),
        exchange_loss=_realised(entries, currency),
        unconverted=tuple(_unconverted(standing, entries, has_rate=convert.rate is not None)),
    ), entries


def _realised(entries: Sequence[Entry], currency: str) -> Money:
    """What payments, and balance that was used, took off invoices beyond what they are worth."""
    signs = {Figure.RECEIVABLE: -1, Figure.COLLECTED: -1, Figure.CREDIT_BALANCE: 1}
    return Money.total(
        (
            one.ledger_amount if signs[one.figure] > 0 else -one.ledger_amount
            for one in entries
            if one.kind in (DocumentKind.RECEIPT, DocumentKind.BALANCE_USED)
            and one.figure in signs
            and one.ledger_amount is not None
        ),
        currency,
    )


def _unconverted(
    standing: Standing, entries: Sequence[Entry], *, has_rate: bool
) -> Iterable[Unconverted]:
    position = standing.position
    open_of: dict[str, Money] = {}
    for one in entries:
        name = _NAMED.get(one.figure)
        if name is not None and one.ledger_amount is None and one.kind not in _COMMITTED:
            open_of[name] = open_of.get(name, Money.zero(position.currency)) + one.amount
    open_of["sold"] = position.unbilled_backlog + open_of.get(
        "billed", Money.zero(position.currency)
    )
    if not has_rate:
        open_of["arr"] = position.arr
    for figure, amount in open_of.items():
        if amount:
            yield Unconverted(figure=figure, amount=amount)


def by_entity(positions: Iterable[LedgerPosition]) -> tuple[LedgerPosition, ...]:
    """One sum for each legal entity, by code."""
    found: dict[tuple[str, str], list[LedgerPosition]] = {}
    for one in positions:
        found.setdefault((one.seller, one.currency), []).append(one)
    return tuple(
        LedgerPosition.model_validate(
            {"seller": seller, "currency": currency}
            | {
                name: Money.total((getattr(one, name) for one in ones), currency)
                for name in _SUMMED
            }
            | {"unconverted": _summed(part for one in ones for part in one.unconverted)}
        )
        for (seller, currency), ones in sorted(found.items())
    )


def _summed(parts: Iterable[Unconverted]) -> tuple[Unconverted, ...]:
    sums: dict[tuple[str, str], Money] = {}
    for one in parts:
        key = (one.figure, one.amount.currency)
        sums[key] = sums.get(key, Money.zero(one.amount.currency)) + one.amount
    return tuple(
        Unconverted(figure=figure, amount=amount)
        for (figure, _), amount in sorted(sums.items())
        if amount
    )
