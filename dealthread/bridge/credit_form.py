"""The body of a credit on an invoice as the process API takes it, and what it asks for."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dealthread.bridge.free_text import Code, Words
from dealthread.bridge.order_form import SourceId
from dealthread.domain.credit_order import CreditAsk, CreditedLine, CreditReason
from dealthread.domain.money import Money
from dealthread.errors import BadInput
from dealthread.naming import order_source_id

_DIGITS = 12
"""Most digits before the point: the sum of all lines stays within what a sum of money holds."""


def _given_back(money: Money) -> Money:
    if money.amount <= 0:
        raise ValueError("an amount above nought is needed: it is what is given back")
    if money.amount.adjusted() >= _DIGITS:
        raise ValueError(f"at most {_DIGITS} digits before the point")
    return money


Net = Annotated[Money, AfterValidator(_given_back)]


class CreditLineBody(BaseModel):
    """A part of what the invoice billed for one line of its contract, without tax."""

    model_config = ConfigDict(extra="forbid")

    line_key: Code
    net: Net


class CreditBody(BaseModel):
    """What is given back: parts of lines, one net amount over all lines, or all that is left."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[CreditLineBody], Field(max_length=200)] = []
    amount: Net | None = None
    everything: bool = False
    refund: bool = False
    """Whether what was paid goes back, and not to the customer's balance."""
    cause: CreditReason = CreditReason.GOODWILL
    reason: Words = ""
    source_id: SourceId | None = None
    """The caller's own id; without one, the same credit twice is one credit."""
    again: bool = False
    """Run anew a credit that ended stopped or cancelled."""

    def ask(self) -> CreditAsk:
        """As it is stored. Raises BadInput."""
        given = [bool(self.lines), self.amount is not None, self.everything]
        if given.count(True) != 1:
            raise BadInput(
                "lines_or_amount_or_everything",
                field="lines",
                action="give lines, or an amount, or everything",
            )
        currency = self.lines[0].net.currency if self.lines else ""
        for at, line in enumerate(self.lines):
            if line.net.currency != currency:
                raise BadInput(
                    "currency_differs",
                    field=f"lines.{at}.net.currency",
                    action="an invoice has one currency",
                )
        return CreditAsk(
            lines=tuple(CreditedLine(line_key=one.line_key, net=one.net) for one in self.lines),
            amount=self.amount,
            everything=self.everything,
            refund=self.refund,
            cause=self.cause,
        )

    def source(self) -> str:
        """Its id at its source."""
        if self.source_id is not None:
            return self.source_id
        said = self.model_dump(mode="json", exclude={"source_id", "again"})
        return order_source_id(json.dumps(said, sort_keys=True, separators=(",", ":")))
