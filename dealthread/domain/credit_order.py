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
from dealthread.domain.money import CurrencyCode, Money

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


class CreditOrder(Carried):
    """A credit on one invoice, as a person asked for it."""

    change_id: str
    contract_key: str
    kind: Literal["invoice_credit"] = "invoice_credit"
    billing_account: str
    invoice_id: str
    currency: CurrencyCode
    lines: tuple[CreditedLine, ...]
    refund: bool = False
    """Whether what was paid goes back, and not to the customer's balance."""
    cause: CreditReason = CreditReason.GOODWILL
    reason: str = ""
    accepted_on: date


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


def refusals(bill: Bill, currency: str, lines: Sequence[CreditedLine]) -> tuple[CreditRefusal, ...]:
    """What the invoice as it stands has against a credit."""
    if bill.status not in CREDITABLE:
        return (
            CreditRefusal(
                code=f"invoice_is_{bill.status}",
                field="invoice",
                action="only an invoice that is open or paid is credited",
            ),
        )
    if currency != bill.currency:
        return (
            CreditRefusal(
                code="currency_differs",
                field="currency",
                action=f"the invoice is in {bill.currency}",
            ),
        )
    left = left_by_line(bill)
    found = []
    asked: dict[str, Money] = {}
    for at, line in enumerate(lines):
        asked[line.line_key] = asked.get(line.line_key, Money.zero(currency)) + line.net
        if line.line_key not in left:
            found.append(
                CreditRefusal(
                    code="nothing_left_on_line",
                    field=f"lines.{at}.line_key",
                    action="lines with something left: " + (", ".join(left) or "none"),
                )
            )
        elif asked[line.line_key].amount > left[line.line_key].amount:
            found.append(
                CreditRefusal(
                    code="more_than_is_left",
                    field=f"lines.{at}.net",
                    action=f"{line.line_key} has {left[line.line_key]} left",
                )
            )
    return tuple(found)
