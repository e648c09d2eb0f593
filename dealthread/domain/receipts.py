"""What ends a claim in the ledger without correcting it: a receipt of money, a write-off.

Every amount is given and in the document's currency; `rate` says what a receipt is in a ledger that
is kept in another one.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import DocumentKey, Stated
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money


class Application(Carried):
    """Part of a receipt that settles a document."""

    document_key: DocumentKey
    amount: Money
    ledger_amount: Money | None = None
    """What that part stands for in the ledger's currency, at the document's own rate. None in
    the ledger's currency."""
    native_id: str = Field(default="", exclude_if=lambda native_id: not native_id)
    """The ledger's own id of a document that others posted: it carries no key of ours."""


class LedgerReceipt(Carried):
    """Money, or credit that the customer had already, settles documents.

    `money_account` is the bank or the processor's clearing account; where credit is used it is
    the liability that held it (2200 unapplied cash, 2210 credit balances). Fees are a journal of
    their own: what the customer paid is the gross.
    """

    document_key: DocumentKey
    source: Ref
    """The charge, the bank's line, or the credit."""
    company: str
    customer_key: Stated
    value_date: date
    posting_date: date
    money_account: Stated
    amount: Money
    applications: tuple[Application, ...] = ()
    unapplied: Money
    """The remainder, above nought only with money that came in."""
    unapplied_account: str = "2200"
    receivable_account: str = "1100"
    exchange_account: str = "7000"
    reference: str = ""
    """Remittance reference."""
    drawn_from: DocumentKey | None = Field(default=None, exclude_if=lambda key: key is None)
    """The receipt that brought what `money_account` held, of the bank or one that was undone in
    part: it leaves at that one's rate."""
    rate: LedgerRate | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> LedgerReceipt:
        currency = self.amount.currency
        if self.amount.amount <= 0:
            raise ValueError("amount: above nought")
        if any(part.amount.amount <= 0 for part in self.applications):
            raise ValueError("applications: each above nought")
        applied = Money.total((part.amount for part in self.applications), currency)
        if self.unapplied.amount < 0 or applied + self.unapplied != self.amount:
            raise ValueError("unapplied: not what is left of the amount")
        keys = [part.document_key for part in self.applications]
        if len(set(keys)) != len(keys):
            raise ValueError("applications: a document stands twice")
        wanted = None if self.rate is None else self.rate.currency
        for part in self.applications:
            given = None if part.ledger_amount is None else part.ledger_amount.currency
            if given != wanted:
                raise ValueError("applications: ledger_amount and rate go together")
        return self

    def exchange_loss(self) -> Money:
        """Realised by the settlement, in the ledger's currency; a gain is below nought."""
        if self.rate is None:
            return Money.zero(self.amount.currency)
        carried = [part.ledger_amount for part in self.applications if part.ledger_amount]
        stood_for = Money.total(carried, self.rate.currency) + self.rate.of(self.unapplied)
        return stood_for - self.rate.of(self.amount)


class WriteOffPart(Carried):
    """An account that bears a part of it: expense, tax that is given back, deferred revenue."""

    account: Stated
    amount: Money
    tax_code: str = ""


class WriteOff(Carried):
    """Collection of (a part of) an invoice is given up. It is no credit memo: the customer is
    told nothing and the claim stands."""

    document_key: DocumentKey
    company: str
    customer_key: Stated
    document: DocumentKey
    """The invoice."""
    posting_date: date
    gross: Money
    parts: tuple[WriteOffPart, ...]
    receivable_account: str = "1100"
    reason: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> WriteOff:
        if any(part.amount.amount <= 0 for part in self.parts):
            raise ValueError("parts: each above nought")
        if Money.total((part.amount for part in self.parts), self.gross.currency) != self.gross:
            raise ValueError("parts: not the gross in sum")
        return self
