"""Tax rates: what they put on a charge, on which days, and why none is put on it.

A new rate is a new row from a day on; rows of one code never overlap. A rate of nought always
says why: a document of a reverse charge has another wording than one of an exempt sale.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.catalog import TaxCode
from dealthread.domain.money import ExactDecimal


class TaxTreatment(StrEnum):
    """Why a charge bears the tax it bears."""

    TAXED = "taxed"
    ZERO_RATED = "zero_rated"
    """Taxable at a rate of nought, or not taxable where it is sold."""
    EXEMPT = "exempt"
    """The buyer holds a certificate, or the law exempts the sale."""
    REVERSE_CHARGE = "reverse_charge"
    """The buyer owes the tax (EU: Article 196 of Directive 2006/112/EC)."""
    OUTSIDE_SCOPE = "outside_scope"
    """Supplied in another country: not this seller's tax."""


class TaxRate(Frozen):
    """A rate on the days in [valid_from, valid_until). Percentages, not fractions."""

    code: str
    jurisdiction: str = ""
    treatment: TaxTreatment = TaxTreatment.TAXED
    statutory_percent: ExactDecimal
    taxable_share: ExactDecimal = Decimal(100)
    """Percentage of the charge that is taxed: 80 for data processing in Texas."""
    valid_from: date
    valid_until: date | None = None
    wording: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> TaxRate:
        if self.statutory_percent < 0:
            raise ValueError("statutory_percent: not negative")
        if not 0 < self.taxable_share <= 100:
            raise ValueError("taxable_share: above 0 and at most 100")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until: after valid_from")
        if (self.treatment is TaxTreatment.TAXED) is not bool(self.statutory_percent):
            raise ValueError("treatment: taxed has a rate above nought, every other has none")
        return self

    @property
    def percent(self) -> Fraction:
        """What is put on the charge: statutory rate × taxed share (Texas: 8.25 × 80 % = 6.6)."""
        return Fraction(self.statutory_percent) * Fraction(self.taxable_share) / 100

    def holds_on(self, day: date) -> bool:
        """Whether the rate is in force on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


class RateTable(Frozen):
    """Rates of several codes; on any day a code has at most one."""

    rates: tuple[TaxRate, ...]

    @model_validator(mode="after")
    def _apart(self) -> RateTable:
        rows = sorted(self.rates, key=lambda rate: (rate.code, rate.valid_from))
        for before, after in pairwise(rows):
            if before.code == after.code and before.holds_on(after.valid_from):
                raise ValueError(f"rates: two of {after.code} hold on {after.valid_from}")
        return self

    def on(self, code: str, day: date) -> TaxRate:
        """The rate of a code on a day. Raises ValueError where there is none: nothing is ever
        untaxed by omission."""
        for rate in self.rates:
            if rate.code == code and rate.holds_on(day):
                return rate
        raise ValueError(f"code: no rate of {code!r} holds on {day}")


def rate_of(code: TaxCode, treatment: TaxTreatment = TaxTreatment.TAXED) -> TaxRate:
    """A configured tax code as a rate; `treatment` counts where the code's rate is nought.

    Raises ValueError when the code's applied rate is not statutory rate × taxed share.
    """
    if code.statutory_rate:
        treatment = TaxTreatment.TAXED
    rate = TaxRate(
        code=code.code,
        jurisdiction=code.jurisdiction,
        treatment=treatment,
        statutory_percent=code.statutory_rate,
        taxable_share=code.taxable_share,
        valid_from=code.valid_from,
        valid_until=code.valid_until,
        wording=code.wording,
    )
    if rate.percent != Fraction(code.applied_rate):
        raise ValueError(f"applied_rate: {code.code} is not statutory rate × taxed share")
    return rate


def rate_table(codes: Iterable[tuple[TaxCode, TaxTreatment]]) -> RateTable:
    """Configured codes, each with what it means where its rate is nought, as a table."""
    return RateTable(rates=tuple(rate_of(code, treatment) for code, treatment in codes))
