"""Tax of the lines of a document: on top of a price or inside it, per line or per total.

Exclusive: tax = net × percent ÷ 100. Inclusive: tax = gross × percent ÷ (100 + percent), for
20 % the sixth that HMRC calls the VAT fraction (hmrc.gov.uk, "Calculating VAT for VAT-inclusive
and VAT-exclusive prices"). Rounding per line or per total is a setting of the billing account
and of the ledger's company, and must be the same in both (facts/domain.md §5).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.rounding import RoundingMode, RoundingStep, exact, money_of, rounded_each
from dealthread.domain.tax.rate import TaxRate, TaxTreatment
from dealthread.domain.working import Working, worked


class PriceBasis(StrEnum):
    """Whether prices contain the tax."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class TaxRounding(StrEnum):
    """Where tax is rounded."""

    PER_LINE = "per_line"
    PER_TOTAL = "per_total"
    """Once for each rate of the document; the lines' parts are steps of the running total."""


class TaxRule(Frozen):
    """How a document's tax is computed."""

    basis: PriceBasis = PriceBasis.EXCLUSIVE
    rounding: TaxRounding = TaxRounding.PER_LINE
    mode: RoundingMode = RoundingMode.HALF_UP


class Taxable(Frozen):
    """A line before tax: an amount on the rule's basis, credits negative, and its rate."""

    key: str
    amount: Money
    rate: TaxRate


class TaxLine(Frozen):
    """A line with its tax: net + tax = gross."""

    key: str
    code: str
    jurisdiction: str
    treatment: TaxTreatment
    wording: str
    net: Money
    tax: Money
    taxed_base: Money
    """The share of the net that is taxed, rounded half up; for the document and the return."""
    working: Working

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax


_PLAIN = TaxRule()


def tax_lines(lines: Sequence[Taxable], rule: TaxRule = _PLAIN) -> tuple[TaxLine, ...]:
    """The lines with their tax, in the order given.

    Raises ValueError for lines of several currencies and a key given twice.
    """
    if len({line.key for line in lines}) < len(lines):
        raise ValueError("lines: two have the same key")
    if len({line.amount.currency for line in lines}) > 1:
        raise ValueError("lines: all have one currency")
    step = RoundingStep.PER_PART
    if rule.rounding is TaxRounding.PER_TOTAL:
        step = RoundingStep.IN_TOTAL
    groups: dict[TaxRate, list[Taxable]] = {}
    for line in lines:
        groups.setdefault(line.rate, []).append(line)
    taxes: dict[str, Money] = {}
    for rate, members in groups.items():
        values = [_exact_tax(line.amount, rate, rule.basis) for line in members]
        amounts = rounded_each(values, members[0].amount.currency, step, rule.mode)
        taxes |= {line.key: amount for line, amount in zip(members, amounts, strict=True)}
    return tuple(_line(line, taxes[line.key], rule) for line in lines)


def split_inclusive(
    gross: Money, percent: Decimal, mode: RoundingMode = RoundingMode.HALF_UP
) -> tuple[Money, Money]:
    """Net and tax inside a gross amount; they sum to it.

    Raises ValueError for a negative percentage.
    """
    if percent < 0:
        raise ValueError("percent: not negative")
    share = Fraction(percent)
    tax = money_of(exact(gross) * share / (100 + share), gross.currency, mode)
    return gross - tax, tax


def _exact_tax(amount: Money, rate: TaxRate, basis: PriceBasis) -> Fraction:
    if basis is PriceBasis.INCLUSIVE:
        return exact(amount) * rate.percent / (100 + rate.percent)
    return exact(amount) * rate.percent / 100


def _line(line: Taxable, tax: Money, rule: TaxRule) -> TaxLine:
    rate = line.rate
    inclusive = rule.basis is PriceBasis.INCLUSIVE
    net = line.amount - tax if inclusive else line.amount
    working = worked(
        f"tax of {line.key}",
        "gross × percent ÷ (100 + percent)" if inclusive else "net × percent ÷ 100",
        tax,
        source=f"{rate.code} from {rate.valid_from}",
        amount=line.amount,
        statutory_percent=rate.statutory_percent,
        taxed_share=rate.taxable_share,
        rounding=f"{rule.mode} {rule.rounding}",
    )
    return TaxLine(
        key=line.key,
        code=rate.code,
        jurisdiction=rate.jurisdiction,
        treatment=rate.treatment,
        wording=rate.wording,
        net=net,
        tax=tax,
        taxed_base=money_of(exact(net) * Fraction(rate.taxable_share) / 100, net.currency),
        working=working,
    )
