"""Deferred revenue of a company and month, tied to the ledger (identity T3 of facts/domain.md §6):

    opening + billed − recognised + adjustments = closing

Opening and closing are the ledger's trial balance; billed and recognised are what we posted, as we
recorded it; adjustments are entries of the ledger that are none of ours, each named. Unbilled
receivables are deferred revenue below nought: time alone stands before the bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pydantic import computed_field

from dealthread.domain.base import Carried
from dealthread.domain.ledger import PostedJournal, TrialBalanceRow
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.posted import DocumentKind, PostedDocument


class Adjustment(Carried):
    """An entry on deferred revenue that neither an invoice nor a recognition of ours made."""

    document: str
    posting_date: date
    description: str
    amount: Money
    """Above nought where it adds to deferred revenue."""


class Untied(Carried):
    """A document of which our records and the ledger do not tell the same."""

    document: str
    what: str
    ours: Money
    ledger: Money


class RollForward(Carried):
    """One month, in the ledger's currency, net of tax."""

    seller: str
    period: date
    currency: CurrencyCode
    opening: Money
    billed: Money
    recognised: Money
    adjustments: tuple[Adjustment, ...]
    closing: Money
    """As the trial balance has it."""
    untied: tuple[Untied, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def adjusted(self) -> Money:
        """Sum of the adjustments."""
        return Money.total((one.amount for one in self.adjustments), self.currency)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def expected(self) -> Money:
        """The closing balance that follows from the rest."""
        return self.opening + self.billed - self.recognised + self.adjusted

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_tied(self) -> bool:
        """Whether the identity holds and each document is in the ledger as we recorded it."""
        return self.expected == self.closing and not self.untied


def roll_forward(
    seller: str,
    period: date,
    currency: str,
    accounts: Iterable[str],
    balances: tuple[Sequence[TrialBalanceRow], Sequence[TrialBalanceRow]],
    journals: Sequence[PostedJournal],
    billed: Mapping[str, Money | None],
    recognised: Mapping[str, Money],
) -> RollForward:
    """`balances` before the month and after it; `journals` of the month. `billed` and `recognised`
    by document key, a credit below nought; None where the ledger's currency is another one and
    its own amount counts."""
    names = frozenset(accounts)
    zero = Money.zero(currency)
    moved: dict[str, Money] = {}
    foreign: list[Adjustment] = []
    for entry in journals:
        lines = [line.signed for line in entry.lines if line.account in names]
        if not lines:
            continue
        amount = -Money.total(lines, currency)
        if entry.document_key in billed or entry.document_key in recognised:
            moved[entry.document_key] = moved.get(entry.document_key, zero) + amount
        elif amount:
            foreign.append(
                Adjustment(
                    document=entry.number or entry.ref.native_id,
                    posting_date=entry.posting_date,
                    description=entry.description,
                    amount=amount,
                )
            )
    ours = {
        key: moved.get(key, zero) if amount is None else amount for key, amount in billed.items()
    }
    expected = ours | {key: -amount for key, amount in recognised.items()}
    untied = tuple(
        Untied(
            document=key,
            what="billed" if key in billed else "recognised",
            ours=amount,
            ledger=moved.get(key, zero),
        )
        for key, amount in sorted(expected.items())
        if moved.get(key, zero) != amount
    )
    opening, closing = (_deferred(rows, names, currency) for rows in balances)
    return RollForward(
        seller=seller,
        period=period,
        currency=currency,
        opening=opening,
        billed=Money.total(ours.values(), currency),
        recognised=Money.total(recognised.values(), currency),
        adjustments=tuple(foreign),
        closing=closing,
        untied=untied,
    )


def billed_by_entry(posted: Iterable[PostedDocument], currency: str) -> dict[str, Money | None]:
    """What `roll_forward` takes as billed, of documents of ours: those that a summary holds are one
    entry of the ledger."""
    found: dict[str, Money | None] = {}
    for one in posted:
        if one.currency != currency:
            found[one.ledger_key] = None
            continue
        net = -one.net if one.kind is DocumentKind.CREDIT_MEMO else one.net
        found[one.ledger_key] = (found.get(one.ledger_key) or Money.zero(currency)) + net
    return found


def _deferred(rows: Iterable[TrialBalanceRow], names: frozenset[str], currency: str) -> Money:
    return -Money.total((row.balance for row in rows if row.account in names), currency)
