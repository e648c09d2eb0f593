"""Lines of a credit that name no line of its invoice, shared out over the invoice's lines. Pure.

Somebody at the biller credits an amount in words of his own. The ledger and the schedules know
lines only: each takes its share of what it had left, largest remainder, exact to the cent, net and
tax apart (docs/adr/0027). What a credit comes to is shared from what was known when it was issued,
so that a later credit, or one that is taken back, never moves an earlier share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.errors import StepRejected


def shared_out(
    billed: Sequence[InvoiceLine], memo: CreditMemo, earlier: Iterable[CreditMemo]
) -> CreditMemo:
    """The credit with every line one of the contract's. `earlier`: the credits of the invoice that
    stood when this one was issued, shared out themselves.

    Raises StepRejected where a line is taxed at a rate that no line of the invoice has. Of a credit
    that was taken back such a line is shared over all: it is worth nothing, and is in no ledger.
    """
    if all(line.line_key or not line.wording for line in memo.lines):
        return memo
    left = _charged(billed, memo.net.currency)
    for one in (*(line for other in earlier for line in other.lines), *memo.lines):
        if one.line_key in left:
            left[one.line_key] -= one.net
    shares: list[CreditMemoLine] = []
    for line in memo.lines:
        parts = [line] if line.line_key or not line.wording else _shared(billed, left, memo, line)
        if parts != [line]:
            for part in parts:
                left[part.line_key] -= part.net
        shares += parts
    return memo.model_copy(update={"lines": tuple(shares)})


def _shared(
    billed: Sequence[InvoiceLine], left: Mapping[str, Money], memo: CreditMemo, own: CreditMemoLine
) -> list[CreditMemoLine]:
    fitting = [one for one in billed if not own.tax_rate or one.tax_rate == own.tax_rate]
    charged = _positive(fitting, memo.net.currency)
    if not charged and memo.voided_on is not None:
        charged = _positive(billed, memo.net.currency)
    if not charged:
        raise StepRejected(
            "tax_rate_not_on_invoice",
            case_kind="tax.rejected",
            field="lines.tax_rates",
            credit=memo.number,
            tax_rate=own.tax_rate,
        )
    zero = Money.zero(memo.net.currency)
    open_nets = {key: max(left[key], zero) for key in charged}
    room = Money.total(open_nets.values(), zero.currency)
    # A credit without tax may be of more than the net that is left: the biller looks at the total.
    within = max(min(own.net, room), zero)
    nets = dict.fromkeys(charged, zero)
    for amount, weights in ((within, open_nets), (own.net - within, charged)):
        for key, part in largest_remainder(amount, weights).items():
            nets[key] += part
    taxes = largest_remainder(own.tax, {key: abs(net) for key, net in nets.items()})
    return [
        own.model_copy(update={"line_key": key, "net": net, "tax": taxes.get(key, zero)})
        for key, net in nets.items()
        if net
    ]


def _charged(billed: Iterable[InvoiceLine], currency: str) -> dict[str, Money]:
    """Net by contract line: of one that a change reduced and charged anew, both together."""
    found: dict[str, Money] = {}
    for line in billed:
        found[line.line_key] = found.get(line.line_key, Money.zero(currency)) + line.net
    return found


def _positive(billed: Iterable[InvoiceLine], currency: str) -> dict[str, Money]:
    return {key: net for key, net in _charged(billed, currency).items() if net.amount > 0}


def largest_remainder(total: Money, weights: Mapping[str, Money]) -> dict[str, Money]:
    """The total by weight: each part is cut off, what is left goes cent by cent to the parts that
    lost most, the earlier of equals first. Nothing where there is nothing to share."""
    whole = sum(weight.to_minor() for weight in weights.values())
    wanted, sign = abs(total.to_minor()), 1 if total.amount >= 0 else -1
    if not wanted or not whole:
        return {}
    cut = {key: divmod(wanted * weight.to_minor(), whole) for key, weight in weights.items()}
    rest = wanted - sum(part for part, _ in cut.values())
    first = sorted(cut, key=lambda key: -cut[key][1])[:rest]
    return {
        key: Money.from_minor(sign * (part + (key in first)), total.currency)
        for key, (part, _) in cut.items()
    }
