"""Settlement of open items in a foreign currency: realised and unrealised exchange differences.

Receivables and payables are monetary: they may be remeasured at the closing rate. Deferred revenue
and other non-monetary items never are (IAS 21.23 and 21.28; ASC 830-20-35). At settlement the
realised difference is what came in less what the item was carried at, in the ledger's currency.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.exchange import ExchangeRate
from dealthread.domain.money import Money
from dealthread.domain.rounding import RoundingMode, exact, money_of
from dealthread.domain.working import Working, worked


class Side(StrEnum):
    """Whether an open item is owed to us or by us."""

    RECEIVABLE = "receivable"
    PAYABLE = "payable"


class OpenItem(Frozen):
    """What is open of a monetary item: in its own currency, and at what the ledger carries it."""

    side: Side
    document: Money
    ledger: Money

    @model_validator(mode="after")
    def _open(self) -> OpenItem:
        if self.document.amount <= 0 or self.ledger.amount < 0:
            raise ValueError("document, ledger: an open item is above nought")
        return self


class Settlement(Frozen):
    """A payment of an open item: relieved + difference = received (of a receivable)."""

    paid: Money
    """In the item's currency."""
    relieved: Money
    """The carrying amount that the payment takes off the item."""
    received: Money
    """What was received, or paid, in the ledger's currency."""
    difference: Money
    """Realised: a gain is positive, a loss negative, on either side."""
    left: OpenItem | None
    """What is open afterwards; None when the item is settled."""
    working: Working


def settled(
    item: OpenItem,
    paid: Money,
    rate: ExchangeRate,
    mode: RoundingMode = RoundingMode.HALF_UP,
) -> Settlement:
    """Pay an item, or a part of it, at the rate of the payment.

    A part takes its share of the carrying amount, rounded; the last payment takes all that is
    left, so that no rounding stays behind on a closed item. Raises ValueError for a payment of
    nought, of more than is open, or in a currency that the rate does not convert.
    """
    if paid.amount <= 0 or item.document < paid:
        raise ValueError(f"paid: {paid} of {item.document} open")
    received = _ledger(item, paid, rate, mode)
    share = exact(paid) / exact(item.document)
    relieved = money_of(exact(item.ledger) * share, item.ledger.currency, mode)
    left = None
    if item.document != paid:
        left = OpenItem(
            side=item.side, document=item.document - paid, ledger=item.ledger - relieved
        )
    difference = _gain(item, received - relieved)
    working = worked(
        "realised exchange difference",
        "received − carrying amount"
        if item.side is Side.RECEIVABLE
        else "carrying amount − paid in the ledger's currency",
        difference,
        source="IAS 21.28",
        payment=paid,
        rate=rate,
        at_the_rate=received,
        carrying_amount=relieved,
    )
    return Settlement(
        paid=paid,
        relieved=relieved,
        received=received,
        difference=difference,
        left=left,
        working=working,
    )


class Remeasurement(Frozen):
    """An open item at the closing rate. The difference is unrealised; by policy it is reversed
    on the first day of the next period, and then `item` before it is the one to settle."""

    item: OpenItem
    difference: Money
    working: Working


def remeasured(
    item: OpenItem, closing: ExchangeRate, mode: RoundingMode = RoundingMode.HALF_UP
) -> Remeasurement:
    """The item carried at the closing rate, and the unrealised gain (positive) or loss.

    Raises ValueError for a rate that does not convert the item's currency to the ledger's.
    """
    ledger = _ledger(item, item.document, closing, mode)
    difference = _gain(item, ledger - item.ledger)
    working = worked(
        "unrealised exchange difference",
        "open amount at the closing rate − carrying amount; the other way for a payable",
        difference,
        source="IAS 21.23",
        open_amount=item.document,
        rate=closing,
        carrying_amount=item.ledger,
    )
    return Remeasurement(
        item=item.model_copy(update={"ledger": ledger}), difference=difference, working=working
    )


def _ledger(item: OpenItem, amount: Money, rate: ExchangeRate, mode: RoundingMode) -> Money:
    if rate.other(amount.currency) != item.ledger.currency:
        raise ValueError(f"rate: {rate} is not to {item.ledger.currency}")
    return money_of(rate.value(amount), item.ledger.currency, mode)


def _gain(item: OpenItem, rise: Money) -> Money:
    """A rise in the ledger's currency is a gain of a receivable and a loss of a payable."""
    return rise if item.side is Side.RECEIVABLE else -rise
