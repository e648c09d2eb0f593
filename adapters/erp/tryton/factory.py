"""The ERP port for Tryton."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import httpx

from adapters.erp.tryton import posting_rules
from adapters.erp.tryton.bookings import TrytonBookings
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.customers import TrytonCustomers
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.postings import TrytonPostings
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from adapters.http import CallMeter
from dealthread.domain.adoption.book import LedgerBook
from dealthread.domain.documents import Booking, ErpCustomer
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
from dealthread.ports.adoption import TakeOverCustomer
from dealthread.ports.erp import (
    DraftBooking,
    ErpPort,
    OnboardErpCustomer,
    PostingQuestion,
    PostingRules,
)
from dealthread.ports.noting import NoteFields, NoteMaking, unnoted, unsaid


class TrytonErp:
    """`ErpPort` over JSON-RPC. Tryton has no idempotency keys: every write finds first, by our
    customer key or document key, and goes on from what is there."""

    customer_key_window = timedelta.max
    """`party.code` is unique in Tryton."""
    settle_window = timedelta(0)
    """Look-ups read the same database that the write committed to."""

    def __init__(self, settings: TrytonSettings, rpc: TrytonRpc) -> None:
        self._rpc = rpc
        self._companies = Companies(settings, rpc)
        self._customers = TrytonCustomers(settings, rpc, self._companies)
        self._bookings = TrytonBookings(settings, rpc, self._companies)
        self._postings = TrytonPostings(settings, rpc, self._companies)

    async def check_posting_rules(self, question: PostingQuestion) -> PostingRules:
        context = await self._companies.context(question.company)
        return await posting_rules.check(Operation(self._rpc, context, ""), question)

    async def find_customer(self, company: str, customer_key: str) -> ErpCustomer | None:
        return await self._customers.find(company, customer_key)

    async def create_customer(
        self,
        command: OnboardErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
        making: NoteMaking = unsaid,
    ) -> Outcome[ErpCustomer]:
        del idempotency_key  # the customer key is unique in Tryton and does its work
        return await self._customers.ensure(command, note=note, making=making)

    async def update_customer(
        self,
        command: OnboardErpCustomer,
        existing: ErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[ErpCustomer]:
        del idempotency_key
        return await self._customers.ensure(command, existing, note)

    async def retire_customer(
        self, customer: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        del idempotency_key
        return await self._customers.retire(customer)

    async def draft_booking(
        self, command: DraftBooking, *, idempotency_key: str
    ) -> Outcome[Booking]:
        del idempotency_key  # the document key is derived alike and is what Tryton stores
        return await self._bookings.draft(command)

    async def find_booking(self, company: str, document_key: str) -> Booking | None:
        return await self._bookings.find(company, document_key)

    async def confirm_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        del idempotency_key
        return await self._bookings.confirm(booking)

    async def cancel_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        del idempotency_key
        return await self._bookings.cancel(booking)

    async def reverse_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        del idempotency_key
        return await self._bookings.reverse(booking)

    async def read_booking(self, company: str, document_key: str) -> Booking:
        return await self._bookings.read(company, document_key)

    # ------------------------------------------------------------ ledger

    async def find_document(self, company: str, document_key: str) -> PostedDocument | None:
        return await self._postings.find(company, document_key)

    async def exchange_rate(self, company: str, currency: str, on: date) -> LedgerRate | None:
        return await self._postings.exchange_rate(company, currency, on)

    async def post_invoice(
        self, command: LedgerInvoice, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.post_invoice(command)

    async def post_credit_memo(
        self, command: LedgerCreditMemo, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.post_credit_memo(command)

    async def take_back_credit(
        self, command: TakenBackCredit, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.take_back_credit(command)

    async def apply_receipt(
        self, command: LedgerReceipt, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.apply_receipt(command)

    async def post_journal(
        self, command: LedgerJournal, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.post_journal(command)

    async def post_write_off(
        self, command: WriteOff, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        del idempotency_key
        return await self._postings.post_write_off(command)

    async def reverse_journal(
        self, command: Reversal, *, idempotency_key: str
    ) -> Outcome[PostedDocument | None]:
        del idempotency_key
        return await self._postings.reverse_journal(command)

    async def read_document(self, company: str, document_key: str) -> PostedDocument:
        return await self._postings.read(company, document_key)

    async def open_documents(self, company: str, customer_key: str) -> tuple[PostedDocument, ...]:
        return await self._postings.open_documents(company, customer_key)

    async def trial_balance(self, company: str, until: date) -> tuple[TrialBalanceRow, ...]:
        return await self._postings.trial_balance(company, until)

    async def journals(self, company: str, start: date, end: date) -> tuple[PostedJournal, ...]:
        return await self._postings.journals(company, start, end)

    async def entries_by_hand(
        self,
        company: str,
        accounts: Sequence[str],
        until: date,
        most: int,
        *,
        customer_keys: Sequence[str] = (),
    ) -> tuple[PostedJournal, ...]:
        return await self._postings.entries_by_hand(company, accounts, until, most, customer_keys)

    async def read_period(self, company: str, month: date) -> LedgerPeriod:
        return await self._postings.read_period(company, month)

    async def unposted(self, company: str, month: date) -> tuple[UnpostedDocument, ...]:
        return await self._postings.unposted(company, month)

    async def close_period(
        self, company: str, month: date, *, idempotency_key: str
    ) -> Outcome[LedgerPeriod]:
        del idempotency_key  # a closed period is found closed
        return await self._postings.close_period(company, month)

    # ------------------------------------------------------------ adoption

    async def read_ledger(self, company: str, opening: date, reading: date) -> LedgerBook:
        return await self._postings.read_ledger(company, opening, reading)

    async def take_over_customer(
        self, command: TakeOverCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        del idempotency_key  # what is on a record already is left alone
        return await self._postings.take_over(command)

    async def find_taken_over_customer(self, command: TakeOverCustomer) -> ErpCustomer | None:
        return await self._postings.find_taken_over(command)


def create(
    settings: TrytonSettings, http: httpx.AsyncClient, meter: CallMeter | None = None
) -> ErpPort:
    """The port on a client that the caller owns and closes."""
    return TrytonErp(settings, TrytonRpc(settings, http, meter))
