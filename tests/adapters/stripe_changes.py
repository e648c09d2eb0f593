"""Changes of the worked deals: versions of their contracts, commands, figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.documents import Agreement, ChangedAgreement
from dealthread.domain.money import Money, UnitPrice
from dealthread.outcome import Done
from dealthread.ports.billing import ChangeAgreement, CreditLine

KEY = "amendment:C:1#1/billing/do"


def span(line: ContractLine, start: date, end: date, **changes: Any) -> ContractLine:
    """The line from a day on, until before another."""
    return line.model_copy(update={"start_date": start, "end_date": end, **changes})


def from_day(contract: Contract, key: str, day: date, **changes: Any) -> Contract:
    """The contract whose line changes on a day, to its end."""
    lines: list[ContractLine] = []
    for line in contract.lines:
        if line.line_key != key or line.end_date is None or line.end_date <= day:
            lines.append(line)
            continue
        if line.start_date < day:
            lines.append(span(line, line.start_date, day))
        lines.append(span(line, max(day, line.start_date), line.end_date, **changes))
    return contract.model_copy(update={"lines": tuple(lines)})


def without(contract: Contract, key: str, day: date) -> Contract:
    """The contract whose line ends on a day."""
    lines = []
    for line in contract.lines:
        if line.line_key != key:
            lines.append(line)
        elif line.start_date < day:
            lines.append(span(line, line.start_date, day))
    return contract.model_copy(update={"lines": tuple(lines)})


def ended(contract: Contract, day: date) -> Contract:
    """The contract that ends on a day."""
    lines = tuple(
        line if line.end_date is None else line.model_copy(update={"end_date": day})
        for line in contract.lines
        if line.start_date < day or line.start_date == contract.start_date
    )
    return contract.model_copy(update={"end_date": day, "committed_until": day, "lines": lines})


def renewed(contract: Contract, end: date, price: str) -> Contract:
    """Another term of the same recurring lines at another price."""
    assert contract.end_date is not None
    last = [line for line in contract.lines if line.end_date == contract.end_date]
    more = tuple(
        span(
            line,
            contract.end_date,
            end,
            unit_price=UnitPrice.of(price, contract.currency),
            committed_net=Money.of(Decimal(price) * line.quantity, contract.currency),
        )
        for line in last
    )
    return contract.model_copy(
        update={
            "end_date": end,
            "committed_until": end,
            "term_no": contract.term_no + 1,
            "lines": (*contract.lines, *more),
        }
    )


def change(
    before: Contract,
    after: Contract,
    agreement: Agreement,
    day: date,
    charge: tuple[str, ...] = (),
    credits: tuple[CreditLine, ...] = (),
    *,
    refund: bool = False,
) -> ChangeAgreement:
    """The command."""
    return ChangeAgreement(
        before=before,
        after=after,
        agreement=agreement,
        effective_from=day,
        charge_lines=charge,
        credits=credits,
        refund=refund,
    )


def credit(contract: Contract, key: str, net: str, start: date, end: date) -> CreditLine:
    """Net of a line to be given back."""
    return CreditLine(
        line_key=key, net=Money.of(net, contract.currency), span_start=start, span_end=end
    )


async def done(
    billing: StripeBilling, command: ChangeAgreement, key: str = KEY
) -> ChangedAgreement:
    """The change, made."""
    outcome = await billing.change_agreement(command, idempotency_key=key)
    assert isinstance(outcome, Done), outcome
    return outcome.value


def figures(part: Any) -> tuple[str, str, str]:
    """Net, tax, gross."""
    assert part is not None
    return str(part.net.amount), str(part.tax.amount), str(part.gross.amount)
