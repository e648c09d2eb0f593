"""The part of the ERP's port that posts: receivables, cash and journals. It keeps the rules of
this package; a write is found again by its document key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from dealthread.domain.ledger import (
    LedgerJournal,
    LedgerPeriod,
    PostedJournal,
    Reversal,
    TrialBalanceRow,
    UnpostedDocument,
)
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, TakenBackCredit
from dealthread.outcome import Outcome

CUSTOMER_UNKNOWN = "customer_unknown"
"""Code of the refusal of a document whose customer the ERP does not have."""
RATE_MISSING = "rate_missing"
"""Code of the refusal of a document in a currency for whose day the ERP has no rate."""


class LedgerPort(Protocol):
    """Postings at one company.

    In a closed or missing period a posting is Rejected with the case kind `erp.period_closed`:
    the caller decides the posting date. What is posted is never deleted, only undone by its
    opposite.
    """

    async def find_document(self, company: str, document_key: str) -> PostedDocument | None:
        """By document key, whatever its kind; state `draft` where its write has to be repeated."""

    async def exchange_rate(self, company: str, currency: str, on: date) -> LedgerRate | None:
        """At what the ledger converts a document of a day; None where it is kept in that currency.

        Raises StepRejected `rate_missing` with currency and day where nobody has entered one for
        that day or shortly before it: a document is never posted at one to one instead.
        """

    async def post_invoice(
        self, command: LedgerInvoice, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Post under the biller's legal number with the biller's own tax, equal to the cent, or
        refuse: `tax.difference` where the ledger's tax is more than a unit a line away."""

    async def post_credit_memo(
        self, command: LedgerCreditMemo, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Post, and settle as told: against the invoice that it corrects (refused where less is
        open), to the customer's balance, or out of the account that refunds are paid from."""

    async def take_back_credit(
        self, command: TakenBackCredit, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Post the document against the memo, so that the invoice is open as before. Refused where
        the memo reduces it no longer, or more than it."""

    async def apply_receipt(
        self, command: LedgerReceipt, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Post money, or credit held for the customer, and settle the documents that it names;
        the remainder stays unapplied. Refused where a document has less open."""

    async def post_journal(
        self, command: LedgerJournal, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Post a balanced entry."""

    async def reverse_journal(
        self, command: Reversal, *, idempotency_key: str
    ) -> Outcome[PostedDocument | None]:
        """Undo of a journal, a receipt or a write-off by its opposite; what it settled is open
        again. None where there is nothing to undo; refused (`reversed_already`) where another
        document has undone it. The opposite of what settled is told in that one's currency."""

    async def post_write_off(
        self, command: WriteOff, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        """Give up (part of) an invoice; refused where less is open."""

    async def read_document(self, company: str, document_key: str) -> PostedDocument:
        """Present state with what is open. Raises NotFound."""

    async def open_documents(self, company: str, customer_key: str) -> tuple[PostedDocument, ...]:
        """The customer's invoices and credit memos of which something is open, oldest first,
        whoever posted them."""

    async def trial_balance(self, company: str, until: date) -> tuple[TrialBalanceRow, ...]:
        """Every account that was posted to, from the beginning to the day before `until`."""

    async def journals(self, company: str, start: date, end: date) -> tuple[PostedJournal, ...]:
        """Posted entries from `start` to the day before `end`, whoever made them."""

    async def entries_by_hand(
        self,
        company: str,
        accounts: Sequence[str],
        until: date,
        most: int,
        *,
        customer_keys: Sequence[str] = (),
    ) -> tuple[PostedJournal, ...]:
        """Posted entries up to the day before `until` that move one of the accounts and carry no
        key of ours, with the documents of ours that each is counted against: the newest `most`,
        newest first; where customers are named, those that name one of them there."""

    async def read_period(self, company: str, month: date) -> LedgerPeriod:
        """The period that begins with a month's first day and ends with its last. Raises NotFound
        where the ledger keeps none of these days."""

    async def unposted(self, company: str, month: date) -> tuple[UnpostedDocument, ...]:
        """Entries and invoices dated in a month that are not posted, whoever began them."""

    async def close_period(
        self, company: str, month: date, *, idempotency_key: str
    ) -> Outcome[LedgerPeriod]:
        """Close a month: what is posted into it from then on is Rejected as `erp.period_closed`.
        One that is closed is done. Refused while something in it is not posted."""
