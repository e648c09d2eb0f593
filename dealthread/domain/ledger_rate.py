"""What a document's currency costs in the ledger's, and how a document says so."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from pydantic import model_validator

from dealthread.domain.base import Carried
from dealthread.domain.documents import Stated
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money


class LedgerRate(Carried):
    """One unit of the document's currency costs `rate` units of the ledger's."""

    currency: CurrencyCode
    """Of the ledger."""
    rate: ExactDecimal
    rate_date: date
    source: Stated

    @model_validator(mode="after")
    def _usable(self) -> LedgerRate:
        if self.rate <= 0:
            raise ValueError("rate: above nought")
        return self

    def of(self, amount: Money) -> Money:
        """The amount in the ledger's currency, rounded half up once."""
        return Money.rounded(amount.amount * self.rate, self.currency)

    def said(self, currency: str) -> str:
        """As a person reads it on a document of a currency, and `said_rate` reads it back."""
        source = f"({self.source})"
        return f"1 {currency} = {self.rate:f} {self.currency} of {self.rate_date} {source}"


_SAID = re.compile(r"1 [A-Z]{3} = ([0-9.]+) ([A-Z]{3}) of (\d{4}-\d\d-\d\d) \(([^)]+)\)")


def said_rate(text: str | None) -> LedgerRate | None:
    """The rate that a document says; None where it says none."""
    found = _SAID.search(text or "")
    if found is None:
        return None
    rate, currency, day, source = found.groups()
    return LedgerRate(
        currency=currency, rate=Decimal(rate), rate_date=date.fromisoformat(day), source=source
    )
