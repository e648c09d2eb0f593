"""Entries of a dispute where the currencies of processor, payment and ledger differ. Pure.

What moved at the processor is taken as it says it, in the currency of its balance; the ledger
converts that at its own rate of the day (IAS 21.21, docs/adr/0025). Disputes receivable leaves at
the rate at which it came there, a payment's part of the clearing account at that of the payment;
what an entry then lacks is realised (IAS 21.28, docs/adr/0028).
"""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried, Frozen
from dealthread.domain.documents import DocumentKey
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.payout import CLEARING
from dealthread.domain.revenue.journal import Side

EXCHANGE = "7000"
"""Realised differences, as of a receipt."""


class LostPart(Carried):
    """What was lost of one invoice's payment, in the invoice's currency."""

    invoice: str
    """Its number."""
    receipt: DocumentKey
    """The payment's own entry."""
    whole: Money
    lost: Money


class DisputeExchange(Carried):
    """What an entry needs of the ledger to be in its currency."""

    ledger: CurrencyCode
    on: date | None = None
    """Day of the rate at which the processor's money is converted; None takes that of `opened`."""
    opened: str = ""
    """Key of the entry that brought disputes receivable there; "" where that is this one, or in the
    ledger's own currency."""
    disputes: str
    """Account of disputes receivable."""
    parts: tuple[LostPart, ...] = ()
    """Where receivables are opened again: in place of the clearing account's line."""


class DisputeRates(Frozen):
    """Into the ledger's currency; None where an amount is in it already."""

    moved: LedgerRate | None
    carried: LedgerRate | None
    """At which disputes receivable stands in the books."""
    parts: tuple[LedgerRate | None, ...] = ()
    """At which each part's payment came to the clearing account."""


def in_ledger(
    journal: LedgerJournal, exchange: DisputeExchange, rates: DisputeRates
) -> LedgerJournal:
    """The entry in the ledger's currency, each line rounded half up once, with what is realised."""
    lines, clearing = [], None
    moved = Money.zero(exchange.ledger)
    for line in journal.lines:
        if line.account == CLEARING:
            clearing = line
            continue
        moved = moved + _own(line.signed, rates.moved)
        if line.account != EXCHANGE:
            rate = rates.carried if line.account == exchange.disputes else rates.moved
            lines.append(_line(line, _own(line.signed, rate), rate))
    if exchange.parts and clearing is not None:
        for part, rate in zip(exchange.parts, rates.parts, strict=True):
            # As the payment's opposite and what is left of it leave the account.
            amount = _own(part.whole, rate) - _own(part.whole - part.lost, rate)
            lost = clearing.model_copy(update={"amount": part.lost, "text": part.invoice})
            lines.append(_line(lost, amount, rate))
    elif clearing is not None:
        # What the others come to on the day: no cent is lost between them.
        lines.append(_line(clearing, -moved, rates.moved))
    realised = -Money.total((line.signed for line in lines), exchange.ledger)
    if realised:
        side = Side.DEBIT if realised.amount > 0 else Side.CREDIT
        lines.append(
            EntryLine(account=EXCHANGE, side=side, amount=abs(realised), text="realised exchange")
        )
    said = rates.moved or rates.carried
    text = journal.description
    if said is not None:
        text = f"{text}, {said.said(journal.lines[0].amount.currency)}"
    return journal.model_copy(update={"lines": tuple(lines), "description": text})


def _own(amount: Money, rate: LedgerRate | None) -> Money:
    if rate is None:
        return amount
    own = rate.of(abs(amount))
    return own if amount.amount >= 0 else -own


def _line(line: EntryLine, signed: Money, rate: LedgerRate | None) -> EntryLine:
    return EntryLine(
        account=line.account,
        side=Side.DEBIT if signed.amount > 0 else Side.CREDIT,
        amount=abs(signed),
        document_amount=None if rate is None else abs(line.amount),
        text=line.text,
    )
