"""Tax of a credit: the tax of what it credits, also in parts.

A credit takes its tax from the original line's amounts and never from today's rates
(facts/domain.md §5). Several credits of one line are steps of a running total, so that together
they take back the line's tax exactly, whatever the parts were.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dealthread.domain.base import Frozen
from dealthread.domain.money import Money
from dealthread.domain.rounding import RoundingMode, exact, money_of
from dealthread.domain.tax.status import RecordedLine, TaxOfRecord
from dealthread.domain.working import Working, worked


class TaxCredit(Frozen):
    """A credit of one line of one invoice; amounts have the sign of what they credit."""

    document: str
    line_key: str
    net: Money
    tax: Money
    working: Working

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax


def credit_net(
    record: TaxOfRecord,
    line_key: str,
    net: Money,
    before: Sequence[TaxCredit] = (),
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> TaxCredit:
    """Credit a net amount of a line. `before`: all earlier credits of the same line.

    Raises ValueError for an amount of nought, of the other sign or beyond what is left, and for
    earlier credits of something else.
    """
    line, (done_net, done_tax) = record.line(line_key), _sums(record, line_key, before)
    share = _share(line.net, done_net, net, "net")
    tax = _tax(line, share, done_tax, mode)
    return _credit(record, line, net, tax, share, done_tax)


def credit_gross(
    record: TaxOfRecord,
    line_key: str,
    gross: Money,
    before: Sequence[TaxCredit] = (),
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> TaxCredit:
    """Credit a gross amount of a line: its tax is the line's share, the rest is net.

    Raises ValueError as `credit_net` does.
    """
    line, (done_net, done_tax) = record.line(line_key), _sums(record, line_key, before)
    share = _share(line.gross, done_net + done_tax, gross, "gross")
    tax = _tax(line, share, done_tax, mode)
    return _credit(record, line, gross - tax, tax, share, done_tax)


def credit_rest(record: TaxOfRecord, line_key: str, before: Sequence[TaxCredit] = ()) -> TaxCredit:
    """Credit all that is left of a line, net and tax, to the cent.

    Raises ValueError where nothing is left, and for earlier credits of something else.
    """
    line, (done_net, done_tax) = record.line(line_key), _sums(record, line_key, before)
    if done_net == line.net:
        raise ValueError(f"line_key: nothing of {line_key} is left to credit")
    return _credit(record, line, line.net - done_net, line.tax - done_tax, Fraction(1), done_tax)


def _sums(record: TaxOfRecord, line_key: str, before: Sequence[TaxCredit]) -> tuple[Money, Money]:
    if any((one.document, one.line_key) != (record.document, line_key) for one in before):
        raise ValueError(f"before: not all credit line {line_key} of {record.document}")
    return (
        Money.total((one.net for one in before), record.currency),
        Money.total((one.tax for one in before), record.currency),
    )


def _share(whole: Money, done: Money, part: Money, field: str) -> Fraction:
    """How much of the line is credited after this part, from above 0 to 1."""
    left = whole - done
    if not part or (part.amount > 0) is not (left.amount > 0) or abs(left) < abs(part):
        raise ValueError(f"{field}: {part} of a line with {left} left to credit")
    return exact(done + part) / exact(whole)


def _tax(line: RecordedLine, share: Fraction, done: Money, mode: RoundingMode) -> Money:
    """The running total's step; never back past nought nor beyond the line's tax."""
    reached = money_of(exact(line.tax) * share, line.tax.currency, mode)
    step = reached - done
    return step if bool(step) and (step.amount > 0) is (line.tax.amount > 0) else step - step


def _credit(
    record: TaxOfRecord,
    line: RecordedLine,
    net: Money,
    tax: Money,
    share: Fraction,
    done: Money,
) -> TaxCredit:
    working = worked(
        f"tax of the credit of {line.key}",
        "tax of the line × share credited so far and now − tax credited before",
        tax,
        source=f"invoice {record.document}",
        tax_of_the_line=line.tax,
        share=share,
        tax_credited_before=done,
    )
    return TaxCredit(document=record.document, line_key=line.key, net=net, tax=tax, working=working)
