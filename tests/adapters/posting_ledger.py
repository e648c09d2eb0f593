"""A ledger's port as stories write through it: each act is done twice and counts once.

`FIRST` and `LAST` bound what is read back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from dealthread.domain.ledger import balance_of
from dealthread.domain.posted import DocumentState, PostedDocument
from dealthread.ports.erp import ErpPort
from tests.support import postings as p
from tests.support.tryton import done

FIRST, LAST = date(2026, 1, 1), date(2028, 1, 1)
US, DE, UK = "1", "2", "3"


class Ledger:
    """A port, its acts done twice, and what it holds by key."""

    def __init__(self, erp: ErpPort) -> None:
        self.erp = erp

    async def do(self, command: Any) -> PostedDocument:
        """The write that belongs to the command; once more, with the same result."""
        acts: dict[str, Callable[..., Awaitable[Any]]] = {
            "LedgerInvoice": self.erp.post_invoice,
            "LedgerCreditMemo": self.erp.post_credit_memo,
            "LedgerReceipt": self.erp.apply_receipt,
            "LedgerJournal": self.erp.post_journal,
            "WriteOff": self.erp.post_write_off,
            "Reversal": self.erp.reverse_journal,
        }
        act = acts[type(command).__name__]
        first = await act(command, idempotency_key="k")
        p.twice(first, await act(command, idempotency_key="k"))
        document: PostedDocument = done(first)
        found = await self.erp.find_document(command.company, command.document_key)
        assert found is not None
        assert found.ref == document.ref
        assert found.state is not DocumentState.DRAFT
        return found

    async def made(self, company: str, key: str) -> dict[str, Decimal]:
        return p.net_of(await self.erp.journals(company, FIRST, LAST), key)

    async def expect(self, company: str, key: str, **by_account: str) -> None:
        assert await self.made(company, key) == p.amounts(**by_account)

    async def open_of(self, company: str, key: str) -> Decimal:
        document = await self.erp.read_document(company, key)
        return document.open_amount.amount

    async def balances(self, company: str) -> dict[str, Decimal]:
        rows = await self.erp.trial_balance(company, LAST)
        currency = rows[0].balance.currency
        assert not balance_of(rows, currency)
        return {row.account: row.balance.amount for row in rows if row.balance}
