"""A credit on an invoice that a person asks for, and what is left on the invoice for it. Pure.

Amounts are net: the biller gives back the tax of a line in proportion, as it was taxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Literal

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money

CREDITABLE = (InvoiceStatus.OPEN, InvoiceStatus.PAID)
"""A draft is changed and not credited; what is void or given up is not corrected any more."""


class CreditReason(StrEnum):
    """Why a customer gets something back."""

    GOODWILL = "goodwill"
    DUPLICATE = "duplicate"
    """Billed twice."""
    SERVICE = "service"
    """The service was not what was promised."""
    ORDER_CHANGE = "order_change"
    """Billed otherwise than agreed."""


class CreditedLine(Carried):
    """Net of one line that is given back; above nought."""

    line_key: str
    net: Money


class CreditAsk(Carried):
    """What a person asks for: parts of lines, or one amount over all lines, or all that is left."""

    lines: tuple[CreditedLine, ...] = ()
    amount: Money | None = None
    everything: bool = False
    refund: bool = False
    """Whether what was paid goes back, and not to the customer's balance."""
    cause: CreditReason = CreditReason.GOODWILL


class CreditOrder(Carried):
    """A credit on one invoice as it was accepted: `lines` are what the ask came to that day."""

    change_id: str
    contract_key: str
    kind: Literal["invoice_credit"] = "invoice_credit"
    billing_account: str
    invoice_id: str
    asked: CreditAsk
    lines: tuple[CreditedLine, ...]
    reason: str = ""
    accepted_on: date

    def definite(self) -> CreditAsk:
        """What is asked of the biller, by line."""
        return CreditAsk(lines=self.lines, refund=self.asked.refund, cause=self.asked.cause)


class CreditRefusal(Carried):
    """Why a credit cannot be given: what, where, what to do instead."""

    code: str
    field: str
    action: str


def left_by_line(bill: Bill) -> dict[str, Money]:
    """By contract line, the net that was charged and not credited, in the invoice's order. An
    invoice whose charges stand beside credits of a proration has less to give than its lines:
    the biller's own preview says so."""
    left: dict[str, Money] = {}
    for line in bill.lines:
        if line.net.amount > 0:
            left[line.line_key] = left.get(line.line_key, Money.zero(bill.currency)) + line.net
    for memo in bill.credit_memos:
        for part in memo.lines:
            if part.line_key in left:
                left[part.line_key] -= part.net
    return {key: net for key, net in left.items() if net.amount > 0}


def spread(amount: Money, left: dict[str, Money]) -> tuple[CreditedLine, ...]:
    """A net amount over the lines, in proportion to what each has left. What rounding leaves over
    goes to the lines in their order. The amount is not above what is left."""
    whole = sum(net.to_minor() for net in left.values())
    wanted = amount.to_minor()
    parts = {
        key: int((Decimal(wanted) * net.to_minor() / whole).to_integral_value(ROUND_DOWN))
        for key, net in left.items()
    }
    rest = wanted - sum(parts.values())
    for key, net in left.items():
        more = min(rest, net.to_minor() - parts[key])
        parts[key] += more
        rest -= more
    return tuple(
        CreditedLine(line_key=key, net=Money.from_minor(part, amount.currency))
        for key, part in parts.items()
        if part
    )


def planned(
    bill: Bill, ask: CreditAsk
) -> tuple[tuple[CreditedLine, ...], tuple[CreditRefusal, ...]]:
    """What an ask comes to by line, and what the invoice has against it."""
    left = left_by_line(bill)
    if ask.everything:
        lines = tuple(CreditedLine(line_key=key, net=net) for key, net in left.items())
        against = refusals(bill, bill.currency, lines)
        if not lines and not against:
            against = (_refusal("nothing_left", "invoice", "all of it is credited"),)
        return lines, against
    if ask.amount is not None:
        against = refusals(bill, ask.amount.currency, ())
        whole = Money.total(left.values(), bill.currency)
        if not against and ask.amount > whole:
            against = (_refusal("more_than_is_left", "amount", f"{whole} net is left"),)
        return () if against else spread(ask.amount, left), against
    currency = ask.lines[0].net.currency if ask.lines else bill.currency
    return ask.lines, refusals(bill, currency, ask.lines)


def refusals(bill: Bill, currency: str, lines: Sequence[CreditedLine]) -> tuple[CreditRefusal, ...]:
    """What the invoice as it stands has against a credit."""
    if bill.status not in CREDITABLE:
        action = "only an invoice that is open or paid is credited"
        return (_refusal(f"invoice_is_{bill.status}", "invoice", action),)
    if currency != bill.currency:
        return (_refusal("currency_differs", "currency", f"the invoice is in {bill.currency}"),)
    left = left_by_line(bill)
    found = []
    asked: dict[str, Money] = {}
    for at, line in enumerate(lines):
        asked[line.line_key] = asked.get(line.line_key, Money.zero(currency)) + line.net
        if line.line_key not in left:
            action = "lines with something left: " + (", ".join(left) or "none")
            found.append(_refusal("nothing_left_on_line", f"lines.{at}.line_key", action))
        elif asked[line.line_key] > left[line.line_key]:
            action = f"{line.line_key} has {left[line.line_key]} net left"
            found.append(_refusal("more_than_is_left", f"lines.{at}.net", action))
    return tuple(found)


def _refusal(code: str, field: str, action: str) -> CreditRefusal:
    return CreditRefusal(code=code, field=field, action=action)
