"""The ERP port, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import (
    Booking,
    BookingState,
    ErpCustomer,
)
from dealthread.domain.ledger import (
    LedgerJournal,
    LedgerPeriod,
    LedgerPeriodState,
    PostedJournal,
    Reversal,
    TrialBalanceRow,
    UnpostedDocument,
)
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, TakenBackCredit
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.erp import DraftBooking, OnboardErpCustomer, PostingQuestion, PostingRules
from dealthread.ports.ledger import CUSTOMER_UNKNOWN
from dealthread.ports.noting import NoteFields, NoteMaking, unnoted, unsaid
from tests.fakes.adoption import OldLedger
from tests.fakes.customers import Told, differing
from tests.fakes.ledger import FakeLedger
from tests.fakes.ledger_by_hand import entries_by_hand
from tests.fakes.world import Unchanged, World

T = TypeVar("T")


class FakeErp(OldLedger):
    """Customers and bookings of one company after another."""

    settle_window = timedelta(0)
    customer_key_window = timedelta.max

    def __init__(self, world: World) -> None:
        self._world = world
        self.customers: dict[tuple[str, str], ErpCustomer] = {}
        self._records: dict[tuple[str, str], Told] = {}
        self.bookings: dict[str, list[Booking]] = {}
        self.ledger = FakeLedger()
        self._contract_of: dict[str, str] = {}
        """Contract key by document key."""

    async def check_posting_rules(self, question: PostingQuestion) -> PostingRules:
        return await self._world.read(
            "erp.check_posting_rules",
            lambda: PostingRules(
                company=question.company,
                read_at=datetime(2026, 1, 1, tzinfo=UTC),
                open_from=self.ledger.open_from(question.posting_date, question.company),
            ),
        )

    async def find_customer(self, company: str, customer_key: str) -> ErpCustomer | None:
        return await self._world.read(
            "erp.find_customer", lambda: self.customers.get((company, customer_key))
        )

    async def create_customer(
        self,
        command: OnboardErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
        making: NoteMaking = unsaid,
    ) -> Outcome[ErpCustomer]:
        del note  # each company keeps its own record here
        if (command.company, command.customer_key) not in self.customers:
            await making()

        def effect() -> ErpCustomer | Unchanged[ErpCustomer]:
            key = (command.company, command.customer_key)
            if key in self.customers:
                # The ERP's own unique code: a late or repeated create makes nothing.
                return Unchanged(self.customers[key])
            self.customers[key] = ErpCustomer(
                ref=Ref(
                    system=System.ERP,
                    account=f"fake.{command.company}",
                    kind="customer",
                    native_id=f"party-{command.customer_key}",
                ),
                customer_key=command.customer_key,
                created=True,
            )
            self._records[key] = _told(command)
            return self.customers[key]

        return await self._world.write("erp.create_customer", command.customer_key, effect)

    async def update_customer(
        self,
        command: OnboardErpCustomer,
        existing: ErpCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[ErpCustomer]:
        key = (command.company, command.customer_key)
        fields = differing(self._records.get(key), _told(command))
        if fields:
            await note(fields)

        def effect() -> ErpCustomer:
            self._records[key] = _told(command)
            return existing.model_copy(update={"created": False})

        return await self._world.write("erp.update_customer", command.customer_key, effect)

    async def retire_customer(
        self, customer: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        def effect() -> ErpCustomer:
            company = customer.ref.account.split(".", 1)[1]
            inactive = customer.model_copy(update={"active": False})
            self.customers[company, customer.customer_key] = inactive
            return inactive

        return await self._world.write("erp.retire_customer", customer.customer_key, effect)

    async def draft_booking(
        self, command: DraftBooking, *, idempotency_key: str
    ) -> Outcome[Booking]:
        contract = command.contract

        def effect() -> Booking:
            made = self.bookings.setdefault(command.document_key, [])
            booking = Booking(
                ref=Ref(
                    system=System.ERP,
                    account=f"fake.{contract.erp_company}",
                    kind="booking",
                    native_id=f"sale-{command.document_key}-{len(made) + 1}",
                ),
                document_key=command.document_key,
                number=str(len(made) + 1),
                state=BookingState.QUOTATION,
                customer=command.customer.ref,
                currency=contract.currency,
                net=contract.booking_net(),
                tax=command.estimated_tax,
                gross=contract.booking_net() + command.estimated_tax,
                context={
                    **command.context.model_dump(),
                    **({"amends": command.amends} if command.amends else {}),
                },
            )
            made.append(booking)
            self._contract_of[command.document_key] = contract.key
            return booking

        return await self._world.write("erp.draft_booking", contract.key, effect)

    def adopt(self, document_key: str, contract_key: str) -> None:
        """A document that a test made by hand counts for a contract."""
        self._contract_of[document_key] = contract_key

    def live(self, document_key: str) -> list[Booking]:
        """Bookings neither cancelled nor reversed."""
        gone = (BookingState.CANCELLED, BookingState.REVERSED)
        return [one for one in self.bookings.get(document_key, []) if one.state not in gone]

    async def find_booking(self, company: str, document_key: str) -> Booking | None:
        return await self._world.read(
            "erp.find_booking", lambda: next(iter(self.live(document_key)), None)
        )

    async def _set(self, method: str, booking: Booking, state: BookingState) -> Outcome[Booking]:
        made = self.bookings[booking.document_key]
        index = next(i for i, one in enumerate(made) if one.ref == booking.ref)

        def effect() -> Booking:
            made[index] = made[index].model_copy(update={"state": state})
            return made[index]

        return await self._world.write(method, self._contract_of[booking.document_key], effect)

    async def confirm_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._set("erp.confirm_booking", booking, BookingState.CONFIRMED)

    async def cancel_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._set("erp.cancel_booking", booking, BookingState.CANCELLED)

    async def reverse_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._set("erp.reverse_booking", booking, BookingState.REVERSED)

    async def read_booking(self, company: str, document_key: str) -> Booking:
        def look() -> Booking:
            for made in self.bookings.values():
                for one in made:
                    if document_key in (one.document_key, one.ref.native_id, one.number):
                        return one
            raise NotFound("booking_not_found")

        return await self._world.read("erp.read_booking", look)

    # ------------------------------------------------------------ ledger

    async def _post(
        self, method: str, company: str, key: str, make: Callable[[], T]
    ) -> Outcome[T | PostedDocument]:
        """Once for each key; a refusal writes nothing."""

        def effect() -> T | PostedDocument | Unchanged[T | PostedDocument]:
            made = self.ledger.find(company, key)
            return make() if made is None else Unchanged(made)

        try:
            return await self._world.write(method, key, effect)
        except StepRejected as refusal:
            return Rejected(
                refusal.case_kind, refusal.code, field=refusal.field, evidence=refusal.evidence
            )

    async def find_document(self, company: str, document_key: str) -> PostedDocument | None:
        return await self._world.read(
            "erp.find_document", lambda: self.ledger.find(company, document_key)
        )

    async def exchange_rate(self, company: str, currency: str, on: date) -> LedgerRate | None:
        return await self._world.read(
            "erp.exchange_rate", lambda: self.ledger.exchange_rate(company, currency, on)
        )

    async def post_invoice(
        self, command: LedgerInvoice, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.post_invoice",
            command.company,
            command.document_key,
            lambda: self._to_a_customer(command),
        )

    def _to_a_customer(self, command: LedgerInvoice) -> PostedDocument:
        if all(key != command.customer_key for _, key in self.customers):
            raise StepRejected(
                CUSTOMER_UNKNOWN,
                case_kind="customer.sync_failed",
                field="customer_key",
                customer_key=command.customer_key,
            )
        return self.ledger.invoice(command)

    async def post_credit_memo(
        self, command: LedgerCreditMemo, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.post_credit_memo",
            command.company,
            command.document_key,
            lambda: self.ledger.credit_memo(command),
        )

    async def take_back_credit(
        self, command: TakenBackCredit, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.take_back_credit",
            command.document.company,
            command.document.document_key,
            lambda: self.ledger.take_back(command),
        )

    async def apply_receipt(
        self, command: LedgerReceipt, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.apply_receipt",
            command.company,
            command.document_key,
            lambda: self.with_old(command, self.ledger.receipt),
        )

    async def post_journal(
        self, command: LedgerJournal, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.post_journal",
            command.company,
            command.document_key,
            lambda: self.ledger.journal(command),
        )

    async def post_write_off(
        self, command: WriteOff, *, idempotency_key: str
    ) -> Outcome[PostedDocument]:
        return await self._post(
            "erp.post_write_off",
            command.company,
            command.document_key,
            lambda: self.ledger.write_off(command),
        )

    async def reverse_journal(
        self, command: Reversal, *, idempotency_key: str
    ) -> Outcome[PostedDocument | None]:
        return await self._post(
            "erp.reverse_journal",
            command.company,
            command.document_key,
            lambda: self.ledger.reverse(command),
        )

    async def read_document(self, company: str, document_key: str) -> PostedDocument:
        found = await self._world.read(
            "erp.read_document", lambda: self.ledger.find(company, document_key)
        )
        if found is None:
            raise NotFound("document_not_found")
        return found

    async def open_documents(self, company: str, customer_key: str) -> tuple[PostedDocument, ...]:
        return await self._world.read(
            "erp.open_documents", lambda: self.ledger.open_documents(company, customer_key)
        )

    async def trial_balance(self, company: str, until: date) -> tuple[TrialBalanceRow, ...]:
        return await self._world.read(
            "erp.trial_balance", lambda: self.ledger.trial_balance(company, until)
        )

    async def journals(self, company: str, start: date, end: date) -> tuple[PostedJournal, ...]:
        return await self._world.read(
            "erp.journals", lambda: self.ledger.journals(company, start, end)
        )

    async def entries_by_hand(
        self,
        company: str,
        accounts: Sequence[str],
        until: date,
        most: int,
        *,
        customer_keys: Sequence[str] = (),
    ) -> tuple[PostedJournal, ...]:
        return await self._world.read(
            "erp.entries_by_hand",
            lambda: entries_by_hand(self.ledger, company, accounts, until, most, customer_keys),
        )

    async def read_period(self, company: str, month: date) -> LedgerPeriod:
        return await self._world.read("erp.read_period", lambda: self.ledger.period(company, month))

    async def unposted(self, company: str, month: date) -> tuple[UnpostedDocument, ...]:
        return await self._world.read("erp.unposted", lambda: self.ledger.unposted(company, month))

    async def close_period(
        self, company: str, month: date, *, idempotency_key: str
    ) -> Outcome[LedgerPeriod]:
        def effect() -> LedgerPeriod | Unchanged[LedgerPeriod]:
            known = self.ledger.period(company, month)
            if known.state is LedgerPeriodState.CLOSED:
                return Unchanged(known)
            return self.ledger.close(company, month)

        try:
            return await self._world.write("erp.close_period", f"{company}:{month:%Y-%m}", effect)
        except StepRejected as refusal:
            return Rejected(
                refusal.case_kind, refusal.code, field=refusal.field, evidence=refusal.evidence
            )


def _told(command: OnboardErpCustomer) -> Told:
    return command.party, command.parent_customer_key, command.payment_terms
