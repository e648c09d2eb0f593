"""Ledger half of the ERP port: every write looks for its document key first and goes on from there.

One poster per company is assumed: Tryton has no unique key of ours, so that two posters at once
could each find nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from adapters.erp.tryton import (
    book,
    credit_memos,
    exported,
    invoices,
    journals,
    periods,
    rates,
    receipts,
    settling,
)
from adapters.erp.tryton.balances import Reader
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.operation import Operation, conclude
from adapters.erp.tryton.rpc import ERP_REJECTED, TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.domain.adoption.book import LedgerBook
from dealthread.domain.documents import ErpCustomer
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
from dealthread.errors import NotFound
from dealthread.outcome import Outcome
from dealthread.ports.adoption import TakeOverCustomer

T = TypeVar("T")


class TrytonPostings:
    """Invoices, credit memos, receipts, write-offs, journals and balances."""

    def __init__(self, settings: TrytonSettings, rpc: TrytonRpc, companies: Companies) -> None:
        self._settings = settings
        self._rpc = rpc
        self._companies = companies

    async def post_invoice(self, command: LedgerInvoice) -> Outcome[PostedDocument]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            row = await invoices.ensure_posted(operation, command, self._settings.clearing_account)
            return await reader.of_invoice(row)

        return await self._run(command.company, work)

    async def post_credit_memo(self, command: LedgerCreditMemo) -> Outcome[PostedDocument]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            if not await settling.find_invoices(operation, command.document_key):
                await credit_memos.check_room(operation, command)
            row = await invoices.ensure_posted(
                operation, command, self._settings.clearing_account, command.corrects
            )
            await credit_memos.settle(operation, command, row)
            return await reader.of_invoice(await settling.invoice_by_id(operation, row["id"]))

        return await self._run(command.company, work)

    async def take_back_credit(self, command: TakenBackCredit) -> Outcome[PostedDocument]:
        clearing = self._settings.clearing_account

        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            await credit_memos.check_withdrawable(operation, command)
            row = await invoices.ensure_posted(operation, command.document, clearing, command.memo)
            await credit_memos.take_back(operation, command, row)
            return await reader.of_invoice(await settling.invoice_by_id(operation, row["id"]))

        return await self._run(command.document.company, work)

    async def apply_receipt(self, command: LedgerReceipt) -> Outcome[PostedDocument]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            return await reader.of_entry(await receipts.ensure_receipt(operation, command))

        return await self._run(command.company, work)

    async def post_write_off(self, command: WriteOff) -> Outcome[PostedDocument]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            return await reader.of_entry(await receipts.ensure_write_off(operation, command))

        return await self._run(command.company, work)

    async def post_journal(self, command: LedgerJournal) -> Outcome[PostedDocument]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument:
            return await reader.of_entry(await journals.ensure_journal(operation, command))

        return await self._run(command.company, work)

    async def reverse_journal(self, command: Reversal) -> Outcome[PostedDocument | None]:
        async def work(operation: Operation, reader: Reader) -> PostedDocument | None:
            entry = await journals.reverse(operation, command)
            return await reader.of_entry(entry) if entry else None

        return await self._run(command.company, work)

    async def exchange_rate(self, company: str, currency: str, on: date) -> LedgerRate | None:
        oldest = timedelta(days=self._settings.rate_days)
        return await rates.rate_of(await self._operation(company), currency, on, oldest)

    async def find(self, company: str, document_key: str) -> PostedDocument | None:
        return await (await self._reader(company)).find(document_key)

    async def read(self, company: str, document_key: str) -> PostedDocument:
        found = await self.find(company, document_key)
        if found is None:
            raise NotFound("document", company=company, document_key=document_key)
        return found

    async def open_documents(self, company: str, customer_key: str) -> tuple[PostedDocument, ...]:
        return await (await self._reader(company)).open_documents(customer_key)

    async def trial_balance(self, company: str, until: date) -> tuple[TrialBalanceRow, ...]:
        return await (await self._reader(company)).trial_balance(until)

    async def journals(self, company: str, start: date, end: date) -> tuple[PostedJournal, ...]:
        operation = await self._operation(company)
        return await exported.export(operation, self._companies, company, start, end)

    async def entries_by_hand(
        self,
        company: str,
        accounts: Sequence[str],
        until: date,
        most: int,
        customer_keys: Sequence[str],
    ) -> tuple[PostedJournal, ...]:
        operation = await self._operation(company)
        return await exported.by_hand(
            operation, self._companies, company, accounts, until, most, customer_keys
        )

    async def read_period(self, company: str, month: date) -> LedgerPeriod:
        operation = await self._operation(company)
        return await periods.read(operation, self._companies, company, month)

    async def unposted(self, company: str, month: date) -> tuple[UnpostedDocument, ...]:
        operation = await self._operation(company)
        return await periods.unposted(operation, self._companies, company, month)

    async def close_period(self, company: str, month: date) -> Outcome[LedgerPeriod]:
        async def work(operation: Operation, _: Reader) -> LedgerPeriod:
            return await periods.close(operation, self._companies, company, month)

        return await self._run(company, work)

    async def read_ledger(self, company: str, opening: date, reading: date) -> LedgerBook:
        operation = await self._operation(company)
        return await book.read(
            operation,
            self._reading(operation, company),
            self._companies,
            company,
            opening,
            reading,
            self._settings.instance,
        )

    async def find_taken_over(self, command: TakeOverCustomer) -> ErpCustomer | None:
        return await book.find(await self._operation(command.company), self._companies, command)

    async def take_over(self, command: TakeOverCustomer) -> Outcome[ErpCustomer]:
        async def work(operation: Operation, _: Reader) -> ErpCustomer:
            return await book.take_over(operation, self._companies, command)

        return await self._run(command.company, work)

    # ------------------------------------------------------------ running

    async def _operation(self, company: str) -> Operation:
        return Operation(self._rpc, await self._companies.context(company), ERP_REJECTED)

    def _reading(self, operation: Operation, company: str) -> Reader:
        return Reader(operation, self._companies, company, self._settings.clearing_account)

    async def _reader(self, company: str) -> Reader:
        return self._reading(await self._operation(company), company)

    async def _run(
        self, company: str, work: Callable[[Operation, Reader], Awaitable[T]]
    ) -> Outcome[T]:
        operation = await self._operation(company)
        reader = self._reading(operation, company)
        return await conclude(
            operation, lambda same: work(same, reader), self._settings.total_seconds
        )
