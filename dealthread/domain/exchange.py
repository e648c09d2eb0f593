"""Foreign exchange: conversion with its rate, date and source; lines that tie in both currencies.

A document is converted at one rate, of its own date, for ever (IAS 21.21: the spot rate at the
date of the transaction). What becomes of its open amount is in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money
from dealthread.domain.rounding import RemainderPlace, RoundingMode, exact, money_of, placed
from dealthread.domain.working import Working, worked


class ExchangeRate(Frozen):
    """One unit of `base` costs `rate` units of `quote`."""

    base: CurrencyCode
    quote: CurrencyCode
    rate: ExactDecimal
    rate_date: date
    source: str
    """Who published it: "ECB reference rate", "bank advice 2026-06-29"."""

    @model_validator(mode="after")
    def _usable(self) -> ExchangeRate:
        if self.rate <= 0:
            raise ValueError("rate: above nought")
        if self.base == self.quote:
            raise ValueError("quote: another currency than base")
        if not self.source:
            raise ValueError("source: a rate without its source cannot be checked")
        return self

    def other(self, currency: str) -> str:
        """What an amount of one of the two currencies is converted to.

        Raises ValueError for a third currency.
        """
        if currency not in {self.base, self.quote}:
            raise ValueError(f"rate: {self.base}/{self.quote} does not convert {currency}")
        return self.quote if currency == self.base else self.base

    def value(self, amount: Money) -> Fraction:
        """The amount in the other currency, exact: × rate from base, ÷ rate from quote."""
        self.other(amount.currency)
        rate = Fraction(self.rate)
        return exact(amount) * rate if amount.currency == self.base else exact(amount) / rate

    def __str__(self) -> str:
        pair = f"{self.base}/{self.quote}"
        return f"{self.rate:f} {pair} of {self.rate_date} ({self.source})"


class Conversion(Frozen):
    """An amount in the document's and in the ledger's currency, with the rate between them."""

    document: Money
    ledger: Money
    rate: ExchangeRate
    working: Working


def converted(
    amount: Money, rate: ExchangeRate, mode: RoundingMode = RoundingMode.HALF_UP
) -> Conversion:
    """An amount in the rate's other currency, rounded once.

    Raises ValueError for a currency that the rate does not convert.
    """
    ledger = money_of(rate.value(amount), rate.other(amount.currency), mode)
    return _conversion(amount, ledger, rate, mode)


def _conversion(amount: Money, ledger: Money, rate: ExchangeRate, mode: RoundingMode) -> Conversion:
    working = worked(
        "ledger amount",
        "document amount × rate" if amount.currency == rate.base else "document amount ÷ rate",
        ledger,
        source=rate.source,
        document_amount=amount,
        rate=rate,
        rounding=mode,
    )
    return Conversion(document=amount, ledger=ledger, rate=rate, working=working)


class ConvertedDocument(Frozen):
    """A document in both currencies: lines sum to the total in each, with `rounding` in the
    ledger's where no line takes the difference."""

    total: Conversion
    lines: tuple[Conversion, ...]
    rounding: Money
    """For the ledger's account of rounding differences; nought where a line takes it."""


def converted_document(
    lines: Sequence[Money],
    rate: ExchangeRate,
    place: RemainderPlace | None = RemainderPlace.LARGEST,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> ConvertedDocument:
    """The lines of a document at one rate. `place`: the line that takes the rounding difference,
    or None to keep each line's own rounding and show the difference.

    Raises ValueError for no lines, and for currencies that differ or that the rate does not
    convert.
    """
    if not lines:
        raise ValueError("lines: at least one is needed")
    total = converted(Money.total(lines, lines[0].currency), rate, mode)
    values, currency = [rate.value(line) for line in lines], total.ledger.currency
    if place is None:
        amounts = tuple(money_of(value, currency, mode) for value in values)
    else:
        amounts = placed(values, currency, place, mode)
    return ConvertedDocument(
        total=total,
        lines=tuple(
            _conversion(line, amount, rate, mode)
            for line, amount in zip(lines, amounts, strict=True)
        ),
        rounding=total.ledger - Money.total(amounts, currency),
    )
